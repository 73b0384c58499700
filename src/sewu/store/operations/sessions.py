"""Log-ins, API tokens and kiosk pairings. Of every secret only the SHA-256 is kept: 256 random bits need no slow hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Double, ForeignKey, Table, Text, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from sewu.base.errors import BadInput
from sewu.base.people import ApiToken, Kiosk, Session
from sewu.base.rights import Purpose
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, new_id

sessions = Table(
    "login_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("user_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at_s", Double, nullable=False),
    Column("seen_at_s", Double, nullable=False),
    Column("expires_at_s", Double, nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("view_as", Text),
    Column("purpose", Text),
)
tokens = Table(
    "api_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("user_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("actions", JSON, nullable=False),
    Column("created_at_s", Double, nullable=False),
    Column("expires_at_s", Double, nullable=False),
    Column("revoked_at_s", Double),
    Column("used_at_s", Double),
)
kiosks = Table(
    "kiosk",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("code_hash", Text, unique=True),
    Column("created_at_s", Double, nullable=False),
    Column("code_until_s", Double, nullable=False),
    Column("name", Text),
    Column("area_code", Text),
    Column("paired_by", Text),
    Column("paired_at_s", Double),
    Column("ended_at_s", Double),
    Column("seen_at_s", Double),
)

SEEN_EVERY_S = 60.0
"""A request writes when a log-in or token was last used only this often."""
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_S = 600.0


def hashed(secret: str) -> str:
    """The SHA-256 of a secret, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a log-in lasts: without use, and at most. Seconds."""

    idle_s: float = 8 * 3600.0
    whole_s: float = 24 * 3600.0


class Sessions:
    """Log-ins in progress."""

    def __init__(self, database: Database, lifetimes: Lifetimes | None = None) -> None:
        self._db, self._lifetimes = database, lifetimes or Lifetimes()

    async def begin(self, user_id: str, now_s: float) -> tuple[Session, str]:
        """A fresh log-in and its secret, which is shown this once."""
        secret = secrets.token_urlsafe(32)
        expires_s = now_s + self._lifetimes.whole_s
        session = Session(new_id("ses", now_s), user_id, now_s, now_s, expires_s, secrets.token_urlsafe(24))
        row = {name: getattr(session, name) for name in Session.__dataclass_fields__} | {"secret_hash": hashed(secret)}
        async with self._db.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.expires_at_s < now_s))
            await connection.execute(insert(sessions), [row])
        return session, secret

    async def find(self, secret: str, now_s: float) -> Session | None:
        """The log-in with this secret, unless it ended; notes that it was used."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(sessions).where(sessions.c.secret_hash == hashed(secret)))).mappings().first()
        if row is None or row["expires_at_s"] <= now_s or row["seen_at_s"] + self._lifetimes.idle_s <= now_s:
            return None
        if now_s - row["seen_at_s"] >= SEEN_EVERY_S:
            async with self._db.writing() as connection:
                await connection.execute(update(sessions).where(sessions.c.id == row["id"]).values(seen_at_s=now_s))
        return Session(**{name: row[name] for name in Session.__dataclass_fields__})

    async def end(self, session_id: str) -> None:
        """Log out."""
        async with self._db.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.id == session_id))

    async def end_all(self, user_id: str, but: str | None = None) -> None:
        """Log a person out everywhere, or everywhere but here: after a new password, or when disabled."""
        async with self._db.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id != (but or "")))

    async def narrow(self, session_id: str, view_as: str | None, purpose: Purpose | None) -> None:
        """View as an area's own officers would, and say what for; None takes it back."""
        async with self._db.writing() as connection:
            await connection.execute(update(sessions).where(sessions.c.id == session_id).values(view_as=view_as, purpose=purpose))


