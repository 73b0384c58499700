"""A contact sheet of a loop: the middle of each true event, with its zone and those who did it, for somebody to check with their eyes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from sewu.base.errors import BadSource, StoreFull
from sewu.base.records import Doubles, Image

TILE_PX, COLUMNS, OF_A_KIND, MARGIN_PX = (640, 360), 3, 4, 24
ZONE_BGR, WHO_BGR, INK_BGR = (0, 210, 255), (90, 255, 90), (255, 255, 255)


@dataclass(frozen=True, slots=True)
class _Shown:
    """An event as the truth has it."""

    kind: str
    zone: str
    start_s: float
    end_s: float
    ids: tuple[int, ...]

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def contact_sheet(folder: Path) -> Image:
    """The sheet of the loop in `folder`: BGR. At most four events of a kind are shown.

    Raises:
        BadSource: the folder holds no loop with truth, or nothing happens in it.
    """
    try:
        rows = [json.loads(line) for line in (folder / "truth" / "events.jsonl").read_text(encoding="utf-8").splitlines()]
        events = [_Shown(r["kind"], r["zone"], float(r["start_s"]), float(r["end_s"]), tuple(r["ids"])) for r in rows]
        areas = {row["id"]: row["points_px"] for row in json.loads((folder / "truth" / "areas.json").read_text(encoding="utf-8"))}
        boxes = np.loadtxt(folder / "truth" / "gt.txt", delimiter=",", usecols=range(6), ndmin=2)
        tiles = _tiles(folder / "main.mp4", _some(events), areas, boxes)
    except (OSError, ValueError, KeyError, TypeError, av.FFmpegError) as error:
        raise BadSource(f"{folder} holds no loop with its truth: {error}.", "Name a folder that sewu simulate scene has made.") from error
    if not tiles:
        raise BadSource(f"Nothing happens in {folder}.", "Render a scene with --happening.")
    columns = min(COLUMNS, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    lines = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    return np.asarray(np.vstack(lines), np.uint8)


def write_sheet(folder: Path, out: Path) -> None:
    """The sheet as a PNG or JPEG, by the name of `out`. Raises BadSource, StoreFull."""
    sheet = contact_sheet(folder)
    try:
        quality = [cv2.IMWRITE_JPEG_QUALITY, 85] if out.suffix.lower() in (".jpg", ".jpeg") else []
        done, data = cv2.imencode(out.suffix or ".png", sheet, quality)
        out.write_bytes(data.tobytes() if done else b"")
    except (OSError, cv2.error) as error:
        raise StoreFull(f"{out} cannot be written: {error}.", "Name a .png or .jpg in a folder that can be written.") from error


def _some(events: Sequence[_Shown]) -> list[_Shown]:
    """A few of each kind, rather those that name who did it; in order of their beginning."""
    seen: Counter[str] = Counter()
    chosen = []
    for event in sorted(events, key=lambda e: not e.ids):
        seen[event.kind] += 1
        if seen[event.kind] <= OF_A_KIND:
            chosen.append(event)
    return sorted(chosen, key=lambda e: (e.start_s, e.kind, e.zone))


def _tiles(clip: Path, events: Sequence[_Shown], areas: dict[str, Any], boxes: Doubles) -> list[Image]:
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        rate_fps = float(video.average_rate or 25)
        tiles = []
        for event in events:
            frame = _frame_at(container, event.middle_s, 0.5 / rate_fps)
            if frame is not None:
                image, t_s = frame
                number = round(t_s * rate_fps) + 1
                tiles.append(_tile(image, event, areas.get(event.zone, []), boxes[boxes[:, 0] == number]))
        return tiles


def _frame_at(container: Any, t_s: float, slack_s: float) -> tuple[Image, float] | None:
    """The first picture at or after `t_s`."""
    container.seek(max(0, int(t_s * 1_000_000)), backward=True)
    last = None
    for frame in container.decode(video=0):
        last = frame
        if frame.time >= t_s - slack_s:
            break
    return None if last is None else (last.to_ndarray(format="bgr24"), float(last.time))


def _tile(image: Image, event: _Shown, zone_px: Sequence[Sequence[float]], boxes: Doubles) -> Image:
    scale = np.asarray([TILE_PX[0] / image.shape[1], TILE_PX[1] / image.shape[0]])
    tile = cv2.resize(image, TILE_PX, interpolation=cv2.INTER_AREA)
    if len(zone_px) > 2:
        cv2.polylines(tile, [np.rint(np.asarray(zone_px) * scale).astype(np.int32)], True, ZONE_BGR, 1, cv2.LINE_AA)
    for row in boxes[np.isin(boxes[:, 1], event.ids)]:
        low, high = np.rint(row[2:4] * scale).astype(int), np.rint((row[2:4] + row[4:6]) * scale).astype(int)
        cv2.rectangle(tile, low.tolist(), high.tolist(), WHO_BGR, 1)
    text = f"{event.kind}  {event.zone}  {event.start_s:.1f}-{event.end_s:.1f} s  (here {event.middle_s:.1f})"
    tile[:MARGIN_PX] = tile[:MARGIN_PX] // 4
    cv2.putText(tile, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK_BGR, 1, cv2.LINE_AA)
    return np.asarray(tile, np.uint8)
