"""Drawings on a camera's picture: zones, boxes, where things moved, which way they went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sewu.base.errors import SewuError
from sewu.base.records import CLASSES, Doubles, Image, Tracks
from sewu.base.space import Line, Scene, Zone

Colour = tuple[int, int, int]

CLASS_COLOURS: dict[str, Colour] = {
    "person": (80, 200, 255),
    "bicycle": (200, 220, 90),
    "motorcycle": (120, 230, 120),
    "car": (255, 170, 70),
    "bus": (230, 120, 200),
    "truck": (150, 130, 255),
    "object": (210, 210, 210),
}
"""BGR; told apart also in greys, and never the only sign: each box carries its class in words."""
ZONE_COLOUR: Colour = (70, 220, 250)
ALARM_COLOUR: Colour = (60, 60, 235)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_scene(image: Image, scene: Scene) -> Image:
    """A copy with zones and lines, named."""
    drawn = image.copy()
    for zone in scene.zones:
        _zone(drawn, zone)
    for line in scene.lines:
        _line(drawn, line)
    return drawn


def draw_tracks(image: Image, tracks: Tracks) -> Image:
    """A copy with a box, class and number for every track seen now; predicted ones are drawn thin."""
    drawn = image.copy()
    for box, kind, number, seen in zip(tracks.boxes_px, tracks.classes, tracks.ids, tracks.seen, strict=True):
        name = CLASSES[int(kind)]
        _box(drawn, box, CLASS_COLOURS[name], f"{name} {number}", 2 if seen else 1)
    return drawn


def draw_alarm(image: Image, box_px: Sequence[float] | None, text: str = "") -> Image:
    """A copy with the place of an event marked; without text where a caption in the reader's language stands beside it."""
    drawn = image.copy()
    if box_px is not None:
        _box(drawn, np.asarray(box_px), ALARM_COLOUR, text, 3)
    return drawn


def draw_heat(image: Image, heat: Doubles) -> Image:
    """The picture greyed, with how long things stood or passed in colour. heat: (rows, columns) of seconds, any grid."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    peak = float(np.percentile(heat[heat > 0], 99)) if (heat > 0).any() else 0.0
    if peak <= 0:
        return np.asarray(grey, np.uint8)
    size = (image.shape[1], image.shape[0])
    share = cv2.resize(np.sqrt(np.clip(heat / peak, 0, 1)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    share = np.clip(cv2.GaussianBlur(share, (0, 0), max(1.0, size[0] / 120)), 0, 1)
    colours = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    weight = (np.clip(share * 1.6, 0, 0.85))[..., None]
    return np.asarray(grey * (1 - weight) + colours * weight, np.uint8)


def draw_paths(image: Image, paths: Iterable[tuple[int, NDArray[np.floating]]]) -> Image:
    """The picture dimmed, with the path of each track: (class index, (n, 2) points), brighter towards its end."""
    drawn = np.asarray(image * 0.55, np.uint8)
    for kind, points in paths:
        if len(points) < 2:
            continue
        colour = np.array(CLASS_COLOURS[CLASSES[kind]], np.float64)
        whole = np.round(points).astype(np.int32)
        for index in range(len(whole) - 1):
            shade = 0.45 + 0.55 * (index + 1) / (len(whole) - 1)
            start, end = (int(whole[index][0]), int(whole[index][1])), (int(whole[index + 1][0]), int(whole[index + 1][1]))
            cv2.line(drawn, start, end, tuple(float(v) for v in colour * shade), 2, cv2.LINE_AA)
        cv2.circle(drawn, (int(whole[-1][0]), int(whole[-1][1])), 3, tuple(float(v) for v in colour), -1, cv2.LINE_AA)
    return drawn


def jpeg(image: Image, max_width_px: int = 1280, quality: int = 82) -> bytes:
    """The picture as JPEG, scaled down if wider. Raises `SewuError` when it cannot be encoded."""
    height, width = image.shape[:2]
    if width > max_width_px:
        image = np.asarray(cv2.resize(image, (max_width_px, round(height * max_width_px / width)), interpolation=cv2.INTER_AREA))
    good, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise SewuError(f"A picture of {width} x {height} could not be written as JPEG.", "Report this with the clip.")
    return encoded.tobytes()


def _zone(drawn: Image, zone: Zone) -> None:
    corners = np.round(np.asarray(zone.points_px)).astype(np.int32)
    tint = drawn.copy()
    cv2.fillPoly(tint, [corners], ZONE_COLOUR)
    drawn[:] = cv2.addWeighted(tint, 0.15, drawn, 0.85, 0)
    cv2.polylines(drawn, [corners], True, ZONE_COLOUR, 2, cv2.LINE_AA)
    _label(drawn, zone.name or f"{zone.id} ({zone.kind})", (int(corners[:, 0].min()), int(corners[:, 1].min())), ZONE_COLOUR)


def _line(drawn: Image, line: Line) -> None:
    start, end = np.asarray(line.start_px), np.asarray(line.end_px)
    cv2.line(drawn, _point(start), _point(end), ZONE_COLOUR, 2, cv2.LINE_AA)
    along = (end - start) / max(float(np.hypot(*(end - start))), 1e-6)
    middle, right = (start + end) / 2, np.array([-along[1], along[0]])
    cv2.arrowedLine(drawn, _point(middle), _point(middle + right * 30), ZONE_COLOUR, 2, cv2.LINE_AA, tipLength=0.35)
    _label(drawn, line.name or line.id, _point(start), ZONE_COLOUR)


def _box(drawn: Image, box_px: NDArray[np.floating], colour: Colour, text: str, thickness: int) -> None:
    x0, y0, x1, y1 = (int(v) for v in box_px)
    cv2.rectangle(drawn, (x0, y0), (x1, y1), colour, thickness, cv2.LINE_AA)
    if text:
        _label(drawn, text, (x0, y0), colour)


def _label(drawn: Image, text: str, at_px: tuple[int, int], colour: Colour) -> None:
    size = max(0.4, min(0.7, drawn.shape[1] / 1600))
    (width, height), _ = cv2.getTextSize(text, FONT, size, 1)
    x = max(0, min(at_px[0], drawn.shape[1] - width - 6))
    y = max(height + 6, at_px[1])
    cv2.rectangle(drawn, (x, y - height - 6), (x + width + 6, y), colour, -1)
    cv2.putText(drawn, text, (x + 3, y - 4), FONT, size, (20, 20, 20), 1, cv2.LINE_AA)


def _point(at_px: NDArray[np.floating]) -> tuple[int, int]:
    return round(float(at_px[0])), round(float(at_px[1]))
