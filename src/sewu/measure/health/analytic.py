"""Camera health from the pictures themselves: a few tenths of a millisecond per look."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from sewu.base.greys import grey_of, pack_grey, small_grey, unpack_grey
from sewu.base.interfaces import Metric, State
from sewu.base.records import Frame, Image, Observation, Tracks
from sewu.base.settings import Settings
from sewu.base.space import Scene
from sewu.measure.health.arrivals import Arrivals
from sewu.measure.health.latch import Latch
from sewu.measure.health.likeness import Likeness, edges
from sewu.measure.health.sharpness import Sharpness, sharpness
from sewu.measure.health.views import Change, Views

FINE_WIDTH_PX = 320
COARSE_WIDTH_PX = 160
LOST_SHARE = 0.6
LAYOUT_KEPT = 0.7
FROZEN_LOOKS = 4
JUDGE_EVERY_S = 0.09
"""Looks nearer than this are only counted and compared for equality: ten judgements a second are plenty."""
SHARPNESS_EVERY_S = 0.45
"""Blur comes to stay (it is said after seconds): it is measured twice a second, and its last verdict stands in between."""


def reference_of(image: Image) -> str:
    """The picture that `Health.Settings.reference` wants: the view on which the zones were drawn. uint8 (H, W, 3)."""
    return pack_grey(small_grey(image, COARSE_WIDTH_PX))


class HealthSettings(Settings):
    """When a camera counts as unfit."""

    reference: str | None = None
    """Small picture of the view on which the zones were drawn; without it, the first view held still becomes home."""
    home_after_s: float = Field(default=5.0, gt=0)
    """Without a reference: how long a view must be held to become home."""
    dark_below: float = Field(default=40.0, ge=0, le=255)
    """Dark when nine tenths of the picture are under this grey level."""
    blurred_below: float = Field(default=0.6, gt=0, lt=1)
    """Blurred when sharpness falls under this share of the camera's own past at similar light."""
    hold_s: float = Field(default=3.0, ge=0)
    """How long dark, blurred or covered must last before it is said, and be over before it is taken back."""
    frozen_after_s: float = Field(default=60.0, gt=0)
    """Frozen when the picture has not changed by a single bit for this long; longer than the longest keyframe interval."""
    rate_window_s: float = Field(default=10.0, gt=0)
    """Window of the frame rate."""
    collapse_below: float = Field(default=0.5, gt=0, lt=1)
    """Rate collapse when the frame rate falls under this share of the usual one."""
    report_every_s: float = Field(default=1.0, ge=0)
    """How often the numbers are given when no flag changes."""


