"""Who I am, what I may do, and through which area's eyes I look."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel

from sewu.base.people import Kiosk, Session, User
from sewu.base.rights import Grant, Purpose
from sewu.show.service.fields import AreaField, Body
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import Problem
from sewu.show.service.rights import ACTIONS, Action, Caller

router = section("me")


class Reach(BaseModel):
    """What one action reaches: areas with all below them, and which agencies' incidents (null: every agency's)."""

    action: Action
    areas: tuple[str, ...]
    agencies: tuple[str, ...] | None


class Me(BaseModel):
    """Who is asking. `rights` lists only what is permitted; whatever is not in it, is not."""

    kind: Literal["user", "token", "kiosk"]
    id: str
    login: str | None
    name: str | None
    language: str
    city_name: str
    city_code: str
    timezone: str
    grants: tuple[Grant, ...]
    rights: tuple[Reach, ...]
    must_change_password: bool = False
    has_totp: bool = False
    view_as: str | None = None
    purpose: Purpose | None = None
    session_expires_at_s: float | None = None


class Looking(Body):
    """View as an area's own people would (needs the right view_as; null: no longer), and what for."""

    view_as: AreaField | None = None
    purpose: Purpose | None = None


@router.get("")
async def me(request: Request, asked: Annotated[Asked, needs("self", writes="nothing")]) -> Me:
    """Who I am."""
    parts, caller = parts_of(request), asked.caller
    if caller.user is None:
        return _me(parts, caller, caller.kiosk)
    return _me(parts, caller, None)


@router.put("/looking")
async def look(request: Request, wanted: Looking, asked: Annotated[Asked, needs("self")]) -> Me:
    """Narrow this session to an area, or widen it again."""
    parts, caller = parts_of(request), asked.caller
    if caller.session is None or caller.user is None:
        raise Problem(403, "browser-only", "Only a browser's session can be narrowed.")
    unnarrowed = Caller(caller.id, caller.grants, caller.user)
    if wanted.view_as is not None and not unnarrowed.scope("view_as").reaches(wanted.view_as):
        raise Problem(403, "not-allowed", "This needs the right view_as in that area.", right="view_as")
    asked.about(caller.session.id, wanted.view_as, view_as=wanted.view_as, purpose=wanted.purpose)
    await parts.sessions.narrow(caller.session.id, wanted.view_as, wanted.purpose)
    now_s = parts.clock.now_s()
    narrowed = Session(
        **{name: getattr(caller.session, name) for name in Session.__dataclass_fields__}
        | {"view_as": wanted.view_as, "purpose": wanted.purpose}
    )
    return me_of(parts, caller.user, narrowed, now_s)


def me_of(parts: Parts, user: User, session: Session | None, now_s: float) -> Me:
    """What a person is told of themselves."""
    return _me(parts, Caller(user.id, user.active(now_s), user, session), None)


def _me(parts: Parts, caller: Caller, kiosk: Kiosk | None) -> Me:
    user, session, settings = caller.user, caller.session, parts.home.settings
    scopes = ((action, caller.scope(action)) for action in ACTIONS)
    return Me(
        kind="token" if caller.token else "kiosk" if kiosk else "user",
        id=caller.id,
        login=user.login if user else None,
        name=user.name if user else kiosk.name if kiosk else None,
        language=user.language if user else settings.language,
        city_name=settings.city_name,
        city_code=settings.city_code,
        timezone=settings.timezone,
        grants=caller.grants,
        rights=tuple(Reach(action=action, areas=scope.areas, agencies=scope.agencies) for action, scope in scopes if scope.areas),
        must_change_password=bool(user and user.must_change_password),
        has_totp=bool(user and user.has_totp),
        view_as=session.view_as if session else None,
        purpose=session.purpose if session else caller.purpose,
        session_expires_at_s=session.expires_at_s if session else None,
    )
