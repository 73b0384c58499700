"""Detectors on labelled pictures, and the tracker on published detections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from sewu.base.interfaces import Detector
from sewu.base.records import CLASS_IDS, Frame
from sewu.evaluate.detection import Picture, at_score, average_precision
from sewu.evaluate.labelled import grab, pets_truth, score_still, stills
from sewu.evaluate.sections import Section
from sewu.evaluate.tracker_alone import AloneRow

MakeDetector = Callable[[str, tuple[int, int] | None, bool, float], Detector]
"""model name, input size (None: the card's), tiled, lowest score -> detector; given by the wiring."""

PETS = "`clips/pets09_s2l1_480x360.avi`, every tenth frame, 467 boxes (CC BY-NC-SA 3.0: evaluation only)"
STILLS = "six Rembang street cameras and a Hanoi junction, 41 four-wheelers and 24 motorcycles by hand (licence unstated: evaluation only)"
VARIANTS: tuple[tuple[str, tuple[int, int] | None, bool], ...] = (
    ("yolox-nano", None, False),
    ("yolox-nano-dyn", (416, 256), False),
    ("yolox-nano-dyn", (640, 384), False),
    ("yolox-nano-dyn", (960, 544), False),
    ("yolox-nano-dyn", (416, 416), True),
    ("yolox-nano-dyn", (640, 640), True),
)


def person_ap(data: Path, make: MakeDetector) -> Section:
    """Person AP50 on PETS09."""
    truth = pets_truth(data)
    wanted = range(0, 795, 10)
    pictures = grab(data / "clips" / "pets09_s2l1_480x360.avi", set(wanted))
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    for model, input_px in (("yolox-nano", None), ("yolox-nano-dyn", (320, 256)), ("yolox-nano-dyn", (640, 480))):
        detector = make(model, input_px, False, 0.01)
        seen = [_people(detector, number, pictures[number], truth) for number in wanted]
        ap, at = average_precision(seen) or 0.0, at_score(seen, 0.3)
        figures[f"{model} {input_px}"] = ap
        rows.append((model, _size(input_px), f"{ap:.3f}", f"{at.precision or 0:.2f}", f"{at.recall or 0:.2f}"))
    return Section(
        key="person ap",
        title="Person detection",
        truth="real",
        data=PETS,
        head=("model", "input", "AP50", "precision at 0.3", "recall at 0.3"),
        rows=tuple(rows),
        bar="the runtime reproduces AP50 0.90 at 416 x 416",
        verdict="met" if figures["yolox-nano None"] >= 0.895 else "not met",
        figures=figures,
    )


def vehicles(data: Path, make: MakeDetector) -> Section:
    """Four-wheelers and motorcycles on Indonesian and Vietnamese street stills."""
    pictures = stills(data)
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    for model, input_px, tiled in VARIANTS:
        detector = make(model, input_px, tiled, 0.3)
        total = np.sum([score_still(detector.detect([still.frame])[0], still) for still in pictures], axis=0)
        name = f"{model} {_size(input_px)}{' tiled' if tiled else ''}"
        figures |= {f"wheels {name}": float(total[0]), f"motorcycles {name}": float(total[1])}
        rows.append(
            (
                model,
                _size(input_px),
                "2 x 1 + whole" if tiled else "no",
                f"{total[0]}/41",
                f"{total[1]}/24",
                f"{total[2]}/24",
                str(total[3]),
            )
        )
    return Section(
        key="vehicles",
        title="Vehicles and motorcycles",
        truth="real",
        data=STILLS,
        head=("model", "input", "tiles", "four-wheelers", "motorcycles", "with riders", "false"),
        rows=tuple(rows),
        bar="reproduce 26/41 and 14/24 with 13 false at 416, 32/41 and 16/24 with 16 false at 960; better with tiles at the same cost",
        verdict="not met",
        notes=(
            "IoU 0.4, score 0.3. The reference's motorcycle counts are reached only when a rider stands for the machine (last "
            "column but one); its false counts could not be reproduced, because how it counted them is not written down. So the bar "
            "counts as not met.",
            "Three tiled passes at 416 cost about what one pass at 960 x 544 costs, and find about as many four-wheelers and more "
            "riders, with more false ones; see the detection page for the milliseconds.",
        ),
        figures=figures,
    )


def tracker_table(rows: Sequence[AloneRow]) -> Section:
    """Our tracker beside a plain SORT on the same public detections."""
    by_key = {(row.sequence, row.tracker): row for row in rows}
    sequences = sorted({row.sequence for row in rows if row.sequence != "all"})
    better = True
    for name in sequences:
        ours, plain = by_key[name, "sewu"].score, by_key[name, "sort"].score
        better &= (ours.clear.mota or 0) > (plain.clear.mota or 0) and (ours.identity.f1 or 0) > (plain.identity.f1 or 0)
        better &= ours.clear.switches < plain.clear.switches
    return Section(
        key="tracker",
        title="Tracker alone",
        truth="real",
        data="public detections of PETS09-S2L1, TUD-Campus, TUD-Stadtmitte (CC BY-NC-SA 3.0: evaluation only)",
        head=("sequence", "tracker", "HOTA", "MOTA", "IDF1", "switches", "false", "missed"),
        rows=tuple(
            (
                row.sequence,
                row.tracker,
                f"{row.score.hota.hota or 0:.3f}",
                f"{row.score.clear.mota or 0:.3f}",
                f"{row.score.identity.f1 or 0:.3f}",
                str(row.score.clear.switches),
                str(row.score.clear.false_positives),
                str(row.score.clear.misses),
            )
            for row in rows
        ),
        bar="better MOTA, IDF1 and fewer switches than a plain SORT on each sequence; frames per second are in the benchmarks",
        verdict="met" if better else "not met",
    )


def _people(detector: Detector, number: int, image: np.ndarray, truth: dict[int, np.ndarray]) -> Picture:
    found = detector.detect([Frame("pets", number / 10, image)])[0]
    people = found.select(found.classes == CLASS_IDS["person"])
    return Picture(
        truth.get(number, np.empty((0, 4), np.float32)).astype(np.float64),
        people.boxes_px.astype(np.float64),
        people.scores.astype(np.float64),
    )


def _size(input_px: tuple[int, int] | None) -> str:
    return "416 x 416" if input_px is None else f"{input_px[0]} x {input_px[1]}"
