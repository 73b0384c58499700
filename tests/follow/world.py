"""A small world with known truth: people and vehicles crossing a street, seen by an imperfect detector at any rate.

Objects stand on a ground plane seen from a pole (size grows downwards in the picture), walk with slowly changing
velocity, stop now and then, hide each other, and leave. The detector misses, jitters, is less sure of what is half hidden,
and invents boxes. Everything follows from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sewu.base.records import CLASS_IDS, Bools, Detections, Doubles, Ints
from sewu.evaluate.mot_files import Boxes

WIDTH_PX, HEIGHT_PX = 1280, 720
SIM_FPS = 25
PERSON_M, CAR_M = (0.6, 1.7), (3.5, 1.5)


@dataclass(frozen=True)
class World:
    """Truth (frames count looks from 1) and what the detector gave at each look."""

    truth: Boxes
    looks: list[Detections]


@dataclass(frozen=True)
class Eye:
    """How bad the detector is."""

    miss: float = 0.12
    jitter: float = 0.05
    false_per_look: float = 1.0
    hidden_from: float = 0.65
    """Share hidden from which an object is not found at all."""


def make_world(seed: int, rate_fps: float, duration_s: float = 60.0, people: int = 12, cars: int = 0, eye: Eye | None = None) -> World:
    """People and cars walk for `duration_s`, looked at `rate_fps` times a second."""
    rng = np.random.default_rng(seed)
    eye = eye or Eye()
    count = people + cars
    is_car = np.arange(count) >= people
    ids = np.arange(1, count + 1)
    next_id = count + 1
    state = _spawn(rng, is_car, anywhere=True)
    rows: list[tuple[Ints, Ints, Doubles]] = []
    looks: list[Detections] = []
    every = SIM_FPS / rate_fps
    due = 0.0
    weak, drift = rng.normal(0, 0.1, count), rng.normal(0, 1, (count, 4))
    lies = _Lies(rng, count)
    for tick in range(int(duration_s * SIM_FPS)):
        # A pose or a background that the detector dislikes, and the way it errs on it, last about 0.4 s.
        weak += -0.1 * weak + rng.normal(0, 0.05, count)
        drift += -0.1 * drift + rng.normal(0, 0.44, (count, 4))
        lies.pass_tick(rng)
        if tick >= due - 1e-9:
            due += every
            boxes = _project(state, is_car)
            inside = _visible(boxes)
            looks.append(_detect(rng, eye, boxes, inside, is_car, tick / SIM_FPS, weak, drift, lies))
            rows.append((np.full(int(inside.sum()), len(looks)), ids[inside], _clipped(boxes[inside])))
        _walk(rng, state, is_car)
        gone = np.flatnonzero(~_visible(_project(state, is_car), share=0.0) & _leaving(state))
        if len(gone):
            state[gone] = _spawn(rng, is_car[gone], anywhere=False)
            ids[gone] = np.arange(next_id, next_id + len(gone))
            next_id += len(gone)
    frames, numbers, boxes_px = (np.concatenate([row[i] for row in rows]) for i in range(3))
    return World(Boxes(frames, numbers, boxes_px, np.ones(len(frames))), looks)


def _spawn(rng: np.random.Generator, is_car: Bools, anywhere: bool) -> Doubles:
    """Columns x, y (m on the ground, y away from the camera 8..40), vx, vy, wanted vx, wanted vy."""
    count = len(is_car)
    y = rng.uniform(9, 35, count)
    side = rng.choice([-1.0, 1.0], count)
    half = y * WIDTH_PX / 2 / 800
    x = rng.uniform(-half, half) if anywhere else side * (half + np.where(is_car, 1.8, 0.4))
    speed = np.where(is_car, rng.uniform(4, 12, count), rng.uniform(0.7, 1.9, count))
    vx = -side * speed * (rng.uniform(0.75, 1.0, count))
    vy = np.where(is_car, rng.normal(0, 0.3, count), rng.normal(0, 0.45, count))
    return np.column_stack([x, y, vx, vy, vx, vy])


def _walk(rng: np.random.Generator, state: Doubles, is_car: Bools) -> None:
    dt = 1 / SIM_FPS
    count = len(state)
    wander = np.where(is_car, 1.0, 0.7)[:, None]
    state[:, 2:4] += (state[:, 4:6] - state[:, 2:4]) * dt / 1.0 + wander * rng.normal(0, 1, (count, 2)) * np.sqrt(dt)
    state[:, :2] += state[:, 2:4] * dt
    # Now and then someone turns or stops.
    turn = rng.random(count) < dt / 15
    state[turn, 4:6] *= rng.choice([-1.0, 0.0, 1.0], (int(turn.sum()), 1), p=[0.25, 0.35, 0.4])
    stopped = np.abs(state[:, 4]) < 0.05
    go = stopped & (rng.random(count) < dt / 4)
    state[go, 4] = rng.choice([-1.0, 1.0], int(go.sum())) * np.where(is_car[go], 7.0, 1.3)
    near, far = state[:, 1] < 8, state[:, 1] > 40
    state[near, 5], state[far, 5] = 0.4, -0.4


def _project(state: Doubles, is_car: Bools) -> Doubles:
    """Boxes xyxy (n, 4): focal length 800 px, camera 6 m up, horizon at y = 60 px."""
    scale = 800 / np.maximum(state[:, 1], 4.0)
    feet_x, feet_y = WIDTH_PX / 2 + state[:, 0] * scale, 60 + 6 * scale
    wide = np.where(is_car, CAR_M[0], PERSON_M[0]) * scale
    high = np.where(is_car, CAR_M[1], PERSON_M[1]) * scale
    return np.column_stack([feet_x - wide / 2, feet_y - high, feet_x + wide / 2, feet_y])


def _clipped(boxes: Doubles) -> Doubles:
    return np.clip(boxes, 0, [WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX])


def _visible(boxes: Doubles, share: float = 0.3) -> Bools:
    cut = _clipped(boxes)
    return np.asarray(np.prod(cut[:, 2:] - cut[:, :2], axis=1) > share * np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))


def _leaving(state: Doubles) -> Bools:
    return np.asarray(state[:, 0] * state[:, 2] > 0)


def _hidden(boxes: Doubles) -> Doubles:
    """Share of each box covered by the one nearer box that covers it most. (n, 4) -> (n,)."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.asarray((shared * nearer).max(axis=1) / area)


