"""The cheapest way to run a model on wide pictures: an input shaped like the picture, where the file allows it.

A 640 x 360 picture in a square input of 416 x 416 pays for 44 % of grey padding. The same weights with free height and
width look at 416 x 256 and see the very same pixels.
"""

from __future__ import annotations

from sewu.base.errors import BadModel
from sewu.base.interfaces import Detector
from sewu.detect.onnx import DetectorSettings
from sewu.detect.shelf import Shelf, load

FREE = "-dyn"
"""What the variant of a model with free input size is called after it."""


def thrifty(name: str, long_side_px: int, min_score: float, shelf: Shelf | None = None) -> Detector:
    """The model of this name with an input shaped like the picture; its variant of free size where that is on the shelf.

    A model of fixed size without such a variant, and "motion", are run as they are.

    Raises:
        BadModel: unknown, not here, or not runnable.
    """
    shelf = shelf or Shelf()
    for candidate in (f"{name}{FREE}", name):
        try:
            _, card = shelf.find(candidate)
        except BadModel:
            continue
        if card.input.multiple_of is not None:
            return load(candidate, DetectorSettings(min_score=min_score, long_side_px=long_side_px), shelf)
    return load(name, DetectorSettings(min_score=min_score), shelf)
