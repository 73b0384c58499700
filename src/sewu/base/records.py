"""Every noun, in the order in which data flows: Camera, Packet, Frame, Detections, Tracks, Observation, Event, Incident, Dispatch.

Times are UTC seconds since 1970 (`at_s`), pixels have their origin at the top left of the picture as a
person sees it (after rotation), boxes are `xyxy`. Arrays are columns of equal length, checked when built
and read-only afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Image = NDArray[np.uint8]

CLASSES: tuple[str, ...] = ("person", "bicycle", "motorcycle", "car", "bus", "truck", "object")
"""What a detector can name. "object" is something that moved or stayed and nobody could name."""

CLASS_IDS: Mapping[str, int] = MappingProxyType({name: index for index, name in enumerate(CLASSES)})
VEHICLES: tuple[str, ...] = ("motorcycle", "car", "bus", "truck")


@cache
def _table(names: tuple[str, ...]) -> Bools:
    return np.array([name in names for name in CLASSES])


def among(classes: Ints, names: tuple[str, ...]) -> Bools:
    """Which of these class indices are of the classes named; a table look-up, a tenth of what a search costs. (n,) -> (n,)."""
    return np.asarray(_table(names)[classes])


Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the earth, WGS84 degrees."""

    lat_deg: float
    lon_deg: float

    def __post_init__(self) -> None:
        if not (-90.0 <= self.lat_deg <= 90.0 and -180.0 <= self.lon_deg <= 180.0):
            raise ValueError(f"({self.lat_deg}, {self.lon_deg}) is not a latitude and longitude in degrees")


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera of the register: who, where, facing what, whose.

    `stream_url` and `sub_stream_url` never hold a password; `user` and `secret_name` say where it is kept.
    """

    id: str
    name: str
    stream_url: str
    sub_stream_url: str | None = None
    owner_class: Literal["rt", "atcs", "company", "public"] = "rt"
    area_code: str | None = None
    place: Place | None = None
    heading_deg: float | None = None
    field_of_view_deg: float | None = None
    height_m: float | None = None


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What the container or the SDP says of a video stream.

    `extradata` is FFmpeg's (avcC, hvcC or Annex B parameter sets). `rotation_deg` is clockwise, one of
    0, 90, 180, 270: turn the decoded picture by it to see it upright.
    """

    codec: str
    time_base: Fraction
    extradata: bytes = b""
    width_px: int | None = None
    height_px: int | None = None
    rate_fps: float | None = None
    rotation_deg: int = 0


