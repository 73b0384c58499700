"""One look's matching in four stages: sure detections, last-seen places, unsure detections, unconfirmed tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sewu.base.records import CLASS_IDS, CLASSES, Bools, Detections, Doubles, Ints
from sewu.follow import kalman
from sewu.follow.association import assign, covered, direction_agreement, near_pairs, widened_iou
from sewu.follow.population import Population
from sewu.follow.settings import TrackerSettings

MIN_REACH_SIZES = 0.05
FAMILIES = (("car", "bus", "truck"), ("bicycle", "motorcycle"))
"""Classes that detectors mistake for each other."""
KIN = 0.8
"""A detection of a kindred class counts this much of one of the same class."""


def _kinship() -> Doubles:
    table = np.eye(len(CLASSES))
    for family in FAMILIES:
        members = [CLASS_IDS[name] for name in family]
        table[np.ix_(members, members)] = KIN
    np.fill_diagonal(table, 1.0)
    return table


KINSHIP = _kinship()
"""How readily a detection of one class continues a track of another: float64 (classes, classes), 1 same, 0 never."""


@dataclass(frozen=True, slots=True)
class Look:
    """Usable detections of one look. boxes_px: float64 (m, 4) xyxy; centred_px: the same as cx, cy, w, h; scores, classes: (m,)."""

    boxes_px: Doubles
    centred_px: Doubles
    scores: Doubles
    classes: Ints

    @classmethod
    def of(cls, detections: Detections) -> Look:
        boxes = detections.boxes_px.astype(np.float64)
        return cls(boxes, kalman.to_centres(boxes), detections.scores.astype(np.float64), detections.classes)


@dataclass(slots=True)
class _Pairs:
    """Tracks and detections that could be one object: parallel columns (k,)."""

    rows: Ints
    columns: Ints
    overlap: Doubles
    similarity: Doubles


class Matching:
    """Finds the pairs of one look; `tracks` and `found` are the result, indices of one length.

    Args:
        rows: the tracks, n.
        ahead: float64 (n, 5, 4), their filters now.
        far: bool (n,), tracks whose gap is too long to predict: they are looked for where they were.
        look: the detections, m.
        step_s: time since the look before.
    """

    def __init__(self, rows: Population, ahead: Doubles, far: Bools, look: Look, step_s: float, settings: TrackerSettings) -> None:
        self._max_reach_sizes = min(settings.max_reach_sizes, settings.reach_sizes + settings.reach_sizes_s * step_s)
        self._rows, self._look, self._settings = rows, look, settings
        self._free_rows, self._free_found = np.ones(len(rows), np.bool_), np.ones(len(look.scores), np.bool_)
        self._chosen: list[tuple[Ints, Ints]] = []
        self._sure = look.scores >= settings.high_score
        self._pairs = self._candidates(ahead, far)

    def run(self, recent: Bools) -> tuple[Ints, Ints]:
        """Go through the stages. Returns indices of tracks and of detections."""
        confirmed, settings = self._rows.confirmed, self._settings
        self._choose(self._pairs, confirmed, self._sure, settings.min_similarity)
        self._recover()
        if not self._sure.all():
            self._choose(self._pairs, confirmed & recent, ~self._sure, settings.min_low_similarity)
        self.parts = self._parts()
        self._choose(self._pairs, ~confirmed, self._sure & ~self.parts, settings.min_similarity)
        if len(self._chosen) == 1:
            return self._chosen[0]
        if not self._chosen:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return np.concatenate([pair[0] for pair in self._chosen]), np.concatenate([pair[1] for pair in self._chosen])

    def _candidates(self, ahead: Doubles, far: Bools) -> _Pairs:
        rows, look, settings = self._rows, self._look, self._settings
        sizes = kalman.sizes_px(ahead[:, kalman.POSITION])
        unsure = np.sqrt(ahead[:, kalman.VAR, :2].max(axis=1)) / sizes
        reach = np.where(far, MIN_REACH_SIZES, np.clip(unsure, MIN_REACH_SIZES, self._max_reach_sizes)) * sizes
        boxes = kalman.to_corners(ahead[:, kalman.POSITION])
        r, c = near_pairs(boxes, look.boxes_px, reach)
        kin = KINSHIP[rows.classes[r], look.classes[c]]
        overlap = widened_iou(boxes[r], look.boxes_px[c], reach[r])
        kept = (kin > 0) & (overlap >= settings.min_similarity)
        if not kept.all():
            r, c, kin, overlap = r[kept], c[kept], kin[kept], overlap[kept]
        heights = np.maximum(ahead[r, kalman.POSITION, 3], 1.0) / look.centred_px[c, 3]
        shape = np.minimum(heights, 1 / heights)
        direction = direction_agreement(rows.path_px[r, 0], rows.path_px[r, -1], look.centred_px[c, :2], settings.measure_sizes * sizes[r])
        similarity = overlap * kin * shape + settings.direction_weight * look.scores[c] * direction
        return _Pairs(r, c, overlap, np.maximum(similarity, 1e-3))

    def _parts(self) -> Bools:
        """Detections mostly inside one that a track claimed: a torso or a half car rather than somebody new. (m,)."""
        look = self._look
        part = np.zeros(len(look.scores), np.bool_)
        free, claimed = np.flatnonzero(self._free_found & self._sure), np.flatnonzero(~self._free_found)
        if not len(free) or not len(claimed):
            return part
        r, c = near_pairs(look.boxes_px[free], look.boxes_px[claimed], np.zeros(len(free)))
        inner, outer = free[r], claimed[c]
        inside = covered(look.boxes_px[inner], look.boxes_px[outer]) >= self._settings.part_share
        part[inner[inside & (KINSHIP[look.classes[inner], look.classes[outer]] > 0)]] = True
        return part

    def _choose(self, pairs: _Pairs, tracks: Bools, found: Bools, min_overlap: float) -> None:
        """Assign among free tracks and free detections that the masks allow."""
        allowed = (tracks & self._free_rows)[pairs.rows] & (found & self._free_found)[pairs.columns] & (pairs.overlap >= min_overlap)
        if not allowed.any():
            return
        shape = len(self._free_rows), len(self._free_found)
        r, c = assign(pairs.rows[allowed], pairs.columns[allowed], pairs.similarity[allowed], shape)
        self._free_rows[r] = False
        self._free_found[c] = False
        self._chosen.append((r, c))

    def _recover(self) -> None:
        """OC-SORT's recovery: what no prediction explains is compared with where tracks were last seen."""
        lost = np.flatnonzero(self._free_rows & self._rows.confirmed)
        free = np.flatnonzero(self._free_found & self._sure)
        if not len(lost) or not len(free):
            return
        boxes, found = self._rows.observed_px[lost], self._look.boxes_px[free]
        r, c = near_pairs(boxes, found, np.zeros(len(lost)))
        overlap = widened_iou(boxes[r], found[c])
        r, c = lost[r], free[c]
        kin = KINSHIP[self._rows.classes[r], self._look.classes[c]]
        everything = np.ones(len(self._free_rows), np.bool_)
        pairs = _Pairs(r, c, np.where(kin > 0, overlap, 0.0), overlap * kin)
        self._choose(pairs, everything, self._sure, self._settings.min_recover_iou)
