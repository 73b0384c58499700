"""Rules: what, where, for how long, when, how grave, for whom. Every version is kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import BaseModel, Field

from sewu.base.drawn import RuleDraft, RuleVersion
from sewu.base.incidents import Precision
from sewu.base.paging import Page
from sewu.base.trials import DAY_S, TrialSpan
from sewu.notice import Rule, RuleSet
from sewu.notice.rules import check_rules
from sewu.show.service.answers import version_tag, wanted_version
from sewu.show.service.fields import AreaField, AreaQuery, Body, Cursor, Id, IdField, Limit
from sewu.show.service.guard import Asked, narrowed, needs, section
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import not_found

router = section("rules")
IfMatch = Annotated[str | None, Header(max_length=100, description="ETag of the rule as it was read.")]


class RuleBody(Body):
    """A rule for the cameras of an area, or for one camera. `rule.id` is ignored: the service names it."""

    area_code: AreaField
    camera_id: IdField | None = None
    is_on: bool = True
    rule: Rule


class TrialBody(Body):
    """A rule to try on the newest days of one camera, of an area's cameras, or of all the caller's. `rule.id` is ignored."""

    rule: Rule
    camera_id: IdField | None = None
    area_code: AreaField | None = None
    days: Annotated[int, Field(ge=1, le=31)] = 7


class Tried(BaseModel):
    """What a rule would have done. `per_day` is null when less than a day was observed: nights are not days. `by_day` are days of
    the city's calendar; those without an incident are not in it."""

    events: int
    incidents: int
    per_day: float | None
    by_day: dict[str, int]
    observations: int
    cameras: int
    from_s: float | None
    to_s: float | None


class Right(BaseModel):
    """How often a rule was right, by what people said of its incidents; `share` is null until one was judged."""

    rule_id: str
    confirmed: int
    false_alarms: int
    share: float | None


@router.get("")
async def rules(
    request: Request,
    asked: Annotated[Asked, needs("rule.read")],
    area_code: AreaQuery = None,
    camera_id: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[RuleVersion]:
    """The rules in force, and those switched off."""
    found = parts_of(request).rules
    return await found.list(narrowed(asked.scope, area_code), cursor, limit, camera_id=camera_id)


@router.get("/precision")
async def precision(request: Request, asked: Annotated[Asked, needs("rule.read")]) -> tuple[Right, ...]:
    """How often each rule was right."""
    rows: tuple[Precision, ...] = await parts_of(request).incidents.precision(asked.scope)
    return tuple(Right(rule_id=r.rule_id, confirmed=r.confirmed, false_alarms=r.false_alarms, share=r.share) for r in rows)


@router.post("", status_code=201)
async def add(request: Request, response: Response, wanted: RuleBody, asked: Annotated[Asked, needs("rule.write")]) -> RuleVersion:
    """A new rule."""
    parts = parts_of(request)
    fresh = await parts.rules.add(asked.scope, _draft(parts, wanted), asked.caller.id, parts.clock.now_s())
    return _told(asked, response, fresh)


@router.post("/dry-run")
async def dry_run(request: Request, wanted: TrialBody, asked: Annotated[Asked, needs("rule.write", writes="view")]) -> Tried:
    """How many incidents a day a rule would have opened on what was observed; refused when that is too much to try on."""
    parts = parts_of(request)
    rules = check_rules(RuleSet(rules=(wanted.rule,)), parts.metrics, "This rule")
    now_s = parts.clock.now_s()
    camera_ids = await _tried_on(parts, asked, wanted)
    trial = await parts.try_rules(rules, TrialSpan(now_s - wanted.days * DAY_S, now_s, camera_ids))
    (rule,) = trial.rules
    return Tried(
        events=rule.events,
        incidents=rule.incidents,
        per_day=trial.per_day(rule),
        by_day=rule.by_day,
        observations=trial.observations,
        cameras=trial.cameras,
        from_s=trial.from_s,
        to_s=trial.to_s,
    )


@router.get("/{rule_id}")
async def one(request: Request, response: Response, rule_id: Id, asked: Annotated[Asked, needs("rule.read")]) -> RuleVersion:
    """The version in force."""
    found = await parts_of(request).rules.get(asked.scope, rule_id)
    if found is None:
        raise not_found("This rule")
    return _told(asked, response, found)


@router.get("/{rule_id}/versions")
async def versions(request: Request, rule_id: Id, asked: Annotated[Asked, needs("rule.read")]) -> tuple[RuleVersion, ...]:
    """All versions, newest first."""
    found = await parts_of(request).rules.versions(asked.scope, rule_id)
    if not found:
        raise not_found("This rule")
    return found


@router.put("/{rule_id}")
async def change(
    request: Request,
    response: Response,
    rule_id: Id,
    wanted: RuleBody,
    asked: Annotated[Asked, needs("rule.write")],
    if_match: IfMatch = None,
) -> RuleVersion:
    """A new version; If-Match with the ETag that was read is needed."""
    parts = parts_of(request)
    if await parts.rules.get(asked.scope, rule_id) is None:
        raise not_found("This rule")
    expected, now_s = wanted_version(if_match), parts.clock.now_s()
    fresh = await parts.rules.change(asked.scope, rule_id, _draft(parts, wanted), asked.caller.id, now_s, expected)
    return _told(asked, response, fresh)


@router.delete("/{rule_id}", status_code=204)
async def delete(request: Request, rule_id: Id, asked: Annotated[Asked, needs("rule.write")]) -> Response:
    """Take a rule away; its versions stay."""
    parts = parts_of(request)
    await parts.rules.delete(asked.scope, rule_id, asked.caller.id, parts.clock.now_s())
    return Response(status_code=204)


async def _tried_on(parts: Parts, asked: Asked, wanted: TrialBody) -> list[str]:
    """The cameras to try a rule on, all within the caller's areas."""
    scope = narrowed(asked.scope, wanted.area_code)
    if wanted.camera_id is None:
        return [camera.id for camera in await parts.cameras.every(scope)]
    found = await parts.cameras.get(scope, wanted.camera_id)
    if found is None:
        raise not_found("This camera")
    return [wanted.camera_id]


def _draft(parts: Parts, wanted: RuleBody) -> RuleDraft:
    check_rules(RuleSet(rules=(wanted.rule,)), parts.metrics, "This rule")
    document = wanted.rule.model_dump(mode="json", exclude_none=True)
    document["update_every_s"] = wanted.rule.update_every_s  # none is never; left out it would be the default
    return RuleDraft(wanted.area_code, document, wanted.camera_id, wanted.is_on)


def _told(asked: Asked, response: Response, rule: RuleVersion) -> RuleVersion:
    asked.about(rule.id, rule.area_code, version=rule.version)
    response.headers["etag"] = version_tag(rule.version)
    return rule