@dataclass(frozen=True, slots=True)
class Packet:
    """One coded picture as it arrived.

    `pts` and `dts` count `stream.time_base` ticks; `at_s` is the capture time that `pts` stands for.
    """

    camera_id: str
    stream: StreamInfo
    data: bytes
    pts: int
    dts: int
    at_s: float
    is_keyframe: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture. `image`: uint8 (H, W, 3), BGR, upright."""

    camera_id: str
    at_s: float
    image: Image
    is_keyframe: bool = False
    greys: dict[int, Image] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.image.shape[1], self.image.shape[0]


class Columns:
    """Arrays of one length: checked, made read-only, selected together."""

    __slots__ = ()
    _columns: tuple[str, ...] = ()

    def _seal(self, dtypes: Mapping[str, Any]) -> None:
        count: int | None = None
        for name, dtype in dtypes.items():
            array = np.ascontiguousarray(getattr(self, name), dtype=dtype)
            if name == "boxes_px":
                array = array.reshape(-1, 4) if array.size == 0 else array
                if array.ndim != 2 or array.shape[1] != 4:
                    raise ValueError(f"boxes_px must be (n, 4), is {array.shape}")
            elif array.ndim != 1:
                raise ValueError(f"{name} must have one dimension, has {array.ndim}")
            if count is not None and len(array) != count:
                raise ValueError(f"{name} has {len(array)} rows where {count} were expected")
            count = len(array)
            array = array.view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def select(self, keep: Bools | Ints) -> Self:
        """The rows that `keep` (mask or indices) names, in that order."""
        if keep.dtype == np.bool_ and len(keep) == len(getattr(self, self._columns[0])):
            return self if keep.all() else self._masked(np.asarray(keep, np.bool_))
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        values.update({name: values[name][keep] for name in self._columns})
        return type(self)(**values)

    def _masked(self, keep: Bools) -> Self:
        """The rows of a mask: valid because all of them are, so they need not be checked again."""
        chosen = object.__new__(type(self))
        for f in fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if f.name in self._columns:
                value = value[keep]
                value.flags.writeable = False
            object.__setattr__(chosen, f.name, value)
        return chosen


@dataclass(frozen=True, slots=True)
class Detections(Columns):
    """What one look found.

    boxes_px: float32 (n, 4), xyxy, origin top left. scores: float32 (n,), 0 to 1.
    classes: int64 (n,), index into `CLASSES`.
    """

    camera_id: str
    at_s: float
    boxes_px: Floats
    scores: Floats
    classes: Ints

    _columns = ("boxes_px", "scores", "classes")

    def __post_init__(self) -> None:
        self._seal({"boxes_px": np.float32, "scores": np.float32, "classes": np.int64})

    def __len__(self) -> int:
        return len(self.boxes_px)

    @classmethod
    def none(cls, camera_id: str, at_s: float) -> Detections:
        """Looked, found nothing."""
        return cls(camera_id, at_s, np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Tracks(Columns):
    """Who is followed now. Unconfirmed tracks are not in here.

    boxes_px: float32 (n, 4), xyxy. scores: float32 (n,). classes: int64 (n,), index into `CLASSES`.
    ids: int64 (n,), unique per camera, never reused. since_s: float64 (n,), when first seen.
    seen: bool (n,), False where the box is predicted because nothing matched this time.
    ended: int64 (m,), ids that ended since the last update and will never come back.
    """

    camera_id: str
    at_s: float
    boxes_px: Floats
    scores: Floats
    classes: Ints
    ids: Ints
    since_s: Doubles
    seen: Bools
    ended: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    _columns = ("boxes_px", "scores", "classes", "ids", "since_s", "seen")

    def __post_init__(self) -> None:
        self._seal(
            {"boxes_px": np.float32, "scores": np.float32, "classes": np.int64, "ids": np.int64, "since_s": np.float64, "seen": np.bool_}
        )
        if len(set(self.ids.tolist())) != len(self.ids):
            raise ValueError("track ids must be unique within one camera")

    def __len__(self) -> int:
        return len(self.boxes_px)

    @classmethod
    def none(cls, camera_id: str, at_s: float, ended: Ints | None = None) -> Tracks:
        """Nobody is followed."""
        empty = np.empty(0, np.int64)
        boxes, scores = np.empty((0, 4), np.float32), np.empty(0, np.float32)
        return cls(camera_id, at_s, boxes, scores, empty, empty, np.empty(0), np.empty(0, np.bool_), empty if ended is None else ended)


@dataclass(frozen=True, slots=True)
class Observation:
    """One number that an analytic measured, with what it stands for.

    Args:
        at_s: when the value held, or the end of the window it was counted over.
        analytic: registry name, for example "crowd". metric: for example "count".
        value, unit: the number and its unit ("persons", "s", "m/s", "1" for a ratio or flag).
        zone_id: the zone or line it belongs to; None for the whole view.
        subject: what inside the zone it is about, when more than one is told apart ("track 12", "group 3").
        window_s: length of the counting window; 0 for an instantaneous value.
        coverage: share of the window, 0 to 1, in which the camera really was looked at.
        labels: further distinctions, for example {"class": "car", "direction": "forward"}.
        box_px: where in the picture, xyxy, if it has a place.
    """

    camera_id: str
    at_s: float
    analytic: str
    metric: str
    value: float
    unit: str
    zone_id: str | None = None
    subject: str | None = None
    window_s: float = 0.0
    coverage: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict)
    box_px: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something a rule says happened. One `id` from start over updates to end.

    `started_at_s` is when the condition began to hold, not when the rule was satisfied; `at_s` is the time of
    this message; `ended_at_s` is set on "end" only. `peak` is the most extreme value so far.
    """

    id: str
    camera_id: str
    rule_id: str
    kind: str
    phase: Literal["start", "update", "end"]
    severity: Severity
    started_at_s: float
    at_s: float
    value: float
    peak: float
    unit: str
    ended_at_s: float | None = None
    zone_id: str | None = None
    subject: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    box_px: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """What a person acts on: events of one kind, place and time, merged."""

    id: str
    kind: str
    severity: Severity
    state: Literal["open", "acknowledged", "assigned", "in_progress", "resolved", "closed", "false_alarm"]
    opened_at_s: float
    event_ids: tuple[str, ...]
    camera_ids: tuple[str, ...]
    area_code: str | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One incident told to one agency over one channel."""

    id: str
    incident_id: str
    agency: str
    channel: str
    sent_at_s: float | None = None
