"""What people set for a camera: the zones on its picture and the rules on what is measured there. Every version is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ZoneVersion:
    """The zones of a camera as somebody drew them.

    Args:
        version: from 1, without gaps. document: a zones file (`cameras.zonefile.ZoneFile`) as plain values.
        author: who drew it. to_check_since_s: since when the camera may look elsewhere than when they were drawn; only on the
            newest version, None when nothing is to be checked.
    """

    camera_id: str
    version: int
    document: Mapping[str, Any]
    author: str
    at_s: float
    to_check_since_s: float | None = None


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A rule as somebody wrote it.

    Args:
        id: of the rule; events and incidents name it. area_code: its cameras are those in this area.
        camera_id: only this camera; None is every camera of the area. document: a `notice.Rule` as plain values.
        is_on: off keeps it without watching. deleted: it is no longer there; its versions stay.
    """

    id: str
    version: int
    area_code: str
    camera_id: str | None
    document: Mapping[str, Any]
    author: str
    at_s: float
    is_on: bool = True
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule to be stored."""

    area_code: str
    document: Mapping[str, Any]
    camera_id: str | None = None
    is_on: bool = True
