"""Zones and lines in the picture, the ground plane in metres, and places on the earth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.sparse.csgraph import connected_components

from sewu.base.records import Bools, Doubles, Ints, Place

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG)."""

DENSE_POINTS = 64
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Zone:
    """A named polygon in the picture.

    Args:
        kind: what it is for; each analytic declares the kinds it reads ("crowd", "no_parking", "bay", ...).
        points_px: at least three corners, in order, not closed; pixels of the scene's `size_px`.
        settings: overrides of the analytic's settings inside this zone, checked by the analytic.
    """

    id: str
    kind: str
    points_px: Points
    name: str = ""
    settings: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.polygon.is_valid or self.polygon.area <= 0:
            raise ValueError(f"zone {self.id!r} is not a simple polygon with an area: {shapely.is_valid_reason(self.polygon)}")

    @cached_property
    def polygon(self) -> shapely.Polygon:
        """The zone as a Shapely polygon, prepared for repeated tests."""
        if len(self.points_px) < 3:
            raise ValueError(f"zone {self.id!r} needs at least three corners")
        polygon = shapely.Polygon(self.points_px)
        shapely.prepare(polygon)
        return polygon

    def holds(self, points_px: NDArray[np.floating]) -> Bools:
        """Which points lie inside or on the edge. (n, 2) -> (n,)."""
        if len(points_px) == 0:
            return np.empty(0, np.bool_)
        return np.asarray(shapely.intersects_xy(self.polygon, points_px[:, 0], points_px[:, 1]), np.bool_)

    @property
    def area_px2(self) -> float:
        return float(self.polygon.area)


@dataclass(frozen=True, slots=True)
class Line:
    """A named counting line from `start_px` to `end_px`.

    Standing at the start and looking at the end, an object that goes from the left hand to the right hand
    crosses "forward", the other way "backward" (picture seen as on the screen, y downwards).
    """

    id: str
    start_px: tuple[float, float]
    end_px: tuple[float, float]
    name: str = ""
    forward: str = "forward"
    backward: str = "backward"

    def __post_init__(self) -> None:
        if math.dist(self.start_px, self.end_px) < 1.0:
            raise ValueError(f"line {self.id!r} is shorter than a pixel")

    def sides_px(self, points_px: NDArray[np.floating]) -> Doubles:
        """Signed distance from the infinite line; positive on the right hand. (n, 2) -> (n,)."""
        (x0, y0), (x1, y1) = self.start_px, self.end_px
        length = math.hypot(x1 - x0, y1 - y0)
        points = np.asarray(points_px, np.float64)
        return np.asarray(((x1 - x0) * (points[:, 1] - y0) - (y1 - y0) * (points[:, 0] - x0)) / length, np.float64)

    def along(self, points_px: NDArray[np.floating]) -> Doubles:
        """Position along the line: 0 at the start, 1 at the end, beyond that outside the segment. (n, 2) -> (n,)."""
        start, end = np.asarray(self.start_px, np.float64), np.asarray(self.end_px, np.float64)
        axis = end - start
        return np.asarray((np.asarray(points_px, np.float64) - start) @ axis / float(axis @ axis), np.float64)


