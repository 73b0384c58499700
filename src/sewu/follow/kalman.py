"""Constant-velocity Kalman filters for all boxes of a camera at once, aware of the time between looks.

A box is four independent coordinates, centre x, centre y, width and height, each with a velocity. Two-state filters have
a closed form, so n boxes cost a few array operations and no matrix inverse. Process noise is white acceleration
integrated over the real gap (Bar-Shalom, Li & Kirubarajan 2001, "Estimation with Applications to Tracking and
Navigation", section 6.2.2), therefore one prediction over 2 s equals twenty over 0.1 s and any look rate may be mixed.

A filter bank is `motion`: float64 (n, 5, 4), rows POSITION, VELOCITY, VAR (of position), COV, VAR_VELOCITY; columns cx, cy, w, h.
Units are px, px/s and their products.
"""

from __future__ import annotations

import numpy as np

from sewu.base.records import Doubles, Floats

POSITION, VELOCITY, VAR, COV, VAR_VELOCITY = range(5)


def to_centres(boxes_px: Floats | Doubles) -> Doubles:
    """xyxy -> cx, cy, w, h in double precision. (n, 4) -> (n, 4)."""
    boxes = np.asarray(boxes_px, np.float64)
    out = np.empty_like(boxes)
    out[:, :2] = (boxes[:, :2] + boxes[:, 2:]) / 2
    out[:, 2:] = boxes[:, 2:] - boxes[:, :2]
    return out


def to_corners(centred_px: Doubles) -> Doubles:
    """cx, cy, w, h -> xyxy. (n, 4) -> (n, 4)."""
    out = np.empty_like(centred_px)
    half = centred_px[:, 2:] / 2
    np.subtract(centred_px[:, :2], half, out=out[:, :2])
    np.add(centred_px[:, :2], half, out=out[:, 2:])
    return out


def sizes_px(centred_px: Doubles) -> Doubles:
    """Square root of the area, at least one pixel. (n, 4) cx, cy, w, h -> (n,)."""
    return np.asarray(np.sqrt(np.maximum(centred_px[:, 2] * centred_px[:, 3], 1.0)))


def born(centred_px: Doubles, noise_px2: Doubles, speed_px_s: Doubles) -> Doubles:
    """Filters at rest on first detections, with velocities as unknown as `speed_px_s` says.

    centred_px: (n, 4). noise_px2: (n, 1) or (n, 4) variance of a detection. speed_px_s: (n, 4). Returns (n, 5, 4).
    """
    motion = np.zeros((len(centred_px), 5, 4))
    motion[:, POSITION] = centred_px
    motion[:, VAR] = noise_px2
    motion[:, VAR_VELOCITY] = speed_px_s * speed_px_s
    return motion


def predicted(motion: Doubles, gap_s: Doubles, wander: Doubles) -> Doubles:
    """The filters `gap_s` later.

    motion: (n, 5, 4). gap_s: (n,), not negative. wander: (n, 4), spectral density of acceleration, px^2/s^3.
    """
    gap = gap_s[:, None]
    out = np.empty_like(motion)
    noise = wander * gap
    drift = motion[:, VAR_VELOCITY] * gap
    out[:, POSITION] = motion[:, POSITION] + motion[:, VELOCITY] * gap
    out[:, VELOCITY] = motion[:, VELOCITY]
    out[:, VAR] = motion[:, VAR] + gap * (2 * motion[:, COV] + drift + noise * gap / 3)
    out[:, COV] = motion[:, COV] + drift + noise * gap / 2
    out[:, VAR_VELOCITY] = motion[:, VAR_VELOCITY] + noise
    return out


def updated(motion: Doubles, centred_px: Doubles, noise_px2: Doubles) -> Doubles:
    """The filters after one detection each. motion: (n, 5, 4), centred_px: (n, 4), noise_px2: (n, 1) or (n, 4), > 0."""
    total = motion[:, VAR] + noise_px2
    gain, gain_velocity = motion[:, VAR] / total, motion[:, COV] / total
    surprise = centred_px - motion[:, POSITION]
    out = np.empty_like(motion)
    out[:, POSITION] = motion[:, POSITION] + gain * surprise
    out[:, VELOCITY] = motion[:, VELOCITY] + gain_velocity * surprise
    out[:, VAR] = motion[:, VAR] * (noise_px2 / total)
    out[:, COV] = motion[:, COV] * (noise_px2 / total)
    out[:, VAR_VELOCITY] = motion[:, VAR_VELOCITY] - gain_velocity * motion[:, COV]
    return out


def reupdated(motion: Doubles, gap_s: Doubles, wander: Doubles, centred_px: Doubles, noise_px2: Doubles, steps: int) -> Doubles:
    """The filters after a gap, replayed along the straight line from where they were to the new detection.

    OC-SORT's observation-centric re-update (Cao et al. 2023, "Observation-Centric SORT", section 4.1): a filter that coasted
    has a stale velocity; virtual detections on the line correct it. motion: (n, 5, 4) as last updated. steps >= 1, the
    last one is the detection itself.
    """
    start, step_s = motion[:, POSITION].copy(), gap_s / steps
    for step in range(1, steps + 1):
        virtual = start + (centred_px - start) * (step / steps)
        motion = updated(predicted(motion, step_s, wander), virtual, noise_px2)
    return motion
