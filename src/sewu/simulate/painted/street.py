"""The street: what stands, who moves, what happens, and its truth."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from sewu.base.records import Image
from sewu.simulate.painted.view import Block, Colour, PoleCamera, paint_block, paint_shadow

RATE_FPS = 12.0
ROAD_Y = (12.0, 20.0)
"""Kerbs of the road that runs across the view, metres from the pole."""
CAR_COLOURS: tuple[Colour, ...] = ((60, 60, 190), (200, 200, 205), (40, 45, 50), (150, 110, 60), (70, 130, 80), (180, 170, 160))
SHIRTS: tuple[Colour, ...] = ((70, 60, 170), (60, 130, 60), (150, 90, 50), (40, 40, 45), (60, 150, 190), (170, 160, 160))
PARK_AT_S, PARK_UNTIL_S = 8.0, 44.0
GATHER_AT_S, GATHER_UNTIL_S = 10.0, 46.0
INTRUDE_AT_S, INTRUDE_UNTIL_S = 24.0, 36.0
BAG_AT_S, OWNER_GONE_S = 12.0, 21.0
BAG_PLACE = (1.3, 10.6)
DURATION_S = 54.0
VEHICLE_KINDS = ("car", "truck", "motorcycle")


@dataclass
class Mover:
    """Somebody on a path: (time s, x m, y m) points, straight lines between; not there before the first nor after the last."""

    kind: str
    colour: Colour
    path: tuple[tuple[float, float, float], ...]
    phase: float = 0.0

    def place(self, at_s: float) -> tuple[float, float, float] | None:
        """x, y and speed at a moment."""
        for (t0, x0, y0), (t1, x1, y1) in zip(self.path, self.path[1:], strict=False):
            if t0 <= at_s < t1:
                share = (at_s - t0) / (t1 - t0)
                return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, math.hypot(x1 - x0, y1 - y0) / (t1 - t0)
        return None


@dataclass
class Street:
    """A seeded minute on a street: traffic both ways, walkers, one illegal stop, one gathering."""

    seed: int = 1
    camera: PoleCamera = field(default_factory=PoleCamera)

    def movers(self) -> list[Mover]:
        """Everybody, in no order."""
        chance = np.random.default_rng(self.seed)
        found: list[Mover] = []
        for lane, (y, direction) in enumerate(((13.8, 1), (18.0, -1))):
            at_s = 1.0 + 2.5 * lane
            while at_s < DURATION_S - 8:
                kind = str(chance.choice(["car", "motorcycle", "motorcycle", "truck"], p=[0.45, 0.25, 0.2, 0.1]))
                speed = float(chance.uniform(6, 8))
                ends = (-24.0 * direction, 24.0 * direction)
                colour = CAR_COLOURS[int(chance.integers(len(CAR_COLOURS)))]
                found.append(Mover(kind, colour, ((at_s, ends[0], y), (at_s + 48 / speed, ends[1], y)), float(chance.uniform(0, 6))))
                at_s += float(chance.uniform(4.0, 7.5))
        for index in range(7):
            start, y = float(chance.uniform(0, DURATION_S - 25)), float(chance.choice([9.8, 10.6, 22.3]))
            ends = (-15.0, 15.0) if index % 2 else (15.0, -15.0)
            walk = ((start, ends[0], y), (start + 30 / float(chance.uniform(1.1, 1.5)), ends[1], y))
            found.append(Mover("person", SHIRTS[index % len(SHIRTS)], walk, index * 1.3))
        parked = ((PARK_AT_S - 4, -24.0, 12.6), (PARK_AT_S, 5.0, 12.6), (PARK_UNTIL_S, 5.0, 12.6), (PARK_UNTIL_S + 4, 26.0, 12.8))
        found.append(Mover("car", (40, 150, 210), parked))
        for index in range(5):
            angle = index * 2 * math.pi / 5
            x, y = -2.5 + 0.7 * math.cos(angle), 9.6 + 0.7 * math.sin(angle)
            side = -14.0 if index % 2 else 14.0
            path = (
                (GATHER_AT_S - 8 - index, side, 9.6),
                (GATHER_AT_S + index * 0.4, x, y),
                (GATHER_UNTIL_S, x, y),
                (GATHER_UNTIL_S + 9, -side, 9.4),
            )
            found.append(Mover("person", SHIRTS[(index + 2) % len(SHIRTS)], path, index * 0.9))
        intruder = ((INTRUDE_AT_S - 8, 15.0, 9.5), (INTRUDE_AT_S, 4.9, 9.5), (INTRUDE_UNTIL_S, 3.6, 9.9), (INTRUDE_UNTIL_S + 9, 15.0, 10.3))
        found.append(Mover("person", (60, 150, 190), intruder, 0.4))
        x, y = BAG_PLACE
        owner = ((BAG_AT_S - 11, 14.0, y), (BAG_AT_S, x + 0.5, y), (BAG_AT_S + 3, x + 0.5, y), (OWNER_GONE_S + 2, 14.0, y - 0.4))
        found.append(Mover("person", (40, 40, 45), owner, 2.2))
        found.append(Mover("bag", (35, 35, 120), ((BAG_AT_S + 1, x, y), (DURATION_S, x, y))))
        return found

    def truth(self) -> list[dict[str, Any]]:
        """What happens: kind, zone, start and end in seconds of the clip."""
        return [
            {"kind": "illegal_parking", "zone": "kerb", "start_s": PARK_AT_S, "end_s": PARK_UNTIL_S},
            {"kind": "gathering", "zone": "pavement", "start_s": GATHER_AT_S + 1.6, "end_s": GATHER_UNTIL_S},
            {"kind": "intrusion", "zone": "yard", "start_s": INTRUDE_AT_S, "end_s": INTRUDE_UNTIL_S},
            {"kind": "object_left", "zone": "pavement", "start_s": OWNER_GONE_S, "end_s": DURATION_S},
        ]

    def crossings(self) -> int:
        """How many vehicles truly pass the line across both lanes at x = 0."""
        return sum(
            m.kind in VEHICLE_KINDS and any((a[1] < 0) != (b[1] < 0) for a, b in zip(m.path, m.path[1:], strict=False))
            for m in self.movers()
        )

    def zones_toml(self) -> str:
        """The zones file that belongs to this view."""
        camera = self.camera

        def px(x: float, y: float) -> str:
            u, v = camera.project(np.array([[x, y, 0.0]]))[0]
            return f"[{u:.1f}, {v:.1f}]"

        ground = [(-6.0, 9.0), (6.0, 9.0), (8.0, 21.0), (-8.0, 21.0)]
        kerb = ", ".join(px(x, y) for x, y in ((-7, 11.9), (7, 11.9), (7, 13.4), (-7, 13.4)))
        yard = ", ".join(px(x, y) for x, y in ((3.0, 8.7), (5.6, 8.7), (6.2, 11.2), (3.2, 11.2)))
        pavement = ", ".join(px(x, y) for x, y in ((-5.2, 8.6), (5.2, 8.6), (6.5, 11.4), (-6.5, 11.4)))
        return f"""# Zones of the demonstration street.
