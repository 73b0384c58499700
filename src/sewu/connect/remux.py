"""Packets into MP4 without touching a picture: evidence clips and live view."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from sewu.base.errors import SewuError, StoreFull
from sewu.base.records import Packet
from sewu.connect.annexb import CODECS, as_annexb

DEFAULT_RATE_FPS = 25.0
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_clip(packets: Sequence[Packet], path: Path) -> None:
    """Write packets, the first a keyframe, as MP4 (H.264, H.265) or, renamed by the caller, Matroska for other codecs.

    The coded pictures are the source's, bit for bit; only their framing is MP4's. The file appears when it is whole.

    Raises:
        StoreFull: the disk did not take it. SewuError: FFmpeg cannot put this codec into the container.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(packets, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (FFmpegError, OSError, ValueError) as error:
        if getattr(error, "errno", None) in FULL:
            raise StoreFull(f"{path} could not be written: the disk is full.", "Free some space.") from error
        raise SewuError(f"The clip {path.name} could not be written: {error}.", "The event itself is stored.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def suffix_for(codec: str) -> str:
    """The container that takes this codec as it is."""
    return ".mp4" if codec in CODECS else ".mkv"


def _write(packets: Sequence[Packet], part: Path) -> None:
    stream = packets[0].stream
    kind = "mp4" if stream.codec in CODECS else "matroska"
    options = {"movflags": "faststart"} if kind == "mp4" else {}
    with av.open(str(part), "w", format=kind, options=options) as container:
        sizes = {"width": stream.width_px or 0, "height": stream.height_px or 0}
        out: Any = container.add_mux_stream(stream.codec, **sizes)
        out.time_base = stream.time_base
        if stream.rotation_deg:
            out.set_display_rotation(-stream.rotation_deg)
        zero = packets[0].dts
        step = max(1, round(1 / (stream.rate_fps or DEFAULT_RATE_FPS) / stream.time_base))
        for index, packet in enumerate(packets):
            raw = av.Packet(as_annexb(packet))
            raw.pts, raw.dts, raw.time_base = packet.pts - zero, packet.dts - zero, packet.stream.time_base
            # Without a duration the last picture would last no time, and players leave it out.
            raw.duration = packets[index + 1].dts - packet.dts if index + 1 < len(packets) else step
            raw.is_keyframe = packet.is_keyframe
            raw.stream = out
            container.mux(raw)
