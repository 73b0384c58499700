"""`sewu evidence verify` needs nothing but the package, and says in two languages what it found."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sewu.base.errors import BadInput
from sewu.cli.application import app
from sewu.respond.package import public_pem, write_package

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "clip.mp4").write_bytes(b"clip")
    (tmp_path / "city.pem").write_bytes(public_pem(KEY.public_key()))
    write_package(tmp_path / "bukti.zip", {"clip.mp4": tmp_path / "clip.mp4"}, {}, KEY)
    return tmp_path / "bukti.zip"


@pytest.mark.parametrize(("language", "said"), [("id", "utuh"), ("en", "intact")])
def test_an_intact_package_is_called_intact(package: Path, language: str, said: str) -> None:
    alone = CliRunner().invoke(app, ["evidence", "verify", str(package)], env={"SEWU_LANGUAGE": language})
    keyed = CliRunner().invoke(app, ["evidence", "verify", str(package), "--key", str(package.with_name("city.pem"))])
    assert alone.exit_code == 0 == keyed.exit_code and said in alone.output
    assert alone.output != keyed.output


def test_a_changed_package_is_named_and_fails(package: Path) -> None:
    changed = package.with_name("changed.zip")
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"forged" if name == "clip.mp4" else old.read(name))
    result = CliRunner().invoke(app, ["evidence", "verify", str(changed)], env={"SEWU_LANGUAGE": "en"})
    assert result.exit_code == 1 and "clip.mp4: was changed" in result.output and "NOT intact" in result.output


def test_what_is_no_package_is_explained(package: Path) -> None:
    result = CliRunner().invoke(app, ["evidence", "verify", str(package.with_name("city.pem"))])
    assert isinstance(result.exception, BadInput)
