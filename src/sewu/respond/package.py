"""An evidence package: a ZIP that anybody can check offline, and that says which file was tampered with.

manifest.json lists every other file with its SHA-256, and manifest.sig is an Ed25519 signature (RFC 8032) over its bytes. The public
key lies beside them for convenience: it proves that nothing changed since the package was made; who made it is proved only by a key
that came by another way (`--key`).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization import load_pem_public_key as load_public

from sewu.base.errors import BadInput, BadSettings, StoreFull

FORMAT = "sewu-evidence/1"
MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.sig", "public-key.pem"
CHUNK_BYTES = 1 << 20
MAX_MANIFEST_BYTES = 16 * 1024 * 1024
MAX_FILES = 10_000


def create_signing_key(path: Path) -> None:
    """Write a new private key that only its owner may read.

    Raises:
        BadSettings: there is one already (it is never overwritten), or the folder cannot be written.
    """
    data = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadSettings(f"{path} exists already.", "Keep it: packages were signed with it.") from None
    except OSError as error:
        raise BadSettings(f"{path} cannot be written: {error.strerror}.", "Check the folder and its permissions.") from error
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def open_signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key of a file. Raises `BadSettings`: missing, no Ed25519 key, or readable by others than its owner."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BadSettings(f"{path} can be read by others.", f"Run: chmod 600 {path}")
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}.", "Restore it from its backup, or run `sewu init`.") from error
    except (ValueError, TypeError):
        raise BadSettings(f"{path} is no private key.", "Restore it from its backup.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSettings(f"{path} is no Ed25519 key.", "Restore it from its backup.")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The public key for others to keep."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, hexadecimal: what one person reads to another."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def file_sha256(path: Path) -> tuple[str, int]:
    """Hash and length of a file."""
    with path.open("rb") as file:
        return _hash(file)


def _hash(file: IO[bytes] | _Bounded) -> tuple[str, int]:
    found, count = hashlib.sha256(), 0
    while chunk := file.read(CHUNK_BYTES):
        found.update(chunk)
        count += len(chunk)
    return found.hexdigest(), count


def write_package(path: Path, files: Mapping[str, Path], story: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """Write a package; returns its own SHA-256. It is complete under its name, or not there.

    Args:
        files: name within the package -> file to take. story: what the manifest says besides: request, incident, chain of custody.

    Raises:
        StoreFull: the disk refused.
    """
    public = key.public_key()
    listed = []
    half = path.with_name(f"{path.name}.part")
    try:
        with zipfile.ZipFile(half, "w", zipfile.ZIP_STORED) as package:
            for name, source in sorted(files.items()):
                sha256, count = file_sha256(source)
                listed.append({"path": name, "sha256": sha256, "bytes": count})
                package.write(source, name)
            package.writestr(KEY, public_pem(public))
            listed.append({"path": KEY, "sha256": hashlib.sha256(public_pem(public)).hexdigest(), "bytes": len(public_pem(public))})
            manifest = {"format": FORMAT, "key": fingerprint(public), "files": listed, **story}
            data = json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1).encode()
            package.writestr(MANIFEST, data)
            package.writestr(SIGNATURE, key.sign(data))
        with half.open("rb") as written:
            os.fsync(written.fileno())
        sha256, _ = file_sha256(half)
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise StoreFull(f"{path} could not be written: {error.strerror}.", "Free some space, then export again.") from error
    return sha256


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. `faults` is empty when nothing was changed. `origin`: whether a key from elsewhere was given and is the signer's."""

    faults: tuple[str, ...]
    origin: bool
    key: str | None = None
    files: int = 0

    @property
    def is_intact(self) -> bool:
        """Whether every file is what was signed."""
        return not self.faults


def verify_package(path: Path, trusted: Ed25519PublicKey | None = None) -> Verdict:
    """Check a package without the service that made it.

    Raises:
        BadInput: no ZIP, or it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as package:
            return _verify(package, trusted)
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, UnicodeDecodeError, ValueError) as error:
        raise BadInput(f"{path} is not a readable ZIP: {error}.", "Ask for the package again.") from error


def _verify(package: zipfile.ZipFile, trusted: Ed25519PublicKey | None) -> Verdict:
    names = [entry.filename for entry in package.infolist()]
    if len(names) > MAX_FILES:
        return Verdict((f"more than {MAX_FILES} files",), False)
    doubled = tuple(f"{name}: is there more than once" for name, count in sorted(Counter(names).items()) if count > 1)
    if doubled:
        return Verdict(doubled, False)
    missing = [f"{name}: is missing" for name in (MANIFEST, SIGNATURE, KEY) if name not in names]
    if missing:
        return Verdict(tuple(missing), False)
    data, signature, pem = (_small(package, name) for name in (MANIFEST, SIGNATURE, KEY))
    if data is None or signature is None or pem is None:
        return Verdict((f"{MANIFEST}, {SIGNATURE} or {KEY}: damaged",), False)
    key = trusted or _public(pem)
    if key is None:
        return Verdict((f"{KEY}: is no Ed25519 public key",), False)
    try:
        key.verify(signature, data)
    except InvalidSignature:
        whose = "the given key" if trusted is not None else KEY
        fault = f"{MANIFEST}: not signed by {whose}; it, or its signature, was changed"
        return Verdict((fault,), False, fingerprint(key))
    listed = _listed(data)
    if listed is None:
        return Verdict((f"{MANIFEST}: is not of the format {FORMAT}",), trusted is not None, fingerprint(key))
    added = sorted(set(names) - listed.keys() - {MANIFEST, SIGNATURE})
    faults = [*_compare(package, listed), *(f"{name}: was added" for name in added)]
    return Verdict(tuple(faults), trusted is not None, fingerprint(key), len(listed))


def _small(package: zipfile.ZipFile, name: str) -> bytes | None:
    try:
        with package.open(name) as file:
            data = file.read(MAX_MANIFEST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        return None
    return data if len(data) <= MAX_MANIFEST_BYTES else None


def _public(pem: bytes) -> Ed25519PublicKey | None:
    try:
        key = load_public(pem)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def public_key_of(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file. Raises `BadSettings`."""
    try:
        key = _public(path.read_bytes())
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    if key is None:
        raise BadSettings(f"{path} is no Ed25519 public key.", "Give the PEM file that the city published.")
    return key


def _listed(data: bytes) -> dict[str, tuple[str, int]] | None:
    try:
        manifest = json.loads(data)
        if manifest["format"] != FORMAT:
            return None
        return {str(row["path"]): (str(row["sha256"]), int(row["bytes"])) for row in manifest["files"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _compare(package: zipfile.ZipFile, listed: Mapping[str, tuple[str, int]]) -> Iterator[str]:
    there = set(package.namelist())
    for name, (sha256, count) in sorted(listed.items()):
        if name not in there:
            yield f"{name}: is missing"
            continue
        try:
            with package.open(name) as file:
                found, length = _hash(_Bounded(file, count + 1))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
            yield f"{name}: is damaged"
            continue
        if found != sha256 or length != count:
            yield f"{name}: was changed"


class _Bounded:
    """Reads no more than was listed, so that a small ZIP cannot unpack to terabytes."""

    def __init__(self, file: IO[bytes], left: int) -> None:
        self._file, self._left = file, left

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(min(count, self._left) if count >= 0 else self._left)
        self._left -= len(data)
        return data
