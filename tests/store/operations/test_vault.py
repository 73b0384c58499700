"""Secrets come back with the right key only, and are never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.store.operations.vault import Vault, create_key, open_vault

KEYS = tuple(Fernet.generate_key().decode() for _ in range(2))


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_a_sealed_secret_opens_again_and_does_not_show(secret: str) -> None:
    vault = Vault(KEYS)
    sealed = vault.seal(secret)
    assert vault.open(sealed) == secret
    assert len(secret) < 4 or secret not in sealed


def test_an_old_key_still_opens_and_renewing_moves_to_the_new_one() -> None:
    sealed = Vault(KEYS[1:]).seal("rahasia")
    assert Vault(KEYS).open(sealed) == "rahasia"
    renewed = Vault(KEYS).renewed(sealed)
    assert Vault(KEYS[:1]).open(renewed) == "rahasia"
    with pytest.raises(BadSettings, match="cannot be decrypted"):
        Vault(KEYS[:1]).open(sealed)


@given(st.text(st.characters(codec="ascii"), max_size=200))
def test_anything_else_is_refused_clearly(text: str) -> None:
    with pytest.raises(BadSettings):
        Vault(KEYS).open(text)


def test_a_key_file_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "sewu.key"
    create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_vault(path).open(open_vault(path).seal("x")) == "x"
    with pytest.raises(BadSettings, match="exists already"):
        create_key(path)
    path.chmod(0o644)
    with pytest.raises(BadSettings, match="chmod 600"):
        open_vault(path)


@pytest.mark.parametrize("content", [b"", b"not a key\n", b"\xff\xfe"])
def test_a_broken_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sewu.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(BadSettings):
        open_vault(path)
    with pytest.raises(BadSettings):
        open_vault(tmp_path / "none.key")


def test_a_vault_shows_no_key() -> None:
    assert all(key not in repr(Vault(KEYS)) for key in KEYS)
