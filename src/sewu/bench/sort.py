"""A plain SORT, to be better than: one Kalman filter per box, IoU, one assignment, frames instead of seconds.

Written from Bewley et al. 2016, "Simple Online and Realtime Tracking": state (u, v, s, r, du, dv, ds) with s the area and r the
aspect ratio, which is constant; new filters start with zero velocity and a large variance; IoU at least 0.3; a track is
probationary until detected three times in a row, and is lost after one frame without a detection. The paper gives no
noise values: those below are round numbers for boxes of people some 100 px high, the same for every sequence.
For comparison only; nothing else uses it.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from sewu.base.boxes import iou
from sewu.base.interfaces import State
from sewu.base.records import Detections, Doubles, Ints, Tracks

MIN_IOU = 0.3
MIN_HITS = 3
MAX_MISSES = 1
STEP = np.eye(7) + np.eye(7, k=4) * np.array([1, 1, 1, 0, 0, 0, 0])[:, None]
SEEN = np.eye(4, 7)
MEASURED = np.diag([4.0, 4.0, 1e5, 0.01])
"""Variance of a detection: px^2, px^2, px^4, 1."""
WANDER = np.diag([1.0, 1.0, 1e4, 1e-4, 0.1, 0.1, 1e2])
UNKNOWN = np.diag([16.0, 16.0, 1e6, 0.1, 1e3, 1e3, 1e6])


class PlainSort:
    """A `Tracker` as the SORT paper describes it; shows only confirmed tracks detected in this frame."""

    def __init__(self) -> None:
        self._next_id = 1
        self._means, self._spreads = np.empty((0, 7)), np.empty((0, 7, 7))
        self._ids, self._hits, self._misses = (np.empty(0, np.int64) for _ in range(3))
        self._since_s, self._classes, self._scores = np.empty(0), np.empty(0, np.int64), np.empty(0)

    def update(self, detections: Detections) -> Tracks:
        """Take one frame."""
        self._means = self._means @ STEP.T
        self._spreads = STEP @ self._spreads @ STEP.T + WANDER
        measured = _measure(detections.boxes_px.astype(np.float64))
        overlap = iou(_boxes(self._means), detections.boxes_px)
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        good = overlap[rows, columns] >= MIN_IOU
        rows, columns = rows[good], columns[good]
        self._correct(rows, measured[columns])
        self._misses += 1
        self._misses[rows] = 0
        self._hits[rows] += 1
        self._scores[rows], self._classes[rows] = detections.scores[columns], detections.classes[columns]
        new = np.setdiff1d(np.arange(len(detections)), columns)
        self._bear(detections, measured, new)
        confirmed = self._hits >= MIN_HITS
        gone = (self._misses > MAX_MISSES) | (~confirmed & (self._misses > 0)) | (self._means[:, 2] <= 0)
        ended = self._ids[gone & confirmed]
        self._keep(~gone)
        shown = (self._hits >= MIN_HITS) & (self._misses == 0)
        return Tracks(
            detections.camera_id,
            detections.at_s,
            _boxes(self._means[shown]).astype(np.float32),
            self._scores[shown].astype(np.float32),
            self._classes[shown],
            self._ids[shown],
            self._since_s[shown],
            np.ones(int(shown.sum()), np.bool_),
            ended,
        )

    def _correct(self, rows: Ints, measured: Doubles) -> None:
        spread = self._spreads[rows]
        gain = spread @ SEEN.T @ np.linalg.inv(SEEN @ spread @ SEEN.T + MEASURED)
        surprise = measured - self._means[rows] @ SEEN.T
        self._means[rows] += (gain @ surprise[:, :, None])[:, :, 0]
        self._spreads[rows] = spread - gain @ SEEN @ spread

    def _bear(self, detections: Detections, measured: Doubles, new: Ints) -> None:
        count = len(new)
        self._means = np.concatenate([self._means, np.pad(measured[new], ((0, 0), (0, 3)))])
        self._spreads = np.concatenate([self._spreads, np.repeat(UNKNOWN[None], count, axis=0)])
        self._ids = np.concatenate([self._ids, np.arange(self._next_id, self._next_id + count)])
        self._hits = np.concatenate([self._hits, np.ones(count, np.int64)])
        self._misses = np.concatenate([self._misses, np.zeros(count, np.int64)])
        self._since_s = np.concatenate([self._since_s, np.full(count, detections.at_s)])
        self._classes = np.concatenate([self._classes, detections.classes[new]])
        self._scores = np.concatenate([self._scores, detections.scores[new]])
        self._next_id += count

    def _keep(self, kept: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
        for name in ("_means", "_spreads", "_ids", "_hits", "_misses", "_since_s", "_classes", "_scores"):
            setattr(self, name, getattr(self, name)[kept])

    def state(self) -> State:
        """Everything remembered, JSON-safe."""
        names = ("means", "spreads", "ids", "hits", "misses", "since_s", "classes", "scores")
        return {"next_id": self._next_id} | {name: getattr(self, f"_{name}").tolist() for name in names}

    def restore(self, state: State) -> None:
        """Go on from what `state` gave."""
        self._next_id = state["next_id"]
        self._means, self._spreads = np.array(state["means"]).reshape(-1, 7), np.array(state["spreads"]).reshape(-1, 7, 7)
        self._ids, self._hits, self._misses, self._classes = (np.array(state[n], np.int64) for n in ("ids", "hits", "misses", "classes"))
        self._since_s, self._scores = np.array(state["since_s"], np.float64), np.array(state["scores"], np.float64)


def _measure(boxes_px: Doubles) -> Doubles:
    """xyxy -> centre x, centre y, area, width / height. (n, 4) -> (n, 4)."""
    sides = np.maximum(boxes_px[:, 2:] - boxes_px[:, :2], 1e-3)
    return np.column_stack([(boxes_px[:, :2] + boxes_px[:, 2:]) / 2, sides[:, 0] * sides[:, 1], sides[:, 0] / sides[:, 1]])


def _boxes(means: Doubles) -> Doubles:
    """Filter means -> xyxy. (n, 7) -> (n, 4)."""
    width = np.sqrt(np.maximum(means[:, 2] * np.maximum(means[:, 3], 1e-3), 0.0))
    sides = np.column_stack([width, np.maximum(means[:, 2], 0.0) / np.maximum(width, 1e-3)])
    return np.concatenate([means[:, :2] - sides / 2, means[:, :2] + sides / 2], axis=1)