size_px = [{camera.size_px[0]}, {camera.size_px[1]}]

[[zones]]
id = "kerb"
kind = "no_parking"
name = "No parking at the kerb"
points_px = [{kerb}]

[[zones]]
id = "pavement"
kind = "crowd"
name = "Pavement"
points_px = [{pavement}]
settings = {{ gather_s = 8 }}

[[zones]]
id = "yard"
kind = "restricted"
name = "Closed yard"
points_px = [{yard}]

[[lines]]
id = "road"
name = "Road"
start_px = {px(0, 11.5)}
end_px = {px(0, 20.5)}
forward = "to the right"
backward = "to the left"

[ground]
picture_px = [{", ".join(px(x, y) for x, y in ground)}]
ground_m = [{", ".join(f"[{x}, {y}]" for x, y in ground)}]
"""

    def frames(self) -> Iterator[Image]:
        """Every picture of the clip."""
        chance = np.random.default_rng(self.seed + 1)
        scenery, movers = self._scenery(chance), self.movers()
        for index in range(round(DURATION_S * RATE_FPS)):
            at_s = index / RATE_FPS
            image = scenery.copy()
            present = [(mover, place) for mover in movers if (place := mover.place(at_s)) is not None]
            present.sort(key=lambda pair: -pair[1][1])
            for mover, (x, y, _) in present:
                size = {"person": (0.5, 0.4), "motorcycle": (1.8, 0.6), "bag": (0.5, 0.3)}.get(mover.kind, (4.2, 1.7))
                paint_shadow(image, self.camera, x, y, size, 0.4 if mover.kind == "bag" else 1.5)
            for mover, (x, y, speed) in present:
                PAINTERS[mover.kind](image, self.camera, mover, (x, y, at_s * max(speed, 0.0) * 2.2 + mover.phase))
            grain = chance.normal(0, 2.5, (*image.shape[:2], 1))
            yield np.clip(image + grain, 0, 255).astype(np.uint8)

    def _scenery(self, chance: np.random.Generator) -> Image:
        width, height = self.camera.size_px
        image = np.full((height, width, 3), (205, 190, 170), np.uint8)
        metre_px = 20
        ground = np.full((60 * metre_px, 80 * metre_px, 3), (120, 140, 145), np.float32)
        low, high = (int(y * metre_px) for y in ROAD_Y)
        ground[low:high] = (88, 86, 84)
        ground[low - 6 : low] = ground[high : high + 6] = (190, 190, 190)
        middle = (low + high) // 2
        for start in range(0, ground.shape[1], 5 * metre_px):
            ground[middle - 2 : middle + 2, start : start + 2 * metre_px] = (215, 220, 220)
        ground += cv2.GaussianBlur(chance.normal(0, 60, ground.shape[:2]).astype(np.float32), (0, 0), 2.5)[..., None]
        ground += chance.normal(0, 5, ground.shape[:2]).astype(np.float32)[..., None]
        to_world = np.array([[1 / metre_px, 0, -40], [0, 1 / metre_px, 0], [0, 0, 1.0]])
        warped = cv2.warpPerspective(np.clip(ground, 0, 255).astype(np.uint8), self.camera.ground_to_picture() @ to_world, (width, height))
        seen = cv2.warpPerspective(np.full(ground.shape[:2], 255, np.uint8), self.camera.ground_to_picture() @ to_world, (width, height))
        horizon = int(height / 2 - self.camera.focal_px * math.tan(math.radians(self.camera.tilt_deg)))
        seen[: max(0, horizon + 2)] = 0
        image = np.where(seen[..., None] > 0, warped, image).astype(np.uint8)
        for index in range(9):
            x, tall = -36 + index * 9.0, float(chance.uniform(5, 9))
            colour = tuple(float(v) for v in chance.uniform(110, 215, 3))
            paint_block(image, self.camera, Block(x, 28.0, (8.4, 6.0, tall), (colour[0], colour[1], colour[2])))
            for window in range(3):
                paint_block(image, self.camera, Block(x - 2.6 + window * 2.6, 24.95, (1.4, 0.05, 1.5), (75, 62, 50), z=2.6))
            paint_block(image, self.camera, Block(x, 24.9, (5.5, 0.1, 2.1), (60, 58, 66)))
            paint_block(image, self.camera, Block(x, 24.4, (7.6, 1.2, 0.15), (40, 70, 160), z=2.25))
        return cv2.GaussianBlur(image, (0, 0), 0.7).astype(np.uint8)


SEDAN = (
    (-2.15, 0.35),
    (-2.2, 0.75),
    (-1.95, 0.98),
    (-1.3, 1.05),
    (-0.75, 1.46),
    (0.55, 1.48),
    (1.2, 1.02),
    (2.05, 0.88),
    (2.2, 0.6),
    (2.15, 0.35),
)
"""Side of a car, metres from its middle and above the ground, front to the right."""
WINDOWS = (((-1.12, 1.05), (-0.68, 1.38), (-0.08, 1.4), (-0.08, 1.05)), ((0.0, 1.05), (0.0, 1.4), (0.5, 1.4), (1.0, 1.04)))
TRUCK = ((-2.4, 0.5), (-2.4, 2.4), (0.9, 2.4), (0.9, 1.9), (1.9, 1.85), (2.3, 1.2), (2.4, 0.5))
HALF_WIDTH_M = 0.82


def _paint_car(image: Image, camera: PoleCamera, mover: Mover, at: tuple[float, float, float]) -> None:
    x, y, _ = at
    front = -1.0 if mover.path[0][1] > mover.path[-1][1] else 1.0
    outline = np.array(TRUCK if mover.kind == "truck" else SEDAN)

    def side(points: NDArray[np.floating], across: float) -> NDArray[np.float64]:
        solid = np.column_stack([x + front * points[:, 0], np.full(len(points), y + across), points[:, 1]])
        return camera.project(solid)

    def fill(polygon: NDArray[np.floating], colour: Colour) -> None:
        cv2.fillPoly(image, [np.round(polygon * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)

    near, far = side(outline, -HALF_WIDTH_M), side(outline, HALF_WIDTH_M)
    fill(far, tuple(c * 0.5 for c in mover.colour))  # type: ignore[arg-type]
    for index in range(1, len(outline) - 2):
        rising = abs(outline[index + 1, 1] - outline[index, 1]) > 0.25
        glass = rising and mover.kind != "truck"
        colour: Colour = (60.0, 52.0, 46.0) if glass else (mover.colour[0], mover.colour[1], mover.colour[2])
        fill(np.array([near[index], near[index + 1], far[index + 1], far[index]]), colour)
    fill(near, (mover.colour[0] * 0.78, mover.colour[1] * 0.78, mover.colour[2] * 0.78))
    for window in WINDOWS if mover.kind != "truck" else (((0.95, 1.3), (0.95, 1.75), (1.75, 1.72), (2.05, 1.3)),):
        fill(side(np.array(window), -HALF_WIDTH_M - 0.01), (58.0, 50.0, 44.0))
    sill = np.array([(-2.1, 0.35), (2.1, 0.35), (2.12, 0.45), (-2.12, 0.45)])
    fill(side(sill, -HALF_WIDTH_M - 0.01), (45.0, 45.0, 45.0))
    radius_m = 0.45 if mover.kind == "truck" else 0.33
    for dx in (-1.35, 1.35):
        around = np.linspace(0, 2 * math.pi, 20)
        for share, colour in ((1.0, (22.0, 22.0, 22.0)), (0.55, (150.0, 150.0, 150.0))):
            wheel = np.column_stack([dx + share * radius_m * np.cos(around), radius_m + share * radius_m * np.sin(around)])
            fill(side(wheel, -HALF_WIDTH_M - 0.02), colour)
    for dx, colour in ((2.1, (200.0, 235.0, 245.0)), (-2.12, (40.0, 40.0, 200.0))):
        lamp = np.array([(dx - 0.12, 0.68), (dx + 0.1, 0.68), (dx + 0.1, 0.82), (dx - 0.12, 0.82)])
        fill(side(lamp, -HALF_WIDTH_M - 0.02), colour)
    handle = np.array([(-0.2, 0.9), (-0.02, 0.9), (-0.02, 0.94), (-0.2, 0.94)])
    fill(side(handle, -HALF_WIDTH_M - 0.02), (40.0, 40.0, 40.0))


def _paint_person(image: Image, camera: PoleCamera, mover: Mover, at: tuple[float, float, float]) -> None:
    x, y, stride = at
    swing = 0.22 * math.sin(stride)
    for side in (-1, 1):
        paint_block(image, camera, Block(x + side * swing, y + side * 0.09, (0.17, 0.17, 0.85), (60, 50, 45)))
    paint_block(image, camera, Block(x, y, (0.34, 0.42, 0.62), mover.colour, z=0.82, taper=(0.1, 0.05)))
    for side in (-1, 1):
        paint_block(image, camera, Block(x - side * swing * 0.7, y + side * 0.27, (0.12, 0.12, 0.55), mover.colour, z=0.85))
    (u, v), (_, v1) = camera.project(np.array([[x, y, 1.58], [x, y, 1.74]]))
    radius = max(1.0, (v - v1) * 0.72)
    cv2.circle(image, (round(u * 16), round(v * 16)), round(radius * 16), (95, 130, 175), -1, cv2.LINE_AA, 4)
    cv2.ellipse(
        image, (round(u), round(v - radius * 0.35)), (round(radius), round(radius * 0.75)), 0, 180, 360, (25, 22, 20), -1, cv2.LINE_AA
    )


def _paint_motorcycle(image: Image, camera: PoleCamera, mover: Mover, at: tuple[float, float, float]) -> None:
    x, y, _ = at
    for dx in (-0.62, 0.62):
        paint_block(image, camera, Block(x + dx, y, (0.55, 0.12, 0.55), (28, 28, 28)))
    paint_block(image, camera, Block(x, y, (1.25, 0.3, 0.4), mover.colour, z=0.42))
    paint_block(image, camera, Block(x - 0.1, y, (0.45, 0.42, 0.6), SHIRTS[int(mover.phase * 3) % len(SHIRTS)], z=0.82))
    (u, v), (_, v1) = camera.project(np.array([[x, y, 1.55], [x, y, 1.72]]))
    cv2.circle(image, (round(u), round(v)), max(2, round((v - v1) * 0.8)), (60, 60, 200), -1, cv2.LINE_AA)


def _paint_bag(image: Image, camera: PoleCamera, mover: Mover, at: tuple[float, float, float]) -> None:
    paint_block(image, camera, Block(at[0], at[1], (0.55, 0.32, 0.42), mover.colour, taper=(0.15, 0.2)))


Painter = Callable[[Image, PoleCamera, Mover, tuple[float, float, float]], None]
PAINTERS: dict[str, Painter] = {
    "car": _paint_car,
    "truck": _paint_car,
    "person": _paint_person,
    "motorcycle": _paint_motorcycle,
    "bag": _paint_bag,
}


def write_street(folder: Path, street: Street, on_progress: Callable[[float], None]) -> Path:
    """Write `street.mp4`, `zones.toml` and `truth.jsonl`; a clip already there is kept. Returns the clip."""
    clip = folder / "street.mp4"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "zones.toml").write_text(street.zones_toml(), encoding="utf-8")
    (folder / "truth.jsonl").write_text("".join(json.dumps(row) + "\n" for row in street.truth()), encoding="utf-8")
    if clip.is_file():
        return clip
    part = folder / ".street.mp4.part"
    with av.open(str(part), "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(RATE_FPS).limit_denominator(100))
        stream.width, stream.height = street.camera.size_px
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "veryfast", "crf": "23", "g": "24", "bf": "0"}
        for index, image in enumerate(street.frames()):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            on_progress((index + 1) / (DURATION_S * RATE_FPS))
        container.mux(stream.encode(None))
    part.replace(clip)
    return clip
