"""The zones file: what is drawn on one camera's picture, as a file that people write by hand.

TOML and JSON share one schema (`ZoneFile`). Loading names every fault with its place, all of them at once, so that
a file is mended in one go.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import shapely
from pydantic import Field, JsonValue, StringConstraints, model_validator

from sewu.base.errors import BadSettings
from sewu.base.settings import Settings, load_settings, validate
from sewu.base.space import Homography, Line, Points, Scene, Zone
from sewu.cameras.toml import document_toml

Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f\x7f](.*[^\s\x00-\x1f\x7f])?$")]
Title = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Direction = Annotated[Title, StringConstraints(min_length=1)]
Point = tuple[float, float]
Side = Annotated[int, Field(ge=1, le=32768)]

CHECK_TOLERANCE = 0.1
"""A check distance may differ from the calibration by this share; more means that a point was mistaken."""


class ZoneEntry(Settings):
    """One polygon."""

    id: Name
    """Short name used in rules and observations; unique in the file."""
    kind: Name
    """What the zone is for, for example "crowd" or "no_parking"."""
    name: Title = ""
    """What people read; the id when left out."""
    points_px: Annotated[tuple[Point, ...], Field(max_length=1000)]
    """Corners in order, at least three, pixels from the top left."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """Overrides of the analytic's settings inside this zone."""


class LineEntry(Settings):
    """One counting line."""

    id: Name
    """Short name used in rules and observations; unique in the file."""
    name: Title = ""
    """What people read; the id when left out."""
    start_px: Point
    """Where the line begins, pixels from the top left."""
    end_px: Point
    """Where the line ends."""
    forward: Direction = "forward"
    """Name of the direction from the left hand to the right hand when looking from start to end."""
    backward: Direction = "backward"
    """Name of the other direction."""


class CheckDistance(Settings):
    """A length measured on the ground that was not used for the calibration."""

    from_px: Point
    """One end, pixels from the top left."""
    to_px: Point
    """The other end."""
    distance_m: Annotated[float, Field(gt=0)]
    """What the tape measure said, metres."""


class GroundEntry(Settings):
    """The ground plane: four or more points known in the picture and on the ground, or a matrix."""

    picture_px: tuple[Point, ...] | None = None
    """Points on the ground, pixels from the top left."""
    ground_m: tuple[Point, ...] | None = None
    """The same points in metres, in the same order."""
    matrix: Annotated[tuple[tuple[float, float, float], ...], Field(min_length=3, max_length=3)] | None = None
    """3 x 3 homography from picture (px) to ground (m), row by row."""
    check: CheckDistance | None = None
    """A known length, to catch a mistaken point."""

    @model_validator(mode="after")
    def _one_way(self) -> GroundEntry:
        pairs = self.picture_px is not None or self.ground_m is not None
        if pairs == (self.matrix is not None):
            raise ValueError("give either picture_px with ground_m, or matrix")
        return self


class ZoneFile(Settings):
    """Everything drawn on one camera's picture."""

    size_px: tuple[Side, Side]
    """Width and height of the picture in which the points were read."""
    zones: Annotated[tuple[ZoneEntry, ...], Field(max_length=2000)] = ()
    """Polygons."""
    lines: Annotated[tuple[LineEntry, ...], Field(max_length=500)] = ()
    """Counting lines."""
    ground: GroundEntry | None = None
    """The ground plane; without it nothing is given in metres."""


def load_scene(path: Path, kinds: Collection[str]) -> Scene:
    """Read a zones file (TOML or JSON).

    Args:
        kinds: the zone kinds that some analytic reads; any other is refused.

    Raises:
        BadSettings: the file cannot be read or is faulty; every fault is named with its place.
    """
    return scene_of(load_settings(ZoneFile, path), kinds, str(path))


def scene_of(file: ZoneFile, kinds: Collection[str], where: str = "the zones file") -> Scene:
    """Build the scene that `file` describes. Raises `BadSettings` naming every fault; `where` names the file in it."""
    faults = [*_name_faults(file), *_zone_faults(file, kinds), *_line_faults(file)]
    ground, ground_faults = _ground(file)
    faults += ground_faults
    if faults:
        raise BadSettings(f"{where} is not usable: {'; '.join(faults)}.", "Correct these places.")
    zones = tuple(Zone(z.id, z.kind, z.points_px, z.name, dict(z.settings)) for z in file.zones)
    lines = tuple(Line(n.id, n.start_px, n.end_px, n.name, n.forward, n.backward) for n in file.lines)
    return Scene(file.size_px, zones, lines, ground)


def document_of(scene: Scene) -> ZoneFile:
    """The zones file of a scene. The ground plane becomes a matrix: a scene no longer knows the points it came from.

    Raises:
        BadSettings: the scene holds what a file cannot (a name with a line break, settings that are not plain values).
    """
    document = {
        "size_px": scene.size_px,
        "zones": [{"id": z.id, "kind": z.kind, "name": z.name, "points_px": z.points_px, "settings": z.settings} for z in scene.zones],
        "lines": [
            {"id": n.id, "name": n.name, "start_px": n.start_px, "end_px": n.end_px, "forward": n.forward, "backward": n.backward}
            for n in scene.lines
        ],
        "ground": None if scene.ground is None else {"matrix": scene.ground.matrix.tolist()},
    }
    return validate(ZoneFile, document, "the scene")


def save_scene(scene: Scene, path: Path, ground: GroundEntry | None = None) -> None:
    """Write a scene as a TOML file that people can edit; `load_scene` gives back exactly the same scene.

    Args:
        ground: the calibration points, when the caller still has them; easier to edit than the matrix.

    Raises:
        BadSettings: the scene cannot be written as a file, or the file cannot be written.
    """
    file = document_of(scene)
    save_zone_file(file if ground is None else file.model_copy(update={"ground": ground}), path)


