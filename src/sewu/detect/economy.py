"""The cheapest way to run a model on wide pictures: an input shaped like the picture, where the file allows it.

A 640 x 360 picture in a square input of 416 x 416 pays for 44 % of grey padding. The same weights with free height and
width look at 416 x 256 and see the very same pixels.
"""

from __future__ import annotations

from sewu.base.errors import BadModel
from sewu.detect.onnx import DetectorSettings, OnnxDetector
from sewu.detect.shelf import Shelf, load

FREE = "-dyn"
"""What the variant of a model with free input size is called after it."""


def thrifty(name: str, long_side_px: int, min_score: float, shelf: Shelf | None = None) -> OnnxDetector:
    """The model of this name with an input shaped like the picture; its variant of free size where that is on the shelf.

    A model of fixed size without such a variant is run as its card says.

    Raises:
        BadModel: unknown, not here, motion (which has no input), or not runnable.
    """
    shelf = shelf or Shelf()
    for candidate in (f"{name}{FREE}", name):
        try:
            _, card = shelf.find(candidate)
        except BadModel:
            if candidate == name:
                raise
            continue
        free = card.input.multiple_of is not None
        if candidate != name and not free:
            continue
        settings = DetectorSettings(min_score=min_score, long_side_px=long_side_px if free else None)
        detector = load(candidate, settings, shelf)
        if isinstance(detector, OnnxDetector):
            return detector
    raise BadModel(f"{name} is not a single ONNX model.", "Name one from `sewu models list`.")
