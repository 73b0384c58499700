"""MOTChallenge text files: who is where in each frame, one box per line.

Format: `frame, id, left, top, width, height, confidence[, x, y, z]`, comma separated, frames counted from 1
(Leal-Taixe et al. 2015, "MOTChallenge 2015", section 3). Ground truth with confidence 0 is to be ignored.
"""

from __future__ import annotations

import configparser
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np

from sewu.base.errors import BadInput
from sewu.base.records import Bools, Doubles, Ints

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_ROWS = 5_000_000
MAX_NUMBER = 1e9
"""No frame, id or pixel is larger; anything beyond is damage."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Rows of a MOTChallenge file, in order of frame.

    frames: int64 (n,), from 1. ids: int64 (n,), -1 in detection files, where nobody is named yet.
    boxes_px: float64 (n, 4), xyxy, origin top left. scores: float64 (n,), of any range.
    """

    frames: Ints
    ids: Ints
    boxes_px: Doubles
    scores: Doubles

    def __post_init__(self) -> None:
        if self.boxes_px.shape != (len(self.frames), 4):
            raise ValueError(f"boxes_px must be ({len(self.frames)}, 4), is {self.boxes_px.shape}")
        if not len(self.frames) == len(self.ids) == len(self.scores):
            raise ValueError("frames, ids and scores must be of one length")

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def none(cls) -> Self:
        """No rows."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 4)), np.empty(0))

    def select(self, keep: Bools | Ints) -> Self:
        """The rows that `keep` (mask or indices) names."""
        return type(self)(*(getattr(self, f.name)[keep] for f in fields(self)))

    def by_frame(self, frames: Ints) -> Iterator[Self]:
        """The rows of each of `frames` (ascending), empty where a frame has none."""
        starts = np.searchsorted(self.frames, frames, "left")
        ends = np.searchsorted(self.frames, frames, "right")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            yield type(self)(self.frames[start:end], self.ids[start:end], self.boxes_px[start:end], self.scores[start:end])


@dataclass(frozen=True, slots=True)
class Sequence:
    """What `seqinfo.ini` says of a sequence."""

    name: str
    rate_fps: float
    length: int
    size_px: tuple[int, int]


def read_boxes(path: Path) -> Boxes:
    """Read a ground truth, detection or tracker file.

    Raises:
        BadInput: missing, too large, or a line that is not a box; names the line.
    """
    return parse_boxes(_read_text(path, MAX_FILE_BYTES), str(path))


def parse_boxes(text: str, where: str) -> Boxes:
    """Parse the text of a MOTChallenge file; `where` names it in errors. Raises `BadInput`."""
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if len(rows) >= MAX_ROWS:
            raise BadInput(f"{where} has more than {MAX_ROWS} rows.", "Split the file.")
        rows.append(_parse_line(line, f"{where}, line {number}"))
    if not rows:
        return Boxes.none()
    table = np.array(rows, np.float64)
    table = table[np.argsort(table[:, 0], kind="stable")]
    corners = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    return Boxes(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), corners, table[:, 6])


def _parse_line(line: str, where: str) -> list[float]:
    parts = line.split(",")
    if len(parts) < 6:
        raise BadInput(f"{where}: {len(parts)} columns where at least 6 are needed.", "Write frame,id,left,top,width,height,confidence.")
    try:
        values = [float(part) for part in parts[:7]]
    except ValueError as error:
        raise BadInput(f"{where}: {error}.", "Write plain numbers between commas.") from error
    if not all(math.isfinite(value) and abs(value) <= MAX_NUMBER for value in values):
        raise BadInput(f"{where}: a number is not finite or larger than {MAX_NUMBER:g}.", "Mend the line.")
    if values[0] < 1 or values[0] != int(values[0]) or values[1] != int(values[1]):
        raise BadInput(f"{where}: frames count from 1, and frames and ids are whole numbers.", "Mend the line.")
    if values[4] < 0 or values[5] < 0:
        raise BadInput(f"{where}: a box of negative size.", "Write left,top,width,height.")
    return values if len(values) == 7 else [*values, 1.0]


def write_boxes(boxes: Boxes, path: Path) -> None:
    """Write a tracker file that MOTChallenge tools read; coordinates to 1/1000 px."""
    sizes = boxes.boxes_px[:, 2:] - boxes.boxes_px[:, :2]
    table = np.column_stack([boxes.frames, boxes.ids, boxes.boxes_px[:, :2], sizes, boxes.scores])
    lines = [
        f"{frame:.0f},{number:.0f},{left:.3f},{top:.3f},{width:.3f},{height:.3f},{score:.6g},-1,-1,-1\n"
        for frame, number, left, top, width, height, score in table.tolist()
    ]
    path.write_text("".join(lines), encoding="ascii")


def read_truth(path: Path) -> Boxes:
    """Read a ground truth file without the rows it marks as to be ignored. Raises `BadInput`."""
    boxes = read_boxes(path)
    truth = boxes.select(boxes.scores >= 1.0)
    pairs = np.stack([truth.frames, truth.ids], axis=1)
    if len(np.unique(pairs, axis=0)) != len(pairs):
        raise BadInput(f"{path} names one object twice in one frame.", "Remove the double row.")
    return truth


def read_sequence(path: Path) -> Sequence:
    """Read a `seqinfo.ini`. Raises `BadInput` when a value is missing or absurd."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_read_text(path, 1 << 16))
        section = parser["Sequence"]
        sequence = Sequence(
            section["name"],
            float(section["frameRate"]),
            int(section["seqLength"]),
            (int(section["imWidth"]), int(section["imHeight"])),
        )
    except (configparser.Error, KeyError, ValueError) as error:
        raise BadInput(f"{path} is no sequence description: {error}.", "Give the seqinfo.ini of the sequence.") from error
    if not 0 < sequence.rate_fps <= 1000 or not 0 < sequence.length <= MAX_ROWS or min(sequence.size_px) < 1:
        raise BadInput(f"{path} has a rate, length or size out of range.", "Mend the file.")
    return sequence


def _read_text(path: Path, max_bytes: int) -> str:
    try:
        if path.stat().st_size > max_bytes:
            raise BadInput(f"{path} is larger than {max_bytes} bytes.", "Give the text file of one sequence.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text: {error.reason}.", "Give a MOTChallenge text file.") from error