class Tokens:
    """Ways in for programs."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def create(self, user_id: str, name: str, actions: tuple[str, ...], now_s: float, expires_at_s: float) -> tuple[ApiToken, str]:
        """A token and its secret, which is shown this once."""
        secret = f"sewu_{secrets.token_urlsafe(32)}"
        token = ApiToken(new_id("tok", now_s), user_id, name, actions, now_s, expires_at_s)
        row = {field: getattr(token, field) for field in ApiToken.__dataclass_fields__} | {
            "secret_hash": hashed(secret),
            "actions": list(actions),
        }
        try:
            async with self._db.writing() as connection:
                await connection.execute(insert(tokens), [row])
        except IntegrityError:
            raise BadInput(f"There is no person {user_id}.", "A token belongs to a person.") from None
        return token, secret

    async def find(self, secret: str, now_s: float) -> ApiToken | None:
        """The token with this secret, unless it expired or was revoked; notes that it was used."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(tokens).where(tokens.c.secret_hash == hashed(secret)))).mappings().first()
        if row is None or row["revoked_at_s"] is not None or row["expires_at_s"] <= now_s:
            return None
        if now_s - (row["used_at_s"] or 0.0) >= SEEN_EVERY_S:
            async with self._db.writing() as connection:
                await connection.execute(update(tokens).where(tokens.c.id == row["id"]).values(used_at_s=now_s))
        return _token(row)

    async def of(self, user_id: str) -> list[ApiToken]:
        """A person's tokens, newest first."""
        async with self._db.reading() as connection:
            query = select(tokens).where(tokens.c.user_id == user_id).order_by(tokens.c.id.desc()).limit(200)
            return [_token(row) for row in (await connection.execute(query)).mappings()]

    async def revoke(self, user_id: str, token_id: str, now_s: float) -> bool:
        """End a token; says whether this person had one."""
        mine = and_(tokens.c.id == token_id, tokens.c.user_id == user_id, tokens.c.revoked_at_s.is_(None))
        async with self._db.writing() as connection:
            done = await connection.execute(update(tokens).where(mine).values(revoked_at_s=now_s))
        return bool(done.rowcount)


class Kiosks:
    """Screens that somebody paired with an area by a code. A kiosk acts as that area's RT, and only reads."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def ask(self, now_s: float) -> tuple[Kiosk, str, str]:
        """A screen waiting to be paired: itself, the code it shows for ten minutes, and the secret it keeps."""
        secret, code = secrets.token_urlsafe(32), "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
        kiosk = Kiosk(new_id("ksk", now_s), now_s, now_s + CODE_S)
        row = {name: getattr(kiosk, name) for name in Kiosk.__dataclass_fields__}
        waiting = and_(kiosks.c.paired_at_s.is_(None), kiosks.c.code_until_s < now_s)
        async with self._db.writing() as connection:
            await connection.execute(delete(kiosks).where(waiting))
            await connection.execute(insert(kiosks), [row | {"secret_hash": hashed(secret), "code_hash": hashed(code)}])
        return kiosk, code, secret

    async def pair(self, code: str, name: str, area_code: str, paired_by: str, now_s: float) -> Kiosk | None:
        """Pair the screen that shows this code; None when none does (any more)."""
        shown = and_(kiosks.c.code_hash == hashed(code.strip().upper()), kiosks.c.code_until_s >= now_s)
        values = {"name": name, "area_code": area_code, "paired_by": paired_by, "paired_at_s": now_s, "code_hash": None}
        async with self._db.writing() as connection:
            row = (await connection.execute(update(kiosks).where(shown).values(**values).returning(*kiosks.c))).mappings().first()
        return None if row is None else _kiosk(row)

    async def find(self, secret: str, now_s: float) -> Kiosk | None:
        """The screen that keeps this secret, paired or still waiting, unless it was ended."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(kiosks).where(kiosks.c.secret_hash == hashed(secret)))).mappings().first()
        if row is None or row["ended_at_s"] is not None or (row["paired_at_s"] is None and row["code_until_s"] < now_s):
            return None
        if now_s - (row["seen_at_s"] or 0.0) >= SEEN_EVERY_S:
            async with self._db.writing() as connection:
                await connection.execute(update(kiosks).where(kiosks.c.id == row["id"]).values(seen_at_s=now_s))
        return _kiosk(row)

    async def paired(self) -> list[Kiosk]:
        """Every paired screen that was not ended."""
        query = select(kiosks).where(kiosks.c.paired_at_s.is_not(None), kiosks.c.ended_at_s.is_(None)).order_by(kiosks.c.id)
        async with self._db.reading() as connection:
            return [_kiosk(row) for row in (await connection.execute(query)).mappings()]

    async def end(self, kiosk_id: str, now_s: float) -> Kiosk | None:
        """Take a screen's right away; None when there is no such screen."""
        mine = and_(kiosks.c.id == kiosk_id, kiosks.c.ended_at_s.is_(None))
        async with self._db.writing() as connection:
            row = (await connection.execute(update(kiosks).where(mine).values(ended_at_s=now_s).returning(*kiosks.c))).mappings().first()
        return None if row is None else _kiosk(row)


def _token(row: Any) -> ApiToken:
    values = {name: row[name] for name in ApiToken.__dataclass_fields__}
    return ApiToken(**(values | {"actions": tuple(row["actions"])}))


def _kiosk(row: Any) -> Kiosk:
    return Kiosk(**{name: row[name] for name in Kiosk.__dataclass_fields__})
