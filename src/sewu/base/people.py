"""Who uses the service: people with their grants, log-ins, tokens, kiosk screens. No secret is in any of these nouns."""

from __future__ import annotations

from dataclasses import dataclass

from sewu.base.rights import Grant, Purpose


@dataclass(frozen=True, slots=True)
class GivenGrant:
    """A grant as it is kept: who gave it, and when."""

    id: str
    user_id: str
    grant: Grant
    given_by: str | None
    given_at_s: float


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in. `login` is lower case; `language` is "id" or "en"; `oidc_subject` is the identity provider's name."""

    id: str
    login: str
    name: str
    language: str
    created_at_s: float
    is_disabled: bool = False
    has_totp: bool = False
    must_change_password: bool = False
    last_login_at_s: float | None = None
    grants: tuple[GivenGrant, ...] = ()
    oidc_subject: str | None = None

    def active(self, now_s: float) -> tuple[Grant, ...]:
        """The grants that hold now; none for a disabled person."""
        if self.is_disabled:
            return ()
        return tuple(g.grant for g in self.grants if g.grant.until_s is None or g.grant.until_s > now_s)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What checking a log-in needs. Stays inside the service: no answer and no log line may hold it.

    totp_sealed: the TOTP secret as the vault sealed it; None until enrolled. totp_step: the newest time step that was
    used, so that a code works once (RFC 6238 section 5.2).
    """

    user_id: str
    password_hash: str | None
    totp_sealed: str | None
    totp_step: int
    failures: int
    locked_until_s: float
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in in progress. `csrf` must come back with every unsafe request. `view_as` narrows it to an area."""

    id: str
    user_id: str
    created_at_s: float
    seen_at_s: float
    expires_at_s: float
    csrf: str
    view_as: str | None = None
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's way in: acts as its owner, but only for these actions, until it expires or is revoked."""

    id: str
    user_id: str
    name: str
    actions: tuple[str, ...]
    created_at_s: float
    expires_at_s: float
    revoked_at_s: float | None = None
    used_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A screen without keyboard: shows a code until somebody pairs it with an area."""

    id: str
    created_at_s: float
    code_until_s: float
    name: str | None = None
    area_code: str | None = None
    paired_by: str | None = None
    paired_at_s: float | None = None
    ended_at_s: float | None = None
    seen_at_s: float | None = None