class Homography:
    """Maps picture points on the ground to metres on the ground and back.

    Hartley & Zisserman, Multiple View Geometry, 2nd ed., algorithm 4.2 (normalised DLT), then refined on
    the reprojection error when more than four points are given.
    """

    def __init__(self, matrix: Doubles) -> None:
        """Take a 3 x 3 matrix from picture (px) to ground (m). Raises ValueError when it cannot be inverted."""
        matrix = np.asarray(matrix, np.float64)
        if matrix.shape != (3, 3) or not np.all(np.isfinite(matrix)) or abs(np.linalg.det(matrix)) < 1e-12 * np.abs(matrix).max() ** 3:
            raise ValueError("a homography must be an invertible 3 x 3 matrix of finite numbers")
        self.matrix = matrix
        self._inverse: Doubles = np.asarray(np.linalg.inv(matrix), np.float64)

    @classmethod
    def from_points(cls, picture_px: Sequence[Sequence[float]], ground_m: Sequence[Sequence[float]]) -> Homography:
        """Fit to four or more pairs of points, no three of the four on one line.

        Raises:
            ValueError: too few pairs, or they lie on a line.
        """
        source, target = np.asarray(picture_px, np.float64), np.asarray(ground_m, np.float64)
        if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2 or len(source) < 4:
            raise ValueError("a homography needs at least four pairs of picture and ground points")
        to_source, to_target = _normaliser(source), _normaliser(target)
        a, b = _apply(to_source, source), _apply(to_target, target)
        rows = []
        for (x, y), (u, v) in zip(a, b, strict=True):
            rows.append([-x, -y, -1, 0, 0, 0, u * x, u * y, u])
            rows.append([0, 0, 0, -x, -y, -1, v * x, v * y, v])
        _, singular, vectors = np.linalg.svd(np.asarray(rows))
        if singular[7] < 1e-6 * singular[0]:
            raise ValueError("the calibration points lie (almost) on one line; choose four corners of a wide rectangle")
        matrix = np.linalg.inv(to_target) @ vectors[-1].reshape(3, 3) @ to_source
        matrix /= matrix[2, 2] if abs(matrix[2, 2]) > 1e-12 else np.linalg.norm(matrix)
        if len(source) > 4:
            matrix = least_squares(lambda h: (_apply(h.reshape(3, 3), source) - target).ravel(), matrix.ravel()).x.reshape(3, 3)
        return cls(matrix)

    def to_ground_m(self, points_px: NDArray[np.floating]) -> Doubles:
        """(n, 2) px -> (n, 2) m; NaN for points on or above the horizon."""
        return _apply(self.matrix, np.asarray(points_px, np.float64), self._sign)

    def to_picture_px(self, points_m: NDArray[np.floating]) -> Doubles:
        """(n, 2) m -> (n, 2) px."""
        return _apply(self._inverse, np.asarray(points_m, np.float64))

    def scaled(self, factor_x: float, factor_y: float) -> Homography:
        """The same ground seen in a picture `factor` times as large."""
        return Homography(self.matrix @ np.diag([1 / factor_x, 1 / factor_y, 1.0]))

    def area_m2(self, polygon: shapely.Polygon) -> float:
        """Area on the ground of a picture polygon; NaN when it reaches the horizon. Edges are split so that long ones stay true."""
        ring = np.asarray(polygon.segmentize(max(1.0, polygon.length / 200)).exterior.coords)
        ground = self.to_ground_m(ring)
        return float(shapely.Polygon(ground).area) if np.all(np.isfinite(ground)) else math.nan

    @cached_property
    def _sign(self) -> float:
        # The bottom of any usable picture is ground; its side of the horizon tells which sign of w is visible.
        w = float(self.matrix[2] @ np.array([0.0, 1e6, 1.0]))
        return math.copysign(1.0, w) if abs(w) > 1e-12 else math.copysign(1.0, self.matrix[2, 2])


def _apply(matrix: Doubles, points: NDArray[np.floating], sign: float | None = None) -> Doubles:
    homogeneous = points @ matrix[:, :2].T + matrix[:, 2]
    w = homogeneous[:, 2:]
    if sign is not None:
        w = np.where(w * sign > 1e-12, w, np.nan)
    return np.asarray(homogeneous[:, :2] / w, np.float64)


def _normaliser(points: Doubles) -> Doubles:
    centre = points.mean(axis=0)
    spread = float(np.sqrt(((points - centre) ** 2).sum(axis=1)).mean())
    if spread < 1e-9:
        raise ValueError("the calibration points are all the same")
    scale = math.sqrt(2) / spread
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1.0]])


