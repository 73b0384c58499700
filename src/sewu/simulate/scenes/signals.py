"""Signal heads at a junction: poles and housings that stand still, lamps that follow the traffic's phases."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sewu.simulate.scenes.mesh import LIGHT, PAINT, Colour, Mesh, box, ellipses, loft, merged, turned
from sewu.simulate.scenes.place import SceneKind
from sewu.simulate.scenes.render import Moving
from sewu.simulate.scenes.traffic import SignalColour

HOUSING: Colour = (0.02, 0.02, 0.022)
POST: Colour = (0.45, 0.36, 0.05)
LAMP_M, REACH_M = 0.15, 0.16
LAMPS: dict[SignalColour, tuple[float, Colour]] = {
    "red": (0.40, (1.0, 0.03, 0.02)),
    "amber": (0.0, (1.0, 0.45, 0.02)),
    "green": (-0.40, (0.05, 0.95, 0.35)),
}
"""Height above the middle of the head, metres, and what it looks like when lit."""


@dataclass(frozen=True, slots=True)
class Head:
    """A head on its pole, for those who drive against `yaw_rad`; it shows the colour of `phase`."""

    x_m: float
    y_m: float
    yaw_rad: float
    phase: int
    middle_m: float = 3.3


HEADS: dict[SceneKind, tuple[Head, ...]] = {
    "junction": (
        Head(-6.9, 23.0, -math.pi / 2, 0), Head(-6.9, 42.2, -math.pi / 2, 0, 4.6), Head(6.9, 43.0, math.pi / 2, 0),
        Head(6.9, 22.6, math.pi / 2, 0, 4.6), Head(-8.9, 39.6, math.pi, 1), Head(9.0, 26.4, 0.0, 1),
    ),
}  # fmt: skip
"""Near the stop line of each approach, and again beyond the crossing road."""


def poles(heads: Sequence[Head]) -> list[Mesh]:
    """What stands still of them, dark lenses too."""
    parts = []
    for head in heads:
        top_m = head.middle_m + 0.65
        parts.append(loft(ellipses([(0, head.x_m, head.y_m, 0.075, 0.075), (top_m, head.x_m, head.y_m, 0.06, 0.06)], 8), POST, PAINT))
        case = [box((0.07, -0.19, -0.62), (REACH_M, 0.19, 0.62), HOUSING)]
        case += [_lens(z, tuple(0.07 * v for v in rgb), PAINT) for z, rgb in LAMPS.values()]
        # A hood over each lens.
        case += [box((REACH_M, -0.17, z + LAMP_M), (REACH_M + 0.16, 0.17, z + LAMP_M + 0.02), HOUSING) for z, _ in LAMPS.values()]
        parts.append(_hung(merged(case), head))
    return parts


def _lens(z_m: float, rgb: Sequence[float], material: float) -> Mesh:
    """A disc that looks along +x."""
    rings = [(0.0, 0.0, 0.0, LAMP_M, LAMP_M), (0.02, 0.0, 0.0, LAMP_M * 0.8, LAMP_M * 0.8)]
    upright = np.asarray([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], np.float32)
    return loft(ellipses(rings, 10), rgb, material).placed(upright, (REACH_M, 0.0, z_m))


def _hung(mesh: Mesh, head: Head) -> Mesh:
    return mesh.placed(turned(head.yaw_rad), (head.x_m, head.y_m, head.middle_m))


def lit(drawn: Moving, heads: Sequence[Head], colours: Sequence[SignalColour]) -> Moving:
    """The frame with the lamps of these colours, one for each head. They have no name: they are not in the truth."""
    if not heads:
        return drawn
    lamps = merged([_hung(_lens(LAMPS[colour][0], LAMPS[colour][1], LIGHT).moved(0.012, 0.0), head)
                    for head, colour in zip(heads, colours, strict=True)])  # fmt: skip
    count = len(lamps.at_m)
    # Its own height as its floor: a lamp throws no shadow.
    columns = [lamps.at_m, lamps.normal, lamps.rgb, lamps.material[:, None], lamps.at_m[:, 2:], np.zeros((count, 1), np.float32)]
    vertices = np.concatenate([drawn.vertices, np.concatenate(columns, axis=1)]).astype(np.float32)
    return replace(drawn, vertices=vertices, faces=np.concatenate([drawn.faces, lamps.faces + len(drawn.vertices)]).astype(np.int32))


@dataclass(slots=True)
class Signals:
    """Collects which phase showed which colour, and writes it."""

    _spans: list[tuple[int, SignalColour, float]] = field(default_factory=list)
    _now: dict[int, SignalColour] = field(default_factory=dict)

    def add(self, at_s: float, colours: Mapping[int, SignalColour]) -> None:
        """The colour of each phase at a time that does not go back."""
        for phase, colour in colours.items():
            if self._now.get(phase) != colour:
                self._now[phase] = colour
                self._spans.append((phase, colour, at_s))

    def write(self, folder: Path, end_s: float) -> None:
        """signals.jsonl: phase, colour, start_s and end_s of every span; nothing where there are no signals. Raises OSError."""
        if not self._spans:
            return
        rows = []
        for index, (phase, colour, start_s) in enumerate(self._spans):
            until_s = next((at_s for other, _, at_s in self._spans[index + 1 :] if other == phase), end_s)
            rows.append(json.dumps({"phase": phase, "colour": colour, "start_s": round(start_s, 2), "end_s": round(until_s, 2)}))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "signals.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
