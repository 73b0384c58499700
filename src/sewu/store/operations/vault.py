"""Secrets at rest: camera passwords, channel tokens and the like are encrypted before they reach the database.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec). The key file holds one key a line: the first
encrypts, all decrypt, so a key is replaced by writing a new first line and calling `Vault.renewed` on each secret.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from sewu.base.errors import BadSettings

MAX_KEYS = 100


class Vault:
    """Encrypts and decrypts secrets; never shows its keys.

    Args:
        keys: url-safe base64 of 32 bytes each; the first encrypts, all decrypt.

    Raises:
        BadSettings: no key, or not a key.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        if not keys:
            raise BadSettings("The key file holds no key.", "Restore sewu.key from its backup.")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except (ValueError, TypeError):
            raise BadSettings("The key file holds something that is no key.", "Restore sewu.key from its backup.") from None

    def __repr__(self) -> str:
        return "Vault(...)"

    def seal(self, secret: str) -> str:
        """The secret, encrypted, as text for a column."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """The secret again.

        Raises:
            BadSettings: it was encrypted with a key that is not here, or was changed.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise BadSettings(
                "A stored secret cannot be decrypted with these keys.", "Restore sewu.key, or enter the secret again."
            ) from None

    def renewed(self, sealed: str) -> str:
        """The same secret under the first key. Raises `BadSettings` like `open`."""
        return self.seal(self.open(sealed))


def create_key(path: Path) -> None:
    """Write a new key file that only its owner may read.

    Raises:
        BadSettings: there is one already (it is never overwritten), or the folder cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadSettings(f"{path} exists already.", "Keep it: without it no stored secret can be read.") from None
    except OSError as error:
        raise BadSettings(f"{path} cannot be written: {error.strerror}.", "Check the folder and its permissions.") from error
    with os.fdopen(handle, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def open_vault(path: Path) -> Vault:
    """The vault of a key file.

    Raises:
        BadSettings: missing, malformed, or readable by others than its owner.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise BadSettings(f"{path} can be read by others (mode {stat.S_IMODE(mode):o}).", f"Run: chmod 600 {path}")
        keys = tuple(path.read_text(encoding="ascii").split())
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}.", "Restore it from its backup, or run `sewu init`.") from error
    except UnicodeDecodeError:
        raise BadSettings(f"{path} is not a key file.", "Restore it from its backup.") from None
    return Vault(keys[:MAX_KEYS])
