"""One camera's parts: tracker, analytics, rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sewu.base.interfaces import Analytic, Metric
from sewu.base.settings import validate
from sewu.base.space import Scene
from sewu.cameras import load_scene
from sewu.flow import CameraFlow, Parts
from sewu.follow import ByteOcTracker
from sewu.measure import ANALYTICS
from sewu.notice import Notice, RuleSet, default_rules, load_rules

GUARD = "health"
"""The analytic that says whether the camera still shows the view its zones were drawn on."""

MIN_SCORE = 0.1
"""The tracker's second stage needs the weak detections too (Zhang et al. 2022, ByteTrack)."""


def metrics_of(names: Sequence[str]) -> dict[str, tuple[Metric, ...]]:
    """What these analytics emit."""
    return {name: ANALYTICS[name].metrics for name in names}


def zone_kinds() -> dict[str, str]:
    """Every kind of zone that some analytic reads, with what to draw."""
    return {kind: meaning for analytic in ANALYTICS.values() for kind, meaning in analytic.zone_kinds.items()}


def scene_from(path: Path | None) -> Scene | None:
    """The zones file, checked against the kinds that analytics read. Raises `BadSettings`."""
    return None if path is None else load_scene(path, zone_kinds())


def rules_from(path: Path | None, names: Sequence[str]) -> RuleSet:
    """The rules file, or those that ship with Sewu. Raises `BadSettings`."""
    return default_rules(metrics_of(names)) if path is None else load_rules(path, metrics_of(names))


def flow_for(
    camera_id: str,
    scene: Scene | None,
    rules: RuleSet,
    names: Sequence[str] = tuple(ANALYTICS),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> CameraFlow:
    """A camera's flow with these analytics; its parts are built when the picture's size is known.

    Args:
        settings: overrides by analytic name, as in a settings file.
    """
    return CameraFlow(camera_id, builder_of(camera_id, scene, rules, names, settings))


def builder_of(
    camera_id: str,
    scene: Scene | None,
    rules: RuleSet,
    names: Sequence[str] = tuple(ANALYTICS),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[tuple[int, int]], Parts]:
    """What makes a camera's parts for a picture size."""
    chosen: Mapping[str, Mapping[str, Any]] = settings or {}
    checked = {name: validate(ANALYTICS[name].Settings, dict(chosen.get(name, {})), f"the settings of {name}") for name in names}

    def build(size_px: tuple[int, int]) -> Parts:
        fitted = scene.scaled_to(size_px) if scene is not None else Scene(size_px)
        analytics: dict[str, Analytic] = {name: ANALYTICS[name](camera_id, fitted, values) for name, values in checked.items()}
        return Parts(fitted, ByteOcTracker(), analytics, Notice(rules), GUARD if GUARD in analytics else None)

    return build
