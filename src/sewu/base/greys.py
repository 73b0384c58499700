"""Small grey pictures: made once per look, compared cheaply, kept in state as text."""

from __future__ import annotations

import base64
import binascii

import cv2
import numpy as np

from sewu.base.errors import BadSettings
from sewu.base.records import Doubles, Floats, Frame, Image


def small_grey(image: Image, width_px: int) -> Image:
    """Shrink to at most `width_px` wide, keeping the shape, and drop the colour. uint8 (H, W, 3) or (H, W) -> uint8 (h, w).

    Exact halvings average; otherwise the picture is thinned and sampled bilinearly, so that the cost hardly
    grows with the camera's resolution.
    """
    height, width = image.shape[:2]
    width_out = min(width, width_px)
    height_out = max(1, round(height * width_out / width))
    step = max(1, width // (2 * width_out))
    if step > 1:
        image = np.ascontiguousarray(image[::step, ::step])
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if grey.shape == (height_out, width_out):
        return grey
    halves = grey.shape == (2 * height_out, 2 * width_out)
    return np.asarray(cv2.resize(grey, (width_out, height_out), interpolation=cv2.INTER_AREA if halves else cv2.INTER_LINEAR), np.uint8)


def grey_of(frame: Frame, width_px: int) -> Image:
    """The frame's small grey picture, made once however many analytics look at it. uint8 (h, w), not to be written to."""
    grey = frame.greys.get(width_px)
    if grey is None:
        grey = frame.greys[width_px] = small_grey(frame.image, width_px)
    return grey


def median(values: Floats | Doubles) -> float:
    """The median of a few hundred or thousand numbers, any shape; without the tenth of a millisecond that `np.median` costs.

    Raises:
        ValueError: there is none in nothing.
    """
    flat = values.ravel()
    if flat.size == 0:
        raise ValueError("nothing has no median")
    middle = flat.size // 2
    if flat.size % 2:
        return float(np.partition(flat, middle)[middle])
    pair = np.partition(flat, (middle - 1, middle))[middle - 1 : middle + 1]
    return (float(pair[0]) + float(pair[1])) / 2


def pack_grey(grey: Image) -> str:
    """A grey picture as PNG in base64, for state and settings. uint8 (h, w)."""
    _, data = cv2.imencode(".png", grey)
    return base64.b64encode(data.tobytes()).decode("ascii")


def unpack_grey(text: str) -> Image:
    """The picture that `pack_grey` packed. -> uint8 (h, w).

    Raises:
        BadSettings: not base64, or not a picture.
    """
    try:
        data = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except (binascii.Error, ValueError) as error:
        raise BadSettings("A stored picture is not base64.", "Make the reference picture again from the camera.") from error
    picture = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if len(data) else None
    if picture is None:
        raise BadSettings("A stored picture cannot be decoded.", "Make the reference picture again from the camera.")
    return np.asarray(picture, np.uint8)
