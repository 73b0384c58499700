"""Tracking metrics: CLEAR-MOT, IDF1 and HOTA.

Sources: Bernardin & Stiefelhagen 2008, "Evaluating Multiple Object Tracking Performance: the CLEAR MOT Metrics"
(MOTA, MOTP, switches; as py-motmetrics counts them); Ristani et al. 2016, "Performance Measures and a Data Set for
Multi-Target, Multi-Camera Tracking" (IDF1); Luiten et al. 2021, "HOTA: A Higher Order Metric for Evaluating
Multi-Object Tracking" (HOTA; as TrackEval counts it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from sewu.base.records import Doubles, Ints
from sewu.evaluate.matching import match_most, overlaps
from sewu.evaluate.mot_files import Boxes

MATCH_IOU = 0.5
ALPHAS = np.arange(0.05, 0.99, 0.05)
"""The 19 localisation thresholds over which HOTA is averaged."""


@dataclass(frozen=True, slots=True)
class Clear:
    """CLEAR-MOT counts; `motp_distance` is the mean of 1 - IoU over matches, None when nothing matched."""

    objects: int
    matches: int
    misses: int
    false_positives: int
    switches: int
    motp_distance: float | None

    @property
    def mota(self) -> float | None:
        """1 - (FN + FP + switches) / objects, from minus infinity to 1; None when there is no object."""
        return 1.0 - (self.misses + self.false_positives + self.switches) / self.objects if self.objects else None


@dataclass(frozen=True, slots=True)
class Identity:
    """Box counts under the best one-to-one naming of tracks for the whole sequence."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def f1(self) -> float | None:
        """IDF1, 0 to 1; None when there is neither truth nor track."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / total if total else None

    @property
    def precision(self) -> float | None:
        total = self.true_positives + self.false_positives
        return self.true_positives / total if total else None

    @property
    def recall(self) -> float | None:
        total = self.true_positives + self.false_negatives
        return self.true_positives / total if total else None


@dataclass(frozen=True, slots=True)
class Hota:
    """HOTA and its parts, 0 to 1, each the mean over `ALPHAS`; `per_alpha` holds HOTA at each, float64 (19,)."""

    hota: float
    det_a: float
    ass_a: float
    loc_a: float
    per_alpha: Doubles


@dataclass(frozen=True, slots=True)
class TrackingScore:
    """All tracking metrics of one sequence."""

    clear: Clear
    identity: Identity
    hota: Hota


@dataclass(frozen=True, slots=True)
class _Look:
    """One frame: dense indices of those present, and their overlaps (n, m)."""

    truth: Ints
    found: Ints
    iou: Doubles


@dataclass(frozen=True, slots=True)
class _Aligned:
    """Two files brought together frame by frame, ids replaced by 0..k-1."""

    looks: Sequence[_Look]
    truth_count: int
    found_count: int


def score_tracking(truth: Boxes, found: Boxes) -> TrackingScore:
    """All metrics of `found` against `truth`, at IoU 0.5 for CLEAR-MOT and IDF1.

    Raises:
        ValueError: an id occurs twice in one frame.
    """
    aligned = _align(truth, found)
    return TrackingScore(_clear(aligned, MATCH_IOU), _identity(aligned, MATCH_IOU), _hota(aligned))


def clear_mot(truth: Boxes, found: Boxes, min_iou: float = MATCH_IOU) -> Clear:
    """CLEAR-MOT counts, matching at IoU of at least `min_iou`. Raises ValueError for an id twice in one frame."""
    return _clear(_align(truth, found), min_iou)


def identity(truth: Boxes, found: Boxes, min_iou: float = MATCH_IOU) -> Identity:
    """IDF1 counts, matching at IoU of at least `min_iou`. Raises ValueError for an id twice in one frame."""
    return _identity(_align(truth, found), min_iou)


def hota(truth: Boxes, found: Boxes) -> Hota:
    """HOTA, DetA, AssA and LocA. Raises ValueError for an id twice in one frame."""
    return _hota(_align(truth, found))


def _align(truth: Boxes, found: Boxes) -> _Aligned:
    truth_ids, truth_index = np.unique(truth.ids, return_inverse=True)
    found_ids, found_index = np.unique(found.ids, return_inverse=True)
    for name, boxes, index in (("truth", truth, truth_index), ("found", found, found_index)):
        keys = boxes.frames * (len(boxes) + 1) + index
        if len(np.unique(keys)) != len(keys):
            raise ValueError(f"an id of {name} occurs twice in one frame")
        if np.any(np.diff(boxes.frames) < 0):
            raise ValueError(f"the rows of {name} are not in order of frame")
    frames = np.union1d(truth.frames, found.frames)
    slices = _slices(truth, frames), _slices(found, frames)
    looks = [_Look(truth_index[a], found_index[b], overlaps(truth.boxes_px[a], found.boxes_px[b])) for a, b in zip(*slices, strict=True)]
    return _Aligned(looks, len(truth_ids), len(found_ids))


def _slices(boxes: Boxes, frames: Ints) -> list[slice]:
    starts = np.searchsorted(boxes.frames, frames, "left").tolist()
    ends = np.searchsorted(boxes.frames, frames, "right").tolist()
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def _clear(aligned: _Aligned, min_iou: float) -> Clear:
    # partner[i] is whom object i was matched with last, -1 before the first time; it is kept through misses.
    partner = np.full(aligned.truth_count, -1, np.int64)
    objects = matches = switches = hypotheses = 0
    distance = 0.0
    for look in aligned.looks:
        distances = 1.0 - look.iou
        allowed = distances <= 1.0 - min_iou
        objects += len(look.truth)
        hypotheses += len(look.found)
        kept = (partner[look.truth][:, None] == look.found[None, :]) & allowed
        # Two objects can share a last partner; the first one keeps it.
        kept &= np.cumsum(kept, axis=0) == 1
        rows, columns = np.nonzero(kept)
        allowed[rows, :] = False
        allowed[:, columns] = False
        new_rows, new_columns = match_most(distances, allowed)
        before = partner[look.truth[new_rows]]
        switches += int(np.count_nonzero((before >= 0) & (before != look.found[new_columns])))
        partner[look.truth[new_rows]] = look.found[new_columns]
        matches += len(rows) + len(new_rows)
        distance += float(distances[rows, columns].sum() + distances[new_rows, new_columns].sum())
    mean = distance / matches if matches else None
    return Clear(objects, matches, objects - matches, hypotheses - matches, switches, mean)


def _identity(aligned: _Aligned, min_iou: float) -> Identity:
    together = np.zeros((aligned.truth_count, aligned.found_count))
    truth_total = found_total = 0
    for look in aligned.looks:
        together[np.ix_(look.truth, look.found)] += 1.0 - look.iou <= 1.0 - min_iou
        truth_total += len(look.truth)
        found_total += len(look.found)
    # The published cost, misses plus false boxes, is a constant minus twice the shared boxes: maximise those.
    rows, columns = linear_sum_assignment(together, maximize=True)
    shared = int(together[rows, columns].sum())
    return Identity(shared, found_total - shared, truth_total - shared)


def _hota(aligned: _Aligned) -> Hota:
    eps = float(np.finfo(np.float64).eps)
    potential = np.zeros((aligned.truth_count, aligned.found_count))
    truth_times, found_times = np.zeros(aligned.truth_count), np.zeros(aligned.found_count)
    for look in aligned.looks:
        shared = look.iou.sum(axis=0)[None, :] + look.iou.sum(axis=1)[:, None] - look.iou
        potential[np.ix_(look.truth, look.found)] += np.divide(look.iou, shared, out=np.zeros_like(shared), where=shared > eps)
        truth_times[look.truth] += 1
        found_times[look.found] += 1
    if not len(truth_times) or not len(found_times):
        # The reference's convention where one side is empty: nothing found, and LocA 1.
        return Hota(0.0, 0.0, 0.0, 1.0, np.zeros(len(ALPHAS)))
    alignment = potential / (truth_times[:, None] + found_times[None, :] - potential)
    matched = np.zeros((len(ALPHAS), *potential.shape))
    located = np.zeros(len(ALPHAS))
    for look in aligned.looks:
        rows, columns = linear_sum_assignment(alignment[np.ix_(look.truth, look.found)] * look.iou, maximize=True)
        iou = look.iou[rows, columns]
        close = iou[None, :] >= ALPHAS[:, None] - eps
        located += (close * iou[None, :]).sum(axis=1)
        matched[:, look.truth[rows], look.found[columns]] += close
    return _hota_from_counts(matched, located, truth_times, found_times)


def _hota_from_counts(matched: Doubles, located: Doubles, truth_times: Doubles, found_times: Doubles) -> Hota:
    """matched: (19, n, m) looks in which a pair was matched; located: (19,) summed IoU; times: (n,), (m,) looks of each."""
    positives = matched.sum(axis=(1, 2))
    det_a = positives / np.maximum(1.0, truth_times.sum() + found_times.sum() - positives)
    either = truth_times[None, :, None] + found_times[None, None, :]
    ass_a = (matched * matched / np.maximum(1.0, either - matched)).sum(axis=(1, 2)) / np.maximum(1.0, positives)
    # The reference's floor: LocA is 1 where nothing matched.
    loc_a = np.maximum(1e-10, located) / np.maximum(1e-10, positives)
    per_alpha = np.sqrt(det_a * ass_a)
    return Hota(float(per_alpha.mean()), float(det_a.mean()), float(ass_a.mean()), float(loc_a.mean()), per_alpha)
