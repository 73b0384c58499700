"""One decoder per family of models: raw outputs in, candidate boxes out."""

from __future__ import annotations

from collections.abc import Callable

from sewu.detect.cards import FamilyName, OutputSpec
from sewu.detect.families import detr, gfl, ssd, yolox
from sewu.detect.families.candidates import Candidates, Tensors

Decoder = Callable[[Tensors, OutputSpec, tuple[int, int], float], Candidates]
"""(outputs, card.outputs, input width and height, smallest score) -> candidates in pixels of the input."""

DECODERS: dict[FamilyName, Decoder] = {
    "yolox": yolox.decode,
    "nanodet": gfl.decode,
    "picodet": gfl.decode,
    "detr": detr.decode,
    "ssd": ssd.decode,
}
