"""Ways in for programs: each belongs to a person, takes only the named actions, and ends."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request, Response
from pydantic import BaseModel, Field

from sewu.base.people import ApiToken
from sewu.show.service.fields import Body, Id, Name
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.show.service.rights import Action

router = section("tokens")
DAY_S = 86_400.0


class NewToken(Body):
    """What the program is, which actions it may take, and for how many days."""

    name: Name
    actions: Annotated[list[Action], Field(min_length=1, max_length=50)]
    days: Annotated[int, Field(ge=1, le=366)] = 90


class Minted(BaseModel):
    """The token, and its secret: shown this once."""

    token: ApiToken
    secret: str


@router.get("")
async def mine(request: Request, asked: Annotated[Asked, needs("self", writes="nothing")]) -> tuple[ApiToken, ...]:
    """My tokens, without their secrets."""
    return tuple(await parts_of(request).tokens.of(asked.caller.id))


@router.post("", status_code=201)
async def create(request: Request, wanted: NewToken, asked: Annotated[Asked, needs("self")]) -> Minted:
    """Make a token; it can do no more than you, and no more than it names."""
    parts, caller = parts_of(request), asked.caller
    if caller.session is None:
        raise Problem(403, "browser-only", "Log in with a browser to make a token.")
    beyond = [action for action in wanted.actions if not caller.allows(action)]
    if beyond:
        raise Problem(403, "not-allowed", f"You do not have the right {beyond[0]} yourself.", right=beyond[0])
    actions, now_s = tuple(sorted(set(wanted.actions))), parts.clock.now_s()
    token, secret = await parts.tokens.create(caller.id, wanted.name, actions, now_s, now_s + wanted.days * DAY_S)
    asked.about(token.id, actions=",".join(actions), days=wanted.days)
    return Minted(token=token, secret=secret)


@router.delete("/{token_id}", status_code=204)
async def revoke(request: Request, token_id: Id, asked: Annotated[Asked, needs("self")]) -> Response:
    """End a token of mine at once."""
    parts = parts_of(request)
    if not await parts.tokens.revoke(asked.caller.id, token_id, parts.clock.now_s()):
        raise not_found("This token")
    return Response(status_code=204)