class _Lies:
    """False boxes that last: things that look like people now and then, and second boxes on parts of real objects."""

    def __init__(self, rng: np.random.Generator, count: int, spots: int = 5) -> None:
        corner = rng.uniform(0, [WIDTH_PX - 100, HEIGHT_PX - 200], (spots, 2))
        high = rng.uniform(50, 200, (spots, 1))
        self.spots_px = np.concatenate([corner, corner + np.concatenate([high * 0.4, high], axis=1)], axis=1)
        self.spot_on, self.double_on = rng.random(spots) < 0.2, rng.random(count) < 0.1
        self.part = rng.uniform(0.0, 0.35, (count, 4)) * np.array([1, 1, -1, -1])

    def pass_tick(self, rng: np.random.Generator) -> None:
        """On for some 1.5 s and off for some 6 s (background), on for 0.6 s and off for 3 s (parts)."""
        flip = rng.random(len(self.spot_on)) < np.where(self.spot_on, 1 / 1.5, 1 / 6) / SIM_FPS
        self.spot_on ^= flip
        self.double_on ^= rng.random(len(self.double_on)) < np.where(self.double_on, 1 / 0.6, 1 / 3) / SIM_FPS


def _detect(
    rng: np.random.Generator,
    eye: Eye,
    boxes: Doubles,
    inside: Bools,
    is_car: Bools,
    at_s: float,
    weak: Doubles,
    drift: Doubles,
    lies: _Lies,
) -> Detections:
    hidden = _hidden(boxes)
    scores = np.clip(0.85 - 0.9 * hidden + weak + rng.normal(0, 0.1, len(boxes)), 0.02, 0.98)
    found = inside & (hidden < eye.hidden_from) & (rng.random(len(boxes)) > eye.miss)
    size = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))[:, None]
    shaky = _clipped(boxes + (rng.normal(0, 0.5, boxes.shape) + 0.87 * drift) * eye.jitter * size)
    classes = np.where(is_car, CLASS_IDS["car"], CLASS_IDS["person"])
    double = found & lies.double_on
    parts = shaky + lies.part * np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    spots = lies.spots_px[lies.spot_on & (rng.random(len(lies.spot_on)) < 0.7)]
    stray_count = rng.poisson(eye.false_per_look)
    corner = rng.uniform(0, [WIDTH_PX - 100, HEIGHT_PX - 200], (stray_count, 2))
    high = rng.uniform(40, 200, (stray_count, 1))
    stray = np.concatenate([corner, corner + np.concatenate([high * 0.4, high], axis=1)], axis=1)
    false = np.concatenate([spots + rng.normal(0, 3, spots.shape), stray])
    false_scores = np.concatenate([rng.normal(0.4, 0.12, len(spots)).clip(0.05, 0.9), 0.1 + 0.7 * rng.beta(1, 2, stray_count)])
    return Detections(
        "cam",
        at_s,
        np.concatenate([shaky[found], _clipped(parts[double]), _clipped(false)]).astype(np.float32),
        np.concatenate([scores[found], rng.uniform(0.2, 0.85, int(double.sum())) * scores[double], false_scores]).astype(np.float32),
        np.concatenate([classes[found], classes[double], np.zeros(len(false), np.int64)]),
    )