def save_zone_file(file: ZoneFile, path: Path) -> None:
    """Write a zones file as TOML with comments, whole or not at all. Raises `BadSettings` when the disk refuses."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_text(document_toml(file.model_dump()), encoding="utf-8")
        temporary.replace(path)
    except (OSError, UnicodeEncodeError) as error:
        temporary.unlink(missing_ok=True)
        raise BadSettings(f"{path} cannot be written: {error}.", "Check the folder, its permissions and the free space.") from error


def _place(what: str, number: int, name: str) -> str:
    return f"{what} {number} ({name!r})"


def _name_faults(file: ZoneFile) -> Iterator[str]:
    seen: dict[str, str] = {}
    entries = [("zone", n, z.id) for n, z in enumerate(file.zones, 1)] + [("line", n, z.id) for n, z in enumerate(file.lines, 1)]
    for what, number, name in entries:
        if name in seen:
            yield f"{_place(what, number, name)}: this id is already used by {seen[name]}"
        else:
            seen[name] = f"{what} {number}"


def _outside(file: ZoneFile, points_px: Points, what: str) -> Iterator[str]:
    width, height = file.size_px
    for number, (x, y) in enumerate(points_px, 1):
        if not (0 <= x <= width and 0 <= y <= height):
            yield f"{what} {number} ({x:g}, {y:g}) lies outside the picture of {width} x {height}"


def _zone_faults(file: ZoneFile, kinds: Collection[str]) -> Iterator[str]:
    for number, zone in enumerate(file.zones, 1):
        place = _place("zone", number, zone.id)
        if zone.kind not in kinds:
            near = difflib.get_close_matches(zone.kind, kinds, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"{place}: unknown kind {zone.kind!r}{hint} Known kinds: {', '.join(sorted(kinds)) or 'none'}"
        for fault in _outside(file, zone.points_px, "corner"):
            yield f"{place}: {fault}"
        shape_fault = polygon_fault(zone.points_px)
        if shape_fault is not None:
            yield f"{place}: {shape_fault}"


def polygon_fault(points_px: Points) -> str | None:
    """Why these corners make no zone, or None when they do."""
    if len(points_px) < 3:
        return f"has {len(points_px)} corner{'' if len(points_px) == 1 else 's'}, needs at least 3"
    polygon = shapely.Polygon(points_px)
    if not polygon.is_valid:
        reason = shapely.is_valid_reason(polygon)
        if reason.startswith("Self-intersection"):
            at = reason.partition("[")[2].rstrip("]").replace(" ", ", ")
            return f"its edge crosses itself near ({at}); list the corners in order around the zone"
        return f"is not a simple polygon ({reason}); list the corners in order around the zone"
    if polygon.area <= 0:
        return "has no area; its corners lie on one line"
    return None


def _line_faults(file: ZoneFile) -> Iterator[str]:
    for number, line in enumerate(file.lines, 1):
        place = _place("line", number, line.id)
        for fault in _outside(file, (line.start_px, line.end_px), "point"):
            yield f"{place}: {fault}"
        if math.dist(line.start_px, line.end_px) < 1.0:
            yield f"{place}: is shorter than a pixel; give two different points"
        if line.forward == line.backward:
            yield f"{place}: forward and backward have the same name {line.forward!r}"


def _ground(file: ZoneFile) -> tuple[Homography | None, list[str]]:
    entry = file.ground
    if entry is None:
        return None, []
    picture, ground = entry.picture_px or (), entry.ground_m or ()
    if entry.matrix is None and (len(picture) != len(ground) or len(picture) < 4):
        return None, [f"ground: {len(picture)} picture_px and {len(ground)} ground_m points; give four or more pairs"]
    faults = [f"ground: {fault}" for fault in _outside(file, picture, "picture_px point")]
    try:
        if entry.matrix is not None:
            plane = Homography(np.asarray(entry.matrix, np.float64))
        else:
            if fault := _collinear(picture) or _collinear(ground):
                raise ValueError(fault)
            plane = Homography.from_points(picture, ground)
    except (ValueError, np.linalg.LinAlgError) as error:
        return None, [*faults, f"ground: {error}"]
    if entry.check is not None and not faults:
        faults += _check_faults(entry.check, plane)
    return plane, faults


def _collinear(points: Points) -> str | None:
    """Four points determine the plane only when no three of them share a line; more may, as long as they span it."""
    array = np.asarray(points, np.float64)
    reach = max(float(np.ptp(array, axis=0).max()), 1e-12)
    if len(array) == 4:
        for left_out in range(4):
            a, b, c = np.delete(array, left_out, axis=0)
            if abs((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]) < 1e-4 * reach**2:
                return "three of the four calibration points lie (almost) on one line; choose four corners of a wide rectangle"
    singular = np.linalg.svd(array - array.mean(axis=0), compute_uv=False)
    if singular[1] < 1e-3 * singular[0]:
        return "the calibration points lie (almost) on one line; choose four corners of a wide rectangle"
    return None


def _check_faults(check: CheckDistance, plane: Homography) -> list[str]:
    ends = plane.to_ground_m(np.asarray([check.from_px, check.to_px], np.float64))
    got_m = float(np.hypot(*(ends[1] - ends[0])))
    if not math.isfinite(got_m):
        return ["ground.check: a point lies on or above the horizon of this calibration"]
    if abs(got_m - check.distance_m) > CHECK_TOLERANCE * check.distance_m:
        return [f"ground.check: the calibration makes it {got_m:.2f} m where {check.distance_m:g} m were measured; check the points"]
    return []
