"""A street with lorries that stand at the kerb for ever, as a short loop to serve."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import av

from sewu.simulate.painted.street import Mover, Street

RATE_FPS = 12
LOOP_S = 3


class Deserted(Street):
    """Nobody but two parked lorries: the small detector is surer of painted lorries than of painted cars."""

    def movers(self) -> list[Mover]:
        return [Mover("truck", (60, 60, 190), ((-1.0, x, 12.6), (1e6, x, 12.6))) for x in (-3.0, 3.0)]


def write_parked(path: Path) -> Path:
    """Three seconds of it, a keyframe each second."""
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=RATE_FPS)
        stream.width, stream.height = Street().camera.size_px
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "veryfast", "crf": "23", "g": str(RATE_FPS), "bf": "0"}
        stream.codec_context.thread_count = 1
        for image in islice(Deserted().frames(), RATE_FPS * LOOP_S):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


RULES = """
[[rules]]
id = "stopping"
kind = "illegal_parking"
analytic = "parking"
metric = "stationary_s"
above = {above_s}
gap_s = 60
severity = "high"
"""


def zones(kerb: str) -> str:
    """A zones file: the lane at the kerb under this name, reported from the first second on."""
    width, height = Street().camera.size_px
    corners = [[0, 250], [width, 250], [width, 400], [0, 400]]
    zone = f'[[zones]]\nid = "{kerb}"\nkind = "no_parking"\nsettings = {{ report_after_s = 0 }}\npoints_px = {corners}\n'
    return f"size_px = [{width}, {height}]\n{zone}"
