"""The labelled pictures of the shared data, and the two scores by which detectors are judged on them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from sewu.base.boxes import areas_px2, intersections_px2, iou
from sewu.base.records import CLASS_IDS, Detections, Floats, Frame, Image

FOUR_WHEELERS = ("car", "bus", "truck")
PETS_SCALE = 0.625


@dataclass(frozen=True)
class Still:
    """One picture with its hand boxes: two groups of objects to find, and areas where nothing counts."""

    frame: Frame
    four_wheelers: Floats
    motorcycles: Floats
    ignored: Floats


def grab(clip: Path, wanted: set[int]) -> dict[int, Image]:
    """Pictures of a clip by frame number from 0."""
    found: dict[int, Image] = {}
    with av.open(str(clip)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in wanted:
                found[index] = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            if index >= max(wanted):
                break
    return found


def stills(data: Path) -> list[Still]:
    """The six Rembang street cameras and frame 160 of the Hanoi junction."""
    folder = data / "detection" / "rembang_cctv"
    found = []
    for entry in json.loads((folder / "annotations.json").read_text())["images"]:
        image = np.asarray(cv2.imread(str(folder / entry["file"])), np.uint8)
        found.append(_still(entry["file"], image, [(o["label"], o["box_xyxy"]) for o in entry["objects"]], entry["ignore_xyxy"]))
    clip = "hanoi_junction_motorcycles.mp4"
    truth = json.loads((data / "clips" / "events.json").read_text())[clip]["annotated_frame"]
    number = truth["frame_index_0based"]
    image = grab(data / "clips" / clip, {number})[number]
    found.append(_still(clip, image, [(o[0], o[1:]) for o in truth["objects"]], truth["ignore"]))
    return found


def _still(name: str, image: Image, objects: list[tuple[str, list[float]]], ignored: list[list[float]]) -> Still:
    def rows(boxes: list[list[float]]) -> Floats:
        return np.array(boxes, np.float32).reshape(-1, 4)

    wheels = rows([box for label, box in objects if label in FOUR_WHEELERS])
    return Still(Frame(name, 0.0, image), wheels, rows([box for label, box in objects if label == "motorcycle"]), rows(ignored))


def matches(found: Floats, truth: Floats, min_iou: float) -> tuple[int, list[int]]:
    """How many true boxes are found, and which rows of `found` (best first) match none."""
    overlaps, taken, unmatched = iou(found, truth), set[int](), []
    for row in range(len(found)):
        order = [int(column) for column in np.argsort(-overlaps[row]) if column not in taken and overlaps[row, column] >= min_iou]
        if order:
            taken.add(order[0])
        else:
            unmatched.append(row)
    return len(taken), unmatched


def score_still(found: Detections, still: Still, min_iou: float = 0.4) -> tuple[int, int, int, int]:
    """(four-wheelers found, motorcycles found, motorcycles or riders found, false four-wheelers and motorcycles).

    The hand boxes of motorcycles include the rider, so the third number joins each motorcycle with the person on
    it, and lets a rider without a named motorcycle stand for it.
    """
    wheels = found.boxes_px[np.isin(found.classes, [CLASS_IDS[name] for name in FOUR_WHEELERS])]
    motorcycles = found.boxes_px[found.classes == CLASS_IDS["motorcycle"]]
    people = found.boxes_px[found.classes == CLASS_IDS["person"]]
    wheel_hits, wheel_rest = matches(wheels, still.four_wheelers, min_iou)
    hits, rest = matches(motorcycles, still.motorcycles, min_iou)
    ridden, _ = matches(_with_riders(motorcycles, people), still.motorcycles, min_iou)
    false = np.concatenate([wheels[wheel_rest], motorcycles[rest]])
    if len(false) and len(still.ignored):
        inside = intersections_px2(false, still.ignored) / np.maximum(areas_px2(false), 1e-6)[:, None]
        false = false[~(inside >= 0.5).any(axis=1)]
    return wheel_hits, hits, ridden, len(false)


def _with_riders(motorcycles: Floats, people: Floats) -> Floats:
    """Each motorcycle's box widened to the person on it, then the people who are on none."""
    joined, free = motorcycles.copy(), np.ones(len(people), np.bool_)
    if len(motorcycles) and len(people):
        smaller = np.minimum(areas_px2(motorcycles)[:, None], areas_px2(people)[None, :])
        share = intersections_px2(motorcycles, people) / np.maximum(smaller, 1e-6)
        for row in range(len(joined)):
            rider = int(share[row].argmax())
            if share[row, rider] > 0.3 and free[rider]:
                free[rider] = False
                joined[row, :2] = np.minimum(joined[row, :2], people[rider, :2])
                joined[row, 2:] = np.maximum(joined[row, 2:], people[rider, 2:])
    return np.concatenate([joined, people[free]])


def pets_truth(data: Path) -> dict[int, Floats]:
    """Every person's box of PETS09-S2L1 by frame number from 0, in the pixels of the 480x360 clip."""
    rows = np.loadtxt(data / "tracking" / "PETS09-S2L1" / "gt.txt", delimiter=",")
    truth: dict[int, Floats] = {}
    for number in np.unique(rows[:, 0]).astype(int):
        part = rows[rows[:, 0] == number][:, 2:6] * PETS_SCALE
        truth[number - 1] = np.concatenate([part[:, :2], part[:, :2] + part[:, 2:]], axis=1).astype(np.float32)
    return truth


def average_precision(results: list[tuple[Floats, Floats, Floats]], min_iou: float = 0.5) -> float:
    """Area under precision over recall, every step (VOC 2010). `results`: per picture boxes, scores, true boxes."""
    scores, correct, total = [], [], 0
    for boxes, values, truth in results:
        order = np.argsort(-values, kind="stable")
        _, unmatched = matches(boxes[order], truth, min_iou)
        good = np.ones(len(order), np.bool_)
        good[unmatched] = False
        scores.append(values[order])
        correct.append(good)
        total += len(truth)
    ranked = np.concatenate(correct)[np.argsort(-np.concatenate(scores), kind="stable")]
    hits = np.cumsum(ranked)
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float((precision * ranked).sum() / total)
