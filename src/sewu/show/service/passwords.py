"""Passwords and one-time codes: Argon2id (RFC 9106), TOTP (RFC 6238), lock-out with back-off."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sewu.base.errors import BadInput
from sewu.base.people import Credentials
from sewu.store.operations.people import People
from sewu.store.operations.vault import Vault

SHORTEST, LONGEST = 12, 256
TOTP_STEP_S = 30
COMMON = frozenset({"password", "passw0rd", "semarang", "qwertyuiop", "1234567890", "administrator", "indonesia", "sewusewusewu"})


@dataclass(frozen=True, slots=True)
class LockOut:
    """Failures that are free, the first wait after them, the longest wait. Each further failure doubles the wait."""

    free_attempts: int = 5
    wait_s: float = 30.0
    longest_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What a log-in attempt came to. `locked_s`: how long to wait; `user_id` only when everything was right."""

    user_id: str | None = None
    needs_code: bool = False
    locked_s: float = 0.0


class Passwords:
    """Hashes and checks passwords; at most two at a time, since each takes tens of MiB.

    Args:
        hasher: Argon2id by default with the library's parameters (RFC 9106's low-memory profile).
    """

    def __init__(self, people: People, vault: Vault, hasher: PasswordHasher | None = None, lock_out: LockOut | None = None) -> None:
        self._people, self._vault = people, vault
        self._hasher, self._lock_out = hasher or PasswordHasher(), lock_out or LockOut()
        self._turns = asyncio.Semaphore(2)
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str, login: str = "") -> str:
        """The Argon2id hash. Raises `BadInput` for a password that is too short, too long or easily guessed."""
        lowered = password.lower()
        if not SHORTEST <= len(password) <= LONGEST:
            raise BadInput(f"A password has {SHORTEST} to {LONGEST} characters.", "Choose another.")
        if len(set(password)) < 4 or (login and login.lower() in lowered) or any(lowered.strip("0123456789!.") == word for word in COMMON):
            raise BadInput("This password is easily guessed.", "Choose one without your log-in and common words.")
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def check(self, login: str, password: str, code: str | None, now_s: float) -> Checked:
        """Check a log-in; an unknown one takes as long as a wrong password, and is answered the same."""
        kept = await self._people.credentials(login)
        if kept is not None and kept.locked_until_s > now_s:
            return Checked(locked_s=kept.locked_until_s - now_s)
        usable = kept is not None and not kept.is_disabled and kept.password_hash is not None
        right = await self._verify(kept.password_hash if usable and kept and kept.password_hash else self._nobody, password)
        if kept is None or not (usable and right):
            return await self._failed(kept, now_s)
        if kept.totp_sealed is not None:
            if code is None:
                return Checked(needs_code=True)
            if not await self.check_code(kept, code, now_s):
                return await self._failed(kept, now_s)
        await self._people.succeeded(kept.user_id, now_s)
        if kept.password_hash and self._hasher.check_needs_rehash(kept.password_hash):
            async with self._turns:
                await self._people.set_password(kept.user_id, await asyncio.to_thread(self._hasher.hash, password))
        return Checked(user_id=kept.user_id)

    async def is_right(self, login: str, password: str, now_s: float) -> bool:
        """Whether this is the person's password; a wrong one counts as a failed attempt, and nothing is right while locked out."""
        kept = await self._people.credentials(login)
        if kept is None or kept.password_hash is None or kept.locked_until_s > now_s:
            return False
        if not await self._verify(kept.password_hash, password):
            await self._failed(kept, now_s)
            return False
        return True

    async def check_code(self, kept: Credentials, code: str, now_s: float) -> bool:
        """Whether a one-time code is right now (or one step ago or ahead), and was not used before."""
        if kept.totp_sealed is None:
            return False
        totp = pyotp.TOTP(self._vault.open(kept.totp_sealed))
        for step in (0, -1, 1):
            number = int(now_s // TOTP_STEP_S) + step
            if totp.verify(code.strip(), for_time=number * TOTP_STEP_S):
                return await self._people.use_totp_step(kept.user_id, number)
        return False

    async def _failed(self, kept: Credentials | None, now_s: float) -> Checked:
        if kept is None:
            return Checked()
        rules = self._lock_out
        until_s = await self._people.failed(kept.user_id, now_s, rules.free_attempts, rules.wait_s, rules.longest_s)
        return Checked(locked_s=max(0.0, until_s - now_s))

    async def _verify(self, password_hash: str, password: str) -> bool:
        async with self._turns:
            try:
                return await asyncio.to_thread(self._hasher.verify, password_hash, password)
            except (VerificationError, InvalidHashError):
                return False