class Health:
    """Flags and numbers about the picture. Reads no zone; everything else may be suspended by `view_ok`."""

    name: ClassVar[str] = "health"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("dark", "1", "1 while nearly the whole picture is black"),
        Metric("light", "grey levels", "Grey level under which nine tenths of the picture lie, 0 to 255"),
        Metric("blurred", "1", "1 while the picture is much less sharp than usual at this light"),
        Metric("sharpness", "1", "Sharpness relative to the camera's own past at similar light; 1 is usual"),
        Metric("covered", "1", "1 while most of the picture has lost its structure and looks different"),
        Metric("lost", "1", "Share of the picture whose structure is gone, 0 to 1"),
        Metric("frozen", "1", "1 while the picture does not change by a bit although pictures arrive"),
        Metric("unchanged_s", "s", "Time since the picture last changed"),
        Metric("view_ok", "1", "1 while the camera shows the view on which the zones were drawn"),
        Metric("view_change", "1", "One observation each time the view changes"),
        Metric("away_s", "s", "Time since the camera left the home view; 0 at home"),
        Metric("likeness", "1", "Share of the picture that agrees with the remembered view, 0 to 1"),
        Metric("frame_rate", "frames/s", "Pictures per second over the last seconds"),
        Metric("rate_collapse", "1", "1 while the frame rate is far below the usual one"),
    )
    zone_kinds: ClassVar[Mapping[str, str]] = {}
    uses_lines: ClassVar[bool] = False
    needs_motion: ClassVar[bool] = False
    Settings: ClassVar[type[Settings]] = HealthSettings

    def __init__(self, camera_id: str, scene: Scene, settings: HealthSettings) -> None:
        self._camera_id, self._settings = camera_id, settings
        hold_s = settings.hold_s
        self._latches = {name: Latch(hold_s, hold_s) for name in ("dark", "blurred", "covered")} | {"rate_collapse": Latch(hold_s, hold_s)}
        self._views = Views(settings.home_after_s, None if settings.reference is None else unpack_grey(settings.reference))
        self._sharpness = Sharpness()
        self._arrivals = Arrivals(settings.rate_window_s)
        self._packets_told = False
        self._check: int | None = None
        self._same_since_s: float | None = None
        self._same_looks = 0
        self._away_since_s: float | None = None
        self._last_s: float | None = None
        self._sharp_s: float | None = None
        self._reported_s: float | None = None
        self._reported: dict[str, float] = {}

    @property
    def view_ok(self) -> bool:
        """Whether zones and lines mean what they were drawn to mean: the home view, not covered."""
        return self._views.at_home and not self._latches["covered"].up

    def arrive(self, at_s: float) -> None:
        """Tell of a packet that arrived, decoded or not.

        A flow that samples should call this for every packet; the frame rate is then that of the stream. Until
        it is called, the rate is that of the looks, and a collapse is judged only while looks are not keyframes
        alone, because looking less often is not a fault of the camera.
        """
        if not self._packets_told:
            self._packets_told, self._arrivals = True, Arrivals(self._settings.rate_window_s)
        self._arrivals.arrive(at_s)

    def update(self, tracks: Tracks, frame: Frame) -> list[Observation]:
        """Judge one look. Tracks are not used: a blind camera has none."""
        at_s = frame.at_s
        if self._last_s is not None and at_s < self._last_s:
            self._set_back(at_s)
        self._notice_arrival(frame)
        passed_s = 0.0 if self._last_s is None else at_s - self._last_s
        if self._last_s is not None and 0 <= passed_s < JUDGE_EVERY_S:
            return []
        self._last_s = at_s
        fine = grey_of(frame, FINE_WIDTH_PX)
        grey = small_grey(fine, COARSE_WIDTH_PX)
        now = edges(grey)
        values: dict[str, float] = {"light": _ninth_tenth(grey[::3, ::3])}
        dark = values["light"] < self._settings.dark_below
        self._latches["dark"].update(dark, at_s)
        likeness = self._views.likeness(now)
        if likeness is not None:
            values |= {"likeness": likeness.share, "lost": likeness.lost}
        # Something before the lens takes the structure away and lays light and dark out differently; blur keeps the latter.
        covered = not dark and likeness is not None and likeness.lost >= LOST_SHARE and likeness.layout < LAYOUT_KEPT
        self._latches["covered"].update(covered, at_s)
        change = None if dark or covered else self._views.update((grey, fine), now, likeness, at_s)
        self._judge_sharpness(fine, None if dark or covered else likeness, values)
        self._judge_arrivals(frame, values)
        if self._views.at_home:
            self._away_since_s = None
        elif self._away_since_s is None:
            self._away_since_s = at_s
        values["away_s"] = 0.0 if self._away_since_s is None else at_s - self._away_since_s
        values["view_ok"] = float(self.view_ok)
        return self._report(values, change, at_s)

    def _set_back(self, at_s: float) -> None:
        """The clock was set back: durations begin again now, because nobody knows how long ago their beginnings were."""
        self._last_s = self._sharp_s = self._reported_s = None
        self._same_since_s = None if self._same_since_s is None else at_s
        self._away_since_s = None if self._away_since_s is None else at_s

    def _judge_sharpness(self, fine: Image, likeness: Likeness | None, values: dict[str, float]) -> None:
        """Only at home, and only where the picture shows what it always shows."""
        assert self._last_s is not None
        passed_s = None if self._sharp_s is None else self._last_s - self._sharp_s
        if passed_s is not None and 0 <= passed_s < SHARPNESS_EVERY_S:
            return
        self._sharp_s, passed_s, blurred = self._last_s, passed_s or 0.0, False
        if likeness is not None and self._views.at_home:
            now, light = sharpness(fine), float(fine[::4, ::4].mean())
            ratio = self._sharpness.ratio(now, likeness.agrees, light)
            if ratio is not None:
                values["sharpness"] = ratio
                blurred = ratio < self._settings.blurred_below
            if not blurred and not self._latches["blurred"].up:
                self._sharpness.learn(now, likeness.agrees, light, min(passed_s, 30.0))
        self._latches["blurred"].update(blurred, self._last_s)

    def _notice_arrival(self, frame: Frame) -> None:
        """Count the look, and whether its picture is the last one to the bit."""
        if not self._packets_told:
            self._arrivals.arrive(frame.at_s)
        rows = frame.image.shape[0]
        # The rows of name and clock are left out: a camera with a dead sensor may still write the time.
        check = zlib.crc32(np.ascontiguousarray(frame.image[rows // 8 : rows - rows // 8 : max(1, rows // 24)]).data)
        if check != self._check or self._same_since_s is None:
            self._check, self._same_since_s, self._same_looks = check, frame.at_s, 0
        self._same_looks += 1

    def _judge_arrivals(self, frame: Frame, values: dict[str, float]) -> None:
        assert self._same_since_s is not None
        values["unchanged_s"] = frame.at_s - self._same_since_s
        values["frozen"] = float(values["unchanged_s"] >= self._settings.frozen_after_s and self._same_looks >= FROZEN_LOOKS)
        rate, usual = self._arrivals.rate_fps, self._arrivals.usual_fps
        collapsed = False
        if rate is not None:
            values["frame_rate"] = rate
            judged = self._packets_told or not frame.is_keyframe
            collapsed = judged and usual is not None and rate < self._settings.collapse_below * usual
        self._latches["rate_collapse"].update(collapsed, frame.at_s)

    def _report(self, values: dict[str, float], change: Change | None, at_s: float) -> list[Observation]:
        values |= {name: float(latch.up) for name, latch in self._latches.items()}
        flags = {name: values[name] for name in ("dark", "blurred", "covered", "frozen", "rate_collapse", "view_ok")}
        due = self._reported_s is None or at_s - self._reported_s >= self._settings.report_every_s or flags != self._reported
        observed: list[Observation] = []
        if due:
            self._reported_s, self._reported = at_s, flags
            units = {metric.name: metric.unit for metric in self.metrics}
            observed = [Observation(self._camera_id, at_s, self.name, name, value, units[name]) for name, value in values.items()]
        if change is not None:
            observed.append(Observation(self._camera_id, at_s, self.name, "view_change", 1.0, "1", labels={"to": change}))
        return observed

    def state(self) -> State:
        """About 20 kB of text at most: one small picture and numbers."""
        return {
            "latches": {name: latch.state() for name, latch in self._latches.items()},
            "views": self._views.state(),
            "sharpness": self._sharpness.state(),
            "arrivals": self._arrivals.state(),
            "packets_told": self._packets_told,
            "frozen": {"check": self._check, "since_s": self._same_since_s, "looks": self._same_looks},
            "away_since_s": self._away_since_s,
            "last_s": self._last_s,
            "reported": {"at_s": self._reported_s, "flags": self._reported},
        }

    def restore(self, state: State) -> None:
        """Go on where `state` was taken."""
        for name, latch in self._latches.items():
            latch.restore(state["latches"][name])
        self._views.restore(state["views"])
        self._sharpness.restore(state["sharpness"])
        self._arrivals.restore(state["arrivals"])
        self._packets_told = bool(state["packets_told"])
        self._reported_s, self._reported = state["reported"]["at_s"], dict(state["reported"]["flags"])
        frozen: dict[str, Any] = state["frozen"]
        self._check, self._same_since_s, self._same_looks = frozen["check"], frozen["since_s"], int(frozen["looks"])
        self._away_since_s, self._last_s = state["away_since_s"], state["last_s"]


def _ninth_tenth(grey: Image) -> float:
    """The level under which nine tenths of a picture lie; a partition costs a tenth of a general quantile."""
    levels = grey.ravel()
    place = int(0.9 * (len(levels) - 1))
    return float(np.partition(levels, place)[place])
