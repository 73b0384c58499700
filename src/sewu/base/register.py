"""The nouns of the register: a camera with all that a city must know of it, how it fares, and what may be asked.

A registered camera never carries a password. It is stored encrypted beside it, and only the watch engine may ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from sewu.base.records import Camera, Place

OwnerClass = Literal["rt", "atcs", "company", "public"]
OWNER_CLASSES: tuple[OwnerClass, ...] = get_args(OwnerClass)
Condition = Literal["up", "degraded", "down", "unknown"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
Polygon = tuple[tuple[float, float], ...]
"""Corners in order, each from (0, 0), the picture's top left, to (1, 1)."""


@dataclass(frozen=True, slots=True)
class Login:
    """A camera's log-in, for the watch engine alone; never printed."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegisteredCamera:
    """One camera as the city registers it.

    Args:
        id: the city's own code. stream_url, sub_stream_url: without user and password.
        owner, agreement: who owns it, and under which agreement the city may look.
        installed_on, warranty_until: dates, "2026-11-24". tags: short words, without order.
        masks: polygons that are burnt out of every picture shown. is_public: anyone may see it, for `public_reason`.
        has_secret, version, changed_at_s: as stored; ignored when written.
    """

    id: str
    name: str
    stream_url: str
    area_code: str
    sub_stream_url: str | None = None
    owner_class: OwnerClass = "rt"
    owner: str | None = None
    agreement: str | None = None
    place: Place | None = None
    heading_deg: float | None = None
    field_of_view_deg: float | None = None
    height_m: float | None = None
    user: str | None = None
    installed_on: str | None = None
    warranty_until: str | None = None
    tags: tuple[str, ...] = ()
    masks: tuple[Polygon, ...] = ()
    is_public: bool = False
    public_reason: str | None = None
    has_secret: bool = False
    version: int = 1
    changed_at_s: float = 0.0

    def camera(self) -> Camera:
        """What the watch engine needs of it."""
        return Camera(
            self.id,
            self.name,
            self.stream_url,
            self.sub_stream_url,
            self.owner_class,
            self.area_code,
            self.place,
            self.heading_deg,
            self.field_of_view_deg,
            self.height_m,
        )


@dataclass(frozen=True, slots=True)
class CameraState:
    """How a camera fares.

    Args:
        since_s: since when it is in this condition for this reason. last_frame_at_s: capture time of the newest picture.
        still_ref: name of its newest still among the evidence. measures: figures of health, such as "rate_fps".
    """

    camera_id: str
    condition: Condition
    since_s: float
    reason: str | None = None
    last_frame_at_s: float | None = None
    still_ref: str | None = None
    measures: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ListedCamera:
    """A camera and how it fares; no state as long as nobody has watched it."""

    camera: RegisteredCamera
    state: CameraState | None = None

    @property
    def condition(self) -> Condition:
        return "unknown" if self.state is None else self.state.condition


@dataclass(frozen=True, slots=True)
class NearCamera:
    """A camera near a place. `bearing_deg`: from the camera to the place. `faces`: None when its heading is not known."""

    camera: RegisteredCamera
    state: CameraState | None
    distance_m: float
    bearing_deg: float
    faces: bool | None


@dataclass(frozen=True, slots=True)
class CameraFilter:
    """Which cameras of a scope; what is None does not matter. `text` is looked for in code and name."""

    area_code: str | None = None
    owner_class: OwnerClass | None = None
    owner: str | None = None
    tag: str | None = None
    condition: Condition | None = None
    is_public: bool | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class CameraEdit:
    """A change to many cameras at once; what is None stays. Tags are added and removed, never replaced."""

    owner_class: OwnerClass | None = None
    owner: str | None = None
    agreement: str | None = None
    area_code: str | None = None
    warranty_until: str | None = None
    is_public: bool | None = None
    public_reason: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
