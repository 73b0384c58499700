"""The tracker alone: the public detections of MOTChallenge sequences in, tracking error out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sewu.base.errors import BadInput
from sewu.base.interfaces import Tracker
from sewu.base.records import CLASS_IDS, Detections, Doubles
from sewu.evaluate.mot_files import Boxes, Sequence, read_boxes, read_sequence, read_truth
from sewu.evaluate.tracking import TrackingScore, score_tracking

SURE_RAW_SCORE = 50.0
"""Raw score of the public detector that counts as certain; see `to_probabilities`."""

MakeTracker = Callable[[Sequence], Tracker]
"""Makes a fresh tracker for one sequence."""


@dataclass(frozen=True, slots=True)
class AloneRow:
    """One tracker on one sequence."""

    sequence: str
    tracker: str
    looks: int
    objects: int
    score: TrackingScore


def to_probabilities(raw_scores: Doubles) -> Doubles:
    """The public detector's unbounded scores as 0 to 1: raw / 50, cut at 0 and 1.

    The rule is fixed and monotone, the same for every sequence and tracker, and was chosen from the scale of the
    scores, without the truth. (n,) -> (n,).
    """
    return np.clip(raw_scores / SURE_RAW_SCORE, 0.0, 1.0)


def public_looks(folder: Path) -> list[Detections]:
    """The public detections of a sequence folder (`seqinfo.ini`, `det.txt`), one `Detections` per frame, timed by its rate.

    Raises:
        BadInput: a file is missing or malformed.
    """
    sequence, boxes = read_sequence(folder / "seqinfo.ini"), read_boxes(folder / "det.txt")
    person = CLASS_IDS["person"]
    frames = np.arange(1, sequence.length + 1)
    return [
        Detections(
            sequence.name,
            (number - 1) / sequence.rate_fps,
            rows.boxes_px.astype(np.float32),
            to_probabilities(rows.scores).astype(np.float32),
            np.full(len(rows), person),
        )
        for number, rows in zip(frames.tolist(), boxes.by_frame(frames), strict=True)
    ]


def follow_looks(tracker: Tracker, looks: list[Detections]) -> Boxes:
    """What a tracker says: the boxes it really saw, frames from 1, without those it only predicts."""
    parts = []
    for number, look in enumerate(looks, 1):
        tracks = tracker.update(look)
        tracks = tracks.select(tracks.seen)
        boxes, scores = tracks.boxes_px.astype(np.float64), tracks.scores.astype(np.float64)
        parts.append(Boxes(np.full(len(tracks), number), tracks.ids, boxes, scores))
    return joined(parts)


def joined(parts: list[Boxes]) -> Boxes:
    """The rows of all parts, in order."""
    if not parts:
        return Boxes.none()
    return Boxes(
        np.concatenate([part.frames for part in parts]),
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.boxes_px for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def sequence_folders(data: Path) -> Iterator[Path]:
    """The sequences under `data/tracking` that have public detections and truth, by name. Raises `BadInput` when there is none."""
    folders = sorted(path.parent for path in (data / "tracking").glob("*/det.txt") if (path.parent / "gt.txt").is_file())
    if not folders:
        raise BadInput(f"{data / 'tracking'} holds no sequence with det.txt and gt.txt.", "Give the folder of the labelled data.")
    yield from folders


def tracker_alone(data: Path, trackers: Mapping[str, MakeTracker]) -> list[AloneRow]:
    """Score each of `trackers`, by name, on each sequence under `data/tracking`.

    Raises:
        BadInput: no sequence, or a malformed file.
    """
    rows = []
    for folder in sequence_folders(data):
        sequence, truth, looks = read_sequence(folder / "seqinfo.ini"), read_truth(folder / "gt.txt"), public_looks(folder)
        for name, make in trackers.items():
            score = score_tracking(truth, follow_looks(make(sequence), looks))
            rows.append(AloneRow(sequence.name, name, len(looks), score.clear.objects, score))
    return rows
