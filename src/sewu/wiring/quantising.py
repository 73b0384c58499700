"""`sewu models quantise`: pictures out of a folder or a clip, spread over all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from sewu.base.errors import BadSettings
from sewu.base.records import Image
from sewu.connect.file import FileSource
from sewu.decode.decoder import Decoder
from sewu.detect.quantise import quantise
from sewu.detect.shelf import Entry, Shelf

STILLS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
Item = TypeVar("Item")


def pictures_of(frames: Path, count: int) -> Iterator[Image]:
    """Up to `count` pictures: of a folder's image files, or keyframes of its clips or of the one clip, evenly spread.

    Raises:
        BadSettings: nothing there that is a picture or a clip. BadSource: a clip cannot be read.
    """
    if frames.is_dir():
        files = sorted(path for path in frames.iterdir() if path.is_file())
        stills = [path for path in files if path.suffix.lower() in STILLS]
        clips = [path for path in files if path.suffix.lower() not in STILLS | {".toml", ".json", ".txt", ".csv", ".md"}]
    elif frames.is_file():
        stills, clips = ([frames], []) if frames.suffix.lower() in STILLS else ([], [frames])
    else:
        raise BadSettings(f"{frames} is not there.", "Name a folder of pictures or clips, or a clip.")
    if not stills and not clips:
        raise BadSettings(f"{frames} holds no pictures.", "Name a folder of pictures or clips, or a clip.")
    for path in _spread(stills, count):
        image = cv2.imread(str(path))
        if image is not None:
            yield np.asarray(image, np.uint8)
    left = max(0, count - len(stills))
    for path in clips[:left]:
        yield from _keyframes(path, -(-left // len(clips)))


def quantise_model(name: str, frames: Path, count: int, long_side_px: int) -> Entry:
    """Quantise with pictures from there. Raises as `sewu.detect.quantise.quantise` and `pictures_of`."""
    return quantise(name, pictures_of(frames, count), Shelf(), long_side_px)


def _keyframes(clip: Path, count: int) -> Iterator[Image]:
    source = FileSource(clip, "calibration", 0.0)
    try:
        keys = [packet for packet in source if packet.is_keyframe]
        decoder = Decoder(source.stream, keyframes_only=True)
        for packet in _spread(keys, count):
            yield from (frame.image for frame in decoder.decode(packet))
    finally:
        source.close()


def _spread(items: list[Item], count: int) -> list[Item]:
    """`count` of them at even distances; all where there are fewer."""
    if len(items) <= count:
        return items
    return [items[index * len(items) // count] for index in range(count)]
