"""A package is intact as written, and whatever is done to it afterwards, the verifier names it."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadInput, BadSettings
from sewu.respond.package import (
    KEY,
    MANIFEST,
    SIGNATURE,
    create_signing_key,
    file_sha256,
    open_signing_key,
    public_key_of,
    public_pem,
    verify_package,
    write_package,
)

SIGNER = Ed25519PrivateKey.generate()
STORY = {"incident": {"id": "inc_1", "title": "Parkir liar"}, "chain": []}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    (folder / "clip.mp4").write_bytes(os.urandom(5000))
    (folder / "still.jpg").write_bytes(b"still")
    target = folder / "bukti.zip"
    files = {"clip.mp4": folder / "clip.mp4", "stills/still.jpg": folder / "still.jpg"}
    assert write_package(target, files, STORY, SIGNER) == file_sha256(target)[0]
    assert not list(folder.glob("*.part"))
    return target


def rewritten(source: Path, target: Path, change: dict[str, bytes | None], twice: str | None = None) -> Path:
    """A copy in which some files are changed, removed (None) or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            data = change.get(entry.filename, old.read(entry))
            if data is not None:
                new.writestr(entry.filename, data)
        for name, data in change.items():
            if data is not None and name not in old.namelist():
                new.writestr(name, data)
    if twice is not None:
        with zipfile.ZipFile(target, "a") as new, pytest.warns(UserWarning):
            new.writestr(twice, b"other")
    return target


def test_a_package_is_intact_as_written_and_its_origin_needs_a_key_from_elsewhere(package: Path) -> None:
    verdict = verify_package(package)
    assert verdict.is_intact and not verdict.origin and verdict.files == 3
    assert verify_package(package, SIGNER.public_key()).origin
    other = verify_package(package, Ed25519PrivateKey.generate().public_key())
    assert not other.is_intact and not other.origin and "given key" in other.faults[0]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"clip.mp4": b"other"}, "clip.mp4: was changed"),
        ({"stills/still.jpg": b"stilL"}, "stills/still.jpg: was changed"),
        ({"stills/still.jpg": b"still."}, "stills/still.jpg: was changed"),
        ({"clip.mp4": None}, "clip.mp4: is missing"),
        ({"extra.txt": b"x"}, "extra.txt: was added"),
        ({MANIFEST: b"{}"}, MANIFEST),
        ({SIGNATURE: b"0" * 64}, MANIFEST),
        ({SIGNATURE: b""}, MANIFEST),
        ({MANIFEST: None}, MANIFEST),
        ({KEY: b"no key"}, KEY),
        ({KEY: public_pem(Ed25519PrivateKey.generate().public_key())}, MANIFEST),
    ],
)
def test_what_was_tampered_with_is_named(package: Path, tmp_path: Path, change: dict[str, bytes | None], named: str) -> None:
    verdict = verify_package(rewritten(package, tmp_path / "x.zip", change))
    assert len(verdict.faults) == 1 and verdict.faults[0].startswith(named)


def test_a_file_that_is_there_twice_is_named(package: Path, tmp_path: Path) -> None:
    verdict = verify_package(rewritten(package, tmp_path / "x.zip", {}, twice="clip.mp4"))
    assert verdict.faults == ("clip.mp4: is there more than once",)


def test_one_who_signs_anew_with_a_key_of_their_own_is_found_by_the_citys_key(package: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"forged")
    forged = tmp_path / "forged.zip"
    write_package(forged, {"clip.mp4": tmp_path / "clip.mp4"}, STORY, Ed25519PrivateKey.generate())
    assert verify_package(forged).is_intact  # by itself it is
    assert not verify_package(forged, SIGNER.public_key()).is_intact


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_flipped_byte_passes_unless_it_changes_nothing(package: Path, tmp_path: Path, data: st.DataObject) -> None:
    body = bytearray(package.read_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    target = tmp_path / "flipped.zip"
    target.write_bytes(bytes(body))
    try:
        verdict = verify_package(target, SIGNER.public_key())
    except BadInput:
        return
    if verdict.is_intact:  # a time stamp, a flag or a comment of the ZIP: every file still reads the same
        with zipfile.ZipFile(target) as changed, zipfile.ZipFile(package) as first:
            assert {name: changed.read(name) for name in changed.namelist()} == {name: first.read(name) for name in first.namelist()}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
def test_what_is_no_package_is_refused_or_faulted(tmp_path: Path, body: bytes) -> None:
    target = tmp_path / "any.zip"
    target.write_bytes(body)
    try:
        assert not verify_package(target).is_intact
    except BadInput:
        return


def test_a_signing_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "evidence.key"
    create_signing_key(path)
    key = open_signing_key(path)
    with pytest.raises(BadSettings):
        create_signing_key(path)
    path.chmod(0o644)
    with pytest.raises(BadSettings):
        open_signing_key(path)
    (tmp_path / "public.pem").write_bytes(public_pem(key.public_key()))
    assert public_key_of(tmp_path / "public.pem") == key.public_key()
    for wrong in (path, tmp_path / "none"):
        with pytest.raises(BadSettings):
            public_key_of(wrong)