@dataclass(frozen=True)
class Scene:
    """Everything drawn on one camera's picture: zones, lines, and the ground plane if calibrated."""

    size_px: tuple[int, int]
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    ground: Homography | None = None

    def __post_init__(self) -> None:
        ids = [zone.id for zone in self.zones] + [line.id for line in self.lines]
        if len(set(ids)) != len(ids):
            raise ValueError(f"zone and line ids must be unique: {sorted({i for i in ids if ids.count(i) > 1})} are used twice")
        if min(self.size_px) < 1:
            raise ValueError(f"the picture size {self.size_px} is empty")

    def zones_of(self, *kinds: str) -> tuple[Zone, ...]:
        """The zones of these kinds, in drawing order."""
        return tuple(zone for zone in self.zones if zone.kind in kinds)

    def scaled_to(self, size_px: tuple[int, int]) -> Scene:
        """The same scene for a picture of another size, for example the sub-stream's."""
        if size_px == self.size_px:
            return self
        fx, fy = size_px[0] / self.size_px[0], size_px[1] / self.size_px[1]
        zones = tuple(replace(z, points_px=tuple((x * fx, y * fy) for x, y in z.points_px)) for z in self.zones)
        lines = tuple(
            replace(n, start_px=(n.start_px[0] * fx, n.start_px[1] * fy), end_px=(n.end_px[0] * fx, n.end_px[1] * fy)) for n in self.lines
        )
        return Scene(size_px, zones, lines, self.ground.scaled(fx, fy) if self.ground else None)


def distance_m(a: Place, b: Place) -> float:
    """Great-circle distance (haversine), metres."""
    lat_a, lat_b = math.radians(a.lat_deg), math.radians(b.lat_deg)
    d_lon = math.radians(b.lon_deg - a.lon_deg)
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(d_lon / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def bearing_deg(a: Place, b: Place) -> float:
    """Initial bearing from `a` to `b`, degrees clockwise from north, 0 to 360."""
    lat_a, lat_b = math.radians(a.lat_deg), math.radians(b.lat_deg)
    d_lon = math.radians(b.lon_deg - a.lon_deg)
    x = math.sin(d_lon) * math.cos(lat_b)
    y = math.cos(lat_a) * math.sin(lat_b) - math.sin(lat_a) * math.cos(lat_b) * math.cos(d_lon)
    return math.degrees(math.atan2(x, y)) % 360.0


def moved(place: Place, east_m: float, north_m: float) -> Place:
    """The place `east_m` and `north_m` away; good to 0.1 % within 20 km outside the polar circles."""
    lat = place.lat_deg + math.degrees(north_m / EARTH_RADIUS_M)
    lon = place.lon_deg + math.degrees(east_m / (EARTH_RADIUS_M * math.cos(math.radians(place.lat_deg))))
    return Place(lat, lon)


def groups_within(points: Doubles, distance: float) -> Ints:
    """Label each point with its cluster: points linked by steps of at most `distance` share one. (n, 2) -> (n,)."""
    if len(points) == 0:
        return np.empty(0, np.int64)
    offsets = points[:, None, :] - points[None, :, :]
    return joined(np.einsum("ijk,ijk->ij", offsets, offsets) <= distance * distance)


def joined(near: Bools) -> Ints:
    """Label the connected parts of a graph with 0, 1, ... `near`: bool (n, n), symmetric, true on its diagonal. -> (n,)."""
    if len(near) == 0:
        return np.empty(0, np.int64)
    if len(near) > DENSE_POINTS:
        _, labels = connected_components(near, directed=False)
        return np.asarray(labels, np.int64)
    # For a few people the general solver's checks cost more than the work: spread the smallest label until nothing changes.
    own = np.arange(len(near))
    while True:
        spread = np.where(near, own[None, :], len(near)).min(axis=1)
        if np.array_equal(spread, own):
            return np.asarray(np.unique(own, return_inverse=True)[1], np.int64)
        own = spread
