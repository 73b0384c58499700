"""Masks burnt into what leaves as evidence: a clip or still is written again with its camera's polygons filled.

Fails closed: without the camera's registration there is nothing to go by, and a file that cannot be read to its end is not handed out.
The new clip has pictures only; FFmpeg re-encodes them, so the manifest names the stored original's hash beside the copy's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from sewu.base.errors import BadSource, NotFound
from sewu.base.evidence import EvidenceItem
from sewu.base.records import Frame, Image
from sewu.base.rights import Scope
from sewu.connect.file import FileSource
from sewu.decode.decoder import Decoder
from sewu.decode.recorder import VideoRecorder
from sewu.respond.evidence import Mask
from sewu.store.operations.cameras import Cameras

Polygon = Sequence[tuple[float, float]]
"""Corners from (0, 0), the picture's top left, to (1, 1)."""
JPEG_QUALITY = 92


def masking(cameras: Cameras, city: Scope) -> Mask:
    """Burns in what the register has for each camera. `city`: the whole city; whose evidence it is was checked before."""

    async def mask(source: Path, target: Path, item: EvidenceItem) -> bool:
        found = None if item.camera_id is None else await cameras.get(city, item.camera_id)
        if found is None:
            raise NotFound(f"Camera {item.camera_id} is not in the register, so its masks are not known.", "Enter it, then export again.")
        polygons = found.camera.masks
        if not polygons:
            return False
        write = write_clip if item.kind == "clip" else write_still
        await asyncio.to_thread(write, source, target, polygons)
        return True

    return mask


def burnt(image: Image, polygons: Sequence[Polygon]) -> Image:
    """A copy with the polygons filled black. image: uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    copy = image.copy()
    for polygon in polygons:
        corners = np.rint(np.asarray(polygon, np.float64) * (width, height)).astype(np.int32)
        cv2.fillPoly(copy, [corners.reshape(-1, 1, 2)], (0, 0, 0))
    return copy


def write_still(source: Path, target: Path, polygons: Sequence[Polygon]) -> None:
    """A still with its masks burnt in, in the format of its name. Raises `BadSource`."""
    image = cv2.imdecode(np.frombuffer(source.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise BadSource(f"{source} is not a readable picture.", "Restore the evidence folder from its backup.")
    picture: Image = np.asarray(image, np.uint8)
    done, data = cv2.imencode(target.suffix, burnt(picture, polygons), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise BadSource(f"{target.name} cannot be written as {target.suffix}.", "Keep stills as JPEG or PNG.")
    target.write_bytes(data.tobytes())


def write_clip(source: Path, target: Path, polygons: Sequence[Polygon]) -> None:
    """A clip with its masks burnt into every picture. Raises `BadSource` when it breaks off or holds no picture."""
    clip = FileSource(source, "evidence", start_s=0.0)
    try:
        decoder, recorder = Decoder(clip.stream), None
        for frame in _frames(clip, decoder):
            if recorder is None:
                recorder = VideoRecorder(target, frame.size_px, clip.stream.rate_fps or 25.0)
            recorder.add(burnt(frame.image, polygons), frame.at_s)
        if recorder is not None:
            recorder.close()
    finally:
        clip.close()
    if recorder is None or clip.faults or decoder.faults:
        target.unlink(missing_ok=True)
        raise BadSource(f"{source} cannot be read to its end.", "Restore the evidence folder from its backup.")


def _frames(clip: FileSource, decoder: Decoder) -> Iterator[Frame]:
    for packet in clip:
        yield from decoder.decode(packet)
    yield from decoder.flush()
