"""RTCP (RFC 3550 section 6): when the camera says a picture was taken, and that we still listen."""

from __future__ import annotations

import struct
from dataclasses import dataclass

NTP_OFFSET_S = 2_208_988_800
SENDER_REPORT, RECEIVER_REPORT = 200, 201
CLOCK_HZ = 90_000
SANE_S = 86_400.0
MAX_DRIFT_S = 1.0
_SENDER = struct.Struct(">IIII")
_REPORT = struct.Struct(">4sBBHIIIIIII")


@dataclass(frozen=True, slots=True)
class SenderReport:
    """Which UTC time an RTP timestamp stands for."""

    ssrc: int
    at_s: float
    timestamp: int
    middle: int
    """The middle 32 bits of the NTP time, to be given back in a receiver report."""


def sender_report(data: bytes) -> SenderReport | None:
    """The first sender report of a compound packet; None when there is none or it is malformed."""
    at = 0
    while at + 8 <= len(data):
        flags, kind, words = struct.unpack_from(">BBH", data, at)
        stop = at + 4 * (words + 1)
        if flags >> 6 != 2 or stop > len(data):
            return None
        if kind == SENDER_REPORT and stop - at >= 28:
            ssrc, seconds, fraction, timestamp = _SENDER.unpack_from(data, at + 4)
            era = 1 << 32 if seconds < 1 << 31 else 0  # NTP's seconds begin again in 2036 (RFC 5905 section 6)
            at_s = seconds + era - NTP_OFFSET_S + fraction / 2**32
            return SenderReport(ssrc, at_s, timestamp, (seconds & 0xFFFF) << 16 | fraction >> 16)
        at = stop
    return None


def receiver_report(channel: int, own_ssrc: int, seen: tuple[int, int, int], last: tuple[int, float]) -> bytes:
    """An interleaved receiver report.

    Args:
        seen: SSRC of the sender, packets lost in all, highest sequence number with its cycles.
        last: middle bits of the last sender report (0: none yet) and the seconds since then.
    """
    ssrc, lost, highest = seen
    middle, delay_s = last
    delay = min(0xFFFFFFFF, max(0, round(delay_s * 65_536))) if middle else 0
    frame = bytes((0x24, channel, 0, 32))
    return _REPORT.pack(
        frame,
        0x81,
        RECEIVER_REPORT,
        7,
        own_ssrc & 0xFFFFFFFF,
        ssrc & 0xFFFFFFFF,
        min(lost, 0x7FFFFF),
        highest & 0xFFFFFFFF,
        0,
        middle,
        delay,
    )


class Timeline:
    """RTP timestamps to ticks that do not wrap, and to UTC seconds.

    The sender report's time is used when it is within a day of ours. Else arrival is: a picture cannot be captured
    later than it arrives, so the earliest arrival seen sets the mapping, which makes the jitter of the network and
    of our own timer drop out; when the two drift apart by more than a second the mapping begins anew.
    """

    def __init__(self) -> None:
        self._last: int | None = None
        self._last_dts: int | None = None
        self._reorder_ticks = 0
        self._zero_s: float | None = None
        self.is_camera_time = False

    def ticks(self, timestamp: int) -> int:
        """The timestamp without its wraps: the difference to the last one is the shorter way round."""
        if self._last is None:
            self._last = timestamp
        self._last += (timestamp - self._last + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return self._last

    def reported(self, report: SenderReport, now_s: float) -> None:
        """Take a sender report."""
        if self._last is None:
            self._last = report.timestamp
        ticks = self._last + (report.timestamp - self._last + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if abs(report.at_s - now_s) <= SANE_S:
            self._zero_s = report.at_s - ticks / CLOCK_HZ
            self.is_camera_time = True
        elif self.is_camera_time:
            self._zero_s, self.is_camera_time = None, False

    def place(self, timestamp: int, now_s: float) -> tuple[int, int, float]:
        """pts and dts in ticks, and the capture time. dts grows, and stays below pts once the reordering is known."""
        pts = self.ticks(timestamp)
        dts = pts - self._reorder_ticks
        if self._last_dts is not None and 0 <= self._last_dts - dts < CLOCK_HZ:  # further back is a new beginning
            dts = self._last_dts + 1
            if dts > pts:
                self._reorder_ticks = min(CLOCK_HZ, self._reorder_ticks + dts - pts)
        self._last_dts = dts
        media_s = pts / CLOCK_HZ
        arrived_s = now_s - media_s
        if not self.is_camera_time and (self._zero_s is None or arrived_s < self._zero_s or arrived_s - self._zero_s > MAX_DRIFT_S):
            self._zero_s = arrived_s
        return pts, dts, (arrived_s if self._zero_s is None else self._zero_s) + media_s
