"""Which patches at rest look like a thing that was put down."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sewu.base.records import Bools, Doubles, Floats, Image
from sewu.measure.order.background import Background

MAX_BLOBS = 32
ROOM_PX = 8
MIN_PIXELS = 30
"""Less than that in a picture 320 px wide cannot be told from a wandering edge."""
LEFT_STEP_RATIO = 1.2
SAME_TEXTURE = 0.8


@dataclass(frozen=True, slots=True)
class Blob:
    """box_px: float32 (4,), xyxy in the small picture. mask: bool (h, w) of the box. rested_s: how long at rest."""

    box_px: Floats
    mask: Bools
    rested_s: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Where the mask lies in the small picture."""
        return window(self.box_px)


def window(box_px: Floats) -> tuple[slice, slice]:
    """Rows and columns of a box with whole-number corners."""
    x0, y0, x1, y1 = (int(value) for value in box_px)
    return slice(y0, y1), slice(x0, x1)


def find_blobs(rest: Bools, background: Background) -> list[Blob]:
    """Connected patches of the mask of pixels at rest, largest first, at most 32."""
    if np.count_nonzero(rest) < MIN_PIXELS:
        return []
    # Only the part of the picture that holds any of it, with room for the closing: most pictures hold little.
    x0, y0, across, down = cv2.boundingRect(rest.view(np.uint8))
    left, top = max(0, x0 - ROOM_PX), max(0, y0 - ROOM_PX)
    part = rest.view(np.uint8)[top : y0 + down + ROOM_PX, left : x0 + across + ROOM_PX]
    plane = cv2.morphologyEx(part, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    plane = cv2.morphologyEx(plane, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=8)
    order = 1 + np.argsort(-stats[1:count, cv2.CC_STAT_AREA], kind="stable")[:MAX_BLOBS]
    blobs = []
    for label in order:
        x, y, width, height, area = (int(value) for value in stats[label])
        if area >= MIN_PIXELS:
            mask = labels[y : y + height, x : x + width] == label
            x, y = x + left, y + top
            ages = background.short_age_s[y : y + height, x : x + width][mask]
            blobs.append(Blob(np.array([x, y, x + width, y + height], np.float32), mask, float(np.median(ages))))
    return blobs


def bag_sized(blob: Blob, person_px: float) -> bool:
    """Small beside a person at that depth: between a handbag and a suitcase, and filled rather than a streak or a ring."""
    width, height = float(blob.box_px[2] - blob.box_px[0]), float(blob.box_px[3] - blob.box_px[1])
    area = float(np.count_nonzero(blob.mask))
    if min(width, height) < 0.25 * max(width, height):
        return False
    return 0.1 * person_px <= area**0.5 <= 0.6 * person_px and max(width, height) <= 0.75 * person_px and area >= 0.35 * width * height


def put_down(blob: Blob, background: Background) -> bool:
    """Whether the patch is a thing now there, not a ghost of one taken away, nor a change of light.

    A thing stands out from what surrounds it where the old background did not; where a thing was taken away it is
    the other way round (the idea of San Miguel and Martinez, AVSS 2008, with grey steps instead of edges). A
    shadow or a patch of sun keeps the texture of the ground: its grey values correlate with the old ones.
    """
    assert background.long is not None
    rows, columns = _around(blob, background.now.shape, 5)
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    inner_rows, inner_columns = blob.window
    mask[
        inner_rows.start - rows.start : inner_rows.stop - rows.start,
        inner_columns.start - columns.start : inner_columns.stop - columns.start,
    ] = blob.mask
    now, long = background.now[rows, columns], background.long[rows, columns]
    if _step_across(now, mask) < LEFT_STEP_RATIO * _step_across(long, mask):
        return False
    # The rim is left out: half of it is not covered, which spoils the likeness of a shadow to its ground.
    body = cv2.erode(mask, np.ones((5, 5), np.uint8), borderValue=0).astype(np.bool_)
    if np.count_nonzero(body) < MIN_PIXELS // 2:
        body = mask.astype(np.bool_)
    return _correlation(now[body].astype(np.float64), long[body].astype(np.float64)) < SAME_TEXTURE


def _around(blob: Blob, shape: tuple[int, ...], margin: int) -> tuple[slice, slice]:
    rows, columns = blob.window
    return (
        slice(max(rows.start - margin, 0), min(rows.stop + margin, shape[0])),
        slice(max(columns.start - margin, 0), min(columns.stop + margin, shape[1])),
    )


def _step_across(grey: Floats, mask: Image) -> float:
    """Mean step of grey level from just inside an outline to just outside, averaged over 7 px along it.

    Averages on both sides rather than gradients: paving and kerbs have strong edges of their own, but much the
    same grey level on both sides of a line drawn across them at random.
    """
    kernel = np.ones((3, 3), np.uint8)
    inside = mask - cv2.erode(mask, kernel, iterations=2, borderValue=0)
    near = cv2.dilate(mask, kernel)
    outside = cv2.dilate(near, kernel, iterations=2) - near
    outline = (near - mask).astype(np.bool_)
    means = []
    for band in (inside, outside):
        weight = cv2.boxFilter(band.astype(np.float32), cv2.CV_32F, (7, 7), normalize=False, borderType=cv2.BORDER_CONSTANT)
        total = cv2.boxFilter(grey * band, cv2.CV_32F, (7, 7), normalize=False, borderType=cv2.BORDER_CONSTANT)
        means.append(total / np.maximum(weight, 1.0))
        outline &= weight >= 1.0
    return float(np.abs(means[0] - means[1])[outline].mean()) if outline.any() else 0.0


def _correlation(a: Doubles, b: Doubles) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).mean() * (b * b).mean()))
    # A surface without texture tells nothing: the floor keeps noise from correlating.
    return float((a * b).mean()) / max(spread, 9.0)
