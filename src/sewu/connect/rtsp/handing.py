"""How packets come from a side process: a small framed format in a pipe, read without waiting and bounded in memory.

Each frame: `SEWU`, kind, length of the body, processor seconds that the side process has used; then the body. A stream's
description and a failure are JSON, a packet is pts, dts, capture time and keyframe flag before its data.
"""

from __future__ import annotations

import binascii
import json
import struct
from base64 import b64decode, b64encode
from fractions import Fraction
from typing import Any

from sewu.base.errors import BadSource, CameraUnreachable, Refused, SewuError, StreamBroken
from sewu.base.records import Packet, StreamInfo

MAX_BODY_BYTES = 8 << 20
MAX_SIDE_PX = 16_384
STREAM, PACKET, FAILURE = 1, 2, 3
_HEAD = struct.Struct(">4sBId")
_PLACE = struct.Struct(">qqd?")
_MARK = b"SEWU"
_ERRORS = {kind.__name__: kind for kind in (BadSource, CameraUnreachable, Refused, StreamBroken)}


def of_stream(stream: StreamInfo, cpu_s: float) -> bytes:
    """A frame that describes the packets that follow."""
    about = {
        "codec": stream.codec,
        "time_base": [stream.time_base.numerator, stream.time_base.denominator],
        "extradata": b64encode(stream.extradata).decode(),
        "size_px": [stream.width_px, stream.height_px],
        "rate_fps": stream.rate_fps,
    }
    return _framed(STREAM, json.dumps(about).encode(), cpu_s)


def of_packet(packet: Packet, cpu_s: float) -> bytes:
    """A frame with one packet."""
    return _framed(PACKET, _PLACE.pack(packet.pts, packet.dts, packet.at_s, packet.is_keyframe) + packet.data, cpu_s)


def of_failure(error: SewuError, cpu_s: float) -> bytes:
    """A frame that says why no more packets follow."""
    return _framed(FAILURE, json.dumps({"kind": type(error).__name__, "what": error.what, "advice": error.advice}).encode(), cpu_s)


def _framed(kind: int, body: bytes, cpu_s: float) -> bytes:
    return _HEAD.pack(_MARK, kind, len(body), cpu_s) + body


class Unframed:
    """Frames back into packets. `cpu_s` is what the side process has used; holds at most one frame."""

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._rest = b""
        self._stream: StreamInfo | None = None
        self.cpu_s = 0.0

    def take(self, data: bytes) -> list[Packet]:
        """The packets that are whole now.

        Raises:
            StreamBroken: not our format, or too long. Any error that the side process handed over.
        """
        data, at, found = self._rest + data, 0, []
        while at + _HEAD.size <= len(data):
            mark, kind, length, cpu_s = _HEAD.unpack_from(data, at)
            if mark != _MARK or length > MAX_BODY_BYTES:
                raise _nonsense()
            stop = at + _HEAD.size + length
            if stop > len(data):
                break
            self.cpu_s = cpu_s if 0.0 <= cpu_s < float("inf") else self.cpu_s
            packet = self._body(kind, data[at + _HEAD.size : stop])
            if packet is not None:
                found.append(packet)
            at = stop
        self._rest = data[at:]
        return found

    def _body(self, kind: int, body: bytes) -> Packet | None:
        if kind == PACKET and self._stream is not None and len(body) > _PLACE.size:
            pts, dts, at_s, is_keyframe = _PLACE.unpack_from(body)
            return Packet(self._camera_id, self._stream, body[_PLACE.size :], pts, dts, at_s, is_keyframe)
        try:
            about = json.loads(body)
            if kind == STREAM:
                self._stream = _stream(about)
                return None
            if kind == FAILURE:
                raise _ERRORS.get(str(about["kind"]), StreamBroken)(str(about["what"]), str(about["advice"]))
        except (ValueError, KeyError, TypeError, IndexError, ArithmeticError, RecursionError, binascii.Error):
            pass
        raise _nonsense()


def _stream(about: Any) -> StreamInfo:
    width_px, height_px = (int(side) if side and 0 < int(side) <= MAX_SIDE_PX else None for side in about["size_px"])
    time_base = Fraction(int(about["time_base"][0]), int(about["time_base"][1]))
    rate_fps = float(about["rate_fps"]) if about["rate_fps"] else None
    if time_base <= 0:
        raise ValueError("time runs backwards")
    return StreamInfo(str(about["codec"]), time_base, b64decode(about["extradata"]), width_px, height_px, rate_fps)


def _nonsense() -> StreamBroken:
    return StreamBroken("The side process that receives over UDP handed over what makes no sense.", "It will be started again.")
