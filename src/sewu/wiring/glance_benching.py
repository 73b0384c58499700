"""`sewu bench glance`: keyframes and truth of the rendered city's sub-streams."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from sewu.base.records import Doubles, Frame
from sewu.bench.glancing import GlanceScore, Seen, score_glances
from sewu.connect.file import FileSource
from sewu.decode.decoder import Decoder
from sewu.simulate.loops import MAIN_FPS, Loop, render_loop
from sewu.wiring.recalling import CITY


def measure_glances(cache: Path, scenes: int, on_score: Callable[[GlanceScore], None]) -> list[GlanceScore]:
    """Of the first `scenes` loops; rendered where the cache lacks them. Raises as `render_loop`."""
    cv2.setNumThreads(1)
    scores = []
    for recipe in CITY[:scenes]:
        scores.append(score_glances(recipe.name, _pictures(render_loop(recipe, cache))))
        on_score(scores[-1])
    return scores


def _pictures(loop: Loop) -> Iterator[tuple[Frame, Seen]]:
    """Each keyframe of the sub-stream with what truly is in it."""
    truth = _truth(loop)
    source = FileSource(loop.streams["sub"], loop.folder.name, 0.0)
    decoder = Decoder(source.stream, keyframes_only=True)
    try:
        for packet in source:
            for frame in decoder.decode(packet):
                yield frame, truth[round(frame.at_s * MAIN_FPS) + 1]
    finally:
        source.close()


def _truth(loop: Loop) -> dict[int, dict[int, tuple[Doubles, float]]]:
    """By picture of the main stream from 1, in pixels of the sub-stream."""
    width, _ = json.loads((loop.folder / "loop.json").read_text(encoding="utf-8"))["recipe"]["size_px"]
    scale = 640 / width
    found: dict[int, dict[int, tuple[Doubles, float]]] = defaultdict(dict)
    for row in np.loadtxt(loop.truth / "gt.txt", delimiter=",", ndmin=2):
        box_px = np.array([row[2], row[3], row[2] + row[4], row[3] + row[5]]) * scale
        found[int(row[0])][int(row[1])] = (box_px, float(row[8]))
    return found
