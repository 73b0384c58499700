"""A layout as a zones file (docs/zones.md): what is known on the ground, in pixels of the picture."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from sewu.base.records import Doubles
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.place import Area, At, Layout

NEAR_M = 1.0
BENT_PIECES = 6
KINDS_READ = ("no_parking", "bay", "queue", "crowd", "restricted", "watch", "left")
"""Kinds of zones that analytics read today; a zones file may hold no other. areas.json holds them all."""


def zones_toml(layout: Layout, size_px: tuple[int, int]) -> str:
    """The text of the file. Zones that lie outside the picture are left out, others cut at its edge."""
    rows = ["# Written by the simulator.", f"size_px = [{size_px[0]}, {size_px[1]}]", ""]
    for area in layout.areas:
        points = area_px(area, layout.camera, size_px)
        if len(points) < 3 or area.kind not in KINDS_READ:
            continue
        rows += ["[[zones]]", f"id = {_text(area.id)}", f"kind = {_text(area.kind)}"]
        rows += [f"name = {_text(area.name)}"] if area.name else []
        rows += [f"points_px = {_points(points)}", ""]
    for line in layout.lines:
        start, end = np.clip(layout.camera.to_picture_px(_at((line.start_m, line.end_m)), size_px)[:, :2], 0, size_px)
        rows += ["[[lines]]", f"id = {_text(line.id)}", f"start_px = {_points([start])[1:-1]}", f"end_px = {_points([end])[1:-1]}"]
        rows += [f"forward = {_text(line.forward)}", f"backward = {_text(line.backward)}", ""]
    square = layout.camera.to_picture_px(_at(layout.square_m), size_px)[:, :2]
    inside = ((square >= 0) & (square <= size_px)).all(axis=1)
    corners = square if inside.all() else ground_grid_px(layout.camera, size_px)[0]
    on_ground = np.asarray(layout.square_m) if inside.all() else ground_grid_px(layout.camera, size_px)[1]
    rows += ["[ground]", f"picture_px = {_points(corners, 2)}", f"ground_m = {_points(on_ground, 4)}", ""]
    return "\n".join(rows)


def areas_json(layout: Layout, size_px: tuple[int, int]) -> str:
    """Every zone of the place: id, kind, name, corners on the ground (m) and in the picture (px; empty when it is out of sight)."""
    rows = [
        {"id": area.id, "kind": area.kind, "name": area.name, "corners_m": area.corners_m,
         "points_px": area_px(area, layout.camera, size_px).tolist()}
        for area in layout.areas
    ]  # fmt: skip
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


def area_px(area: Area, camera: PoleCamera, size_px: tuple[int, int]) -> Doubles:
    """The zone in the picture, cut at its edges: (n, 2), empty when nothing of it is seen."""
    corners = np.asarray(area.face_m, np.float64) if area.face_m else _at(area.corners_m)
    return _cut(corners, camera, size_px)


def ground_grid_px(camera: PoleCamera, size_px: tuple[int, int]) -> tuple[Doubles, Doubles]:
    """Four points of the lower picture and where they lie on the ground, metres."""
    shares = np.asarray([(0.1, 0.95), (0.9, 0.95), (0.75, 0.55), (0.25, 0.55)])
    picture = shares * size_px
    back = np.linalg.inv(camera.ground_to_picture(size_px))
    ground = np.concatenate([picture, np.ones((4, 1))], axis=1) @ back.T
    return np.asarray(picture, np.float64), np.asarray(ground[:, :2] / ground[:, 2:], np.float64)


def ground_to_picture_px(points_m: Sequence[At], camera: PoleCamera, size_px: tuple[int, int]) -> Doubles:
    """A polygon of the ground, cut at the edges of the picture: (n, 2), empty when nothing of it is seen."""
    return _cut(_at(points_m), camera, size_px)


def _cut(corners_m: Doubles, camera: PoleCamera, size_px: tuple[int, int]) -> Doubles:
    """Source of the cutting: Sutherland and Hodgman 1974, "Reentrant polygon clipping"."""
    width, height = size_px
    # A barrel lens shows more than the pinhole camera does.
    spare = 0.3 if camera.k1 < 0 else 0.0
    seen = corners_m @ camera.matrix(size_px)[:, :3].T + camera.matrix(size_px)[:, 3]
    left, top, right, bottom = -spare * width, -spare * height, (1 + spare) * width, (1 + spare) * height
    edges = ((0.0, 0.0, 1.0, -NEAR_M), (1.0, 0.0, -left, 0.0), (-1.0, 0.0, right, 0.0), (0.0, 1.0, -top, 0.0), (0.0, -1.0, bottom, 0.0))
    polygon = list(seen)
    for edge in edges:
        side = [float(point @ np.asarray(edge[:3]) + edge[3]) for point in polygon]
        kept = []
        for index, point in enumerate(polygon):
            before, point_before = side[index - 1], polygon[index - 1]
            if (before >= 0) != (side[index] >= 0):
                kept.append(point_before + (point - point_before) * (before / (before - side[index])))
            if side[index] >= 0:
                kept.append(point)
        polygon = kept
    if not polygon:
        return np.empty((0, 2))
    array = np.asarray(polygon)
    flat = array[:, :2] / array[:, 2:]
    if camera.k1:
        # Its straight edges become curves.
        share = np.linspace(0, 1, BENT_PIECES, endpoint=False)[None, :, None]
        flat = (flat[:, None] + (np.roll(flat, -1, axis=0) - flat)[:, None] * share).reshape(-1, 2)
        flat = camera.lens(size_px)(flat)
    return np.asarray(np.clip(np.round(flat, 1), 0, size_px), np.float64)


def _at(points_m: Sequence[At]) -> Doubles:
    return np.concatenate([np.asarray(points_m, np.float64), np.zeros((len(points_m), 1))], axis=1)


def _points(points: Sequence[At] | Doubles | list[Doubles], digits: int = 1) -> str:
    return "[" + ", ".join(f"[{round(float(x), digits)}, {round(float(y), digits)}]" for x, y in points) + "]"


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(value, ensure_ascii=False)
