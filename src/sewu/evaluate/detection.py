"""Detection metrics: average precision, and precision and recall at one score.

Source: Everingham et al. 2010, "The Pascal Visual Object Classes (VOC) Challenge" (greedy matching by score, each truth
once; area under the interpolated precision-recall curve over all points).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sewu.base.records import Bools, Doubles, Floats
from sewu.evaluate.matching import overlaps


@dataclass(frozen=True, slots=True)
class Picture:
    """Truth and detections of one class in one picture.

    truth_px: (n, 4), found_px: (m, 4), xyxy. scores: (m,). ignore_px: (k, 4), regions where nobody labelled anything: an
    unmatched detection with more than half of its area in one of them counts neither way.
    """

    truth_px: Doubles | Floats
    found_px: Doubles | Floats
    scores: Doubles | Floats
    ignore_px: Doubles | Floats | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall while the score threshold falls; float64 (m,), best score first. `truths` counts the objects."""

    scores: Doubles
    precision: Doubles
    recall: Doubles
    truths: int


@dataclass(frozen=True, slots=True)
class AtScore:
    """Counts at one score threshold."""

    found: int
    false: int
    missed: int

    @property
    def precision(self) -> float | None:
        """None when nothing was detected."""
        return self.found / (self.found + self.false) if self.found + self.false else None

    @property
    def recall(self) -> float | None:
        """None when there was nothing to detect."""
        return self.found / (self.found + self.missed) if self.found + self.missed else None


def match_picture(picture: Picture, min_iou: float) -> tuple[Bools, Bools]:
    """Greedy matching, best score first; each detection takes the free truth it overlaps most.

    Returns which detections found something, and which count at all (False in an ignored region). Each (m,).
    """
    found_px = np.asarray(picture.found_px, np.float64).reshape(-1, 4)
    overlap = overlaps(found_px, np.asarray(picture.truth_px, np.float64).reshape(-1, 4))
    hit, counts = np.zeros(len(found_px), np.bool_), np.ones(len(found_px), np.bool_)
    for index in np.argsort(-np.asarray(picture.scores, np.float64), kind="stable").tolist() if overlap.size else []:
        best = int(overlap[index].argmax())
        if overlap[index, best] >= min_iou:
            hit[index] = True
            overlap[:, best] = -1.0
    if picture.ignore_px is not None and len(picture.ignore_px):
        ignore = np.asarray(picture.ignore_px, np.float64)
        low = np.maximum(found_px[:, None, :2], ignore[None, :, :2])
        high = np.minimum(found_px[:, None, 2:], ignore[None, :, 2:])
        inside = np.prod(np.maximum(high - low, 0.0), axis=2).max(axis=1)
        counts = hit | (inside <= 0.5 * np.prod(np.maximum(found_px[:, 2:] - found_px[:, :2], 0.0), axis=1))
    return hit, counts


def precision_recall(pictures: Sequence[Picture], min_iou: float = 0.5) -> Curve:
    """The precision-recall curve over all pictures together. Detections of equal score enter together."""
    scores, hits = [np.empty(0)], [np.empty(0, np.bool_)]
    for picture in pictures:
        hit, counts = match_picture(picture, min_iou)
        scores.append(np.asarray(picture.scores, np.float64)[counts])
        hits.append(hit[counts])
    truths = sum(len(picture.truth_px) for picture in pictures)
    score, good = np.concatenate(scores), np.concatenate(hits)
    order = np.argsort(-score, kind="stable")
    score, good = score[order], good[order]
    last_of_score = np.append(np.diff(score) != 0, True)[: len(score)]
    true_positives = np.cumsum(good)[last_of_score].astype(np.float64)
    taken = (np.arange(len(score)) + 1.0)[last_of_score]
    return Curve(score[last_of_score], true_positives / taken, true_positives / max(truths, 1), truths)


def average_precision(pictures: Sequence[Picture], min_iou: float = 0.5) -> float | None:
    """Area under the interpolated precision-recall curve, 0 to 1; None when there is no truth."""
    curve = precision_recall(pictures, min_iou)
    if not curve.truths:
        return None
    # Interpolated precision at a recall is the best precision at that recall or more.
    best = np.maximum.accumulate(curve.precision[::-1])[::-1]
    return float((np.diff(curve.recall, prepend=0.0) * best).sum())


def mean_average_precision(pictures: Sequence[Picture]) -> float | None:
    """Mean of average precision at IoU 0.50, 0.55 ... 0.95; None when there is no truth."""
    values = [average_precision(pictures, float(iou)) for iou in np.arange(0.5, 0.96, 0.05)]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def at_score(pictures: Sequence[Picture], min_score: float, min_iou: float = 0.5) -> AtScore:
    """Found, false and missed when detections below `min_score` are thrown away."""
    found = false = truths = 0
    for picture in pictures:
        kept = np.asarray(picture.scores, np.float64) >= min_score
        hit, counts = match_picture(Picture(picture.truth_px, picture.found_px[kept], picture.scores[kept], picture.ignore_px), min_iou)
        found += int(hit.sum())
        false += int((counts & ~hit).sum())
        truths += len(picture.truth_px)
    return AtScore(found, false, truths - found)
