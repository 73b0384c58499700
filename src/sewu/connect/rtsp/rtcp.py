"""RTCP (RFC 3550 section 6): when the camera says a picture was taken, and that we still listen."""

from __future__ import annotations

import struct
from dataclasses import dataclass

NTP_OFFSET_S = 2_208_988_800
SENDER_REPORT, RECEIVER_REPORT = 200, 201
CLOCK_HZ = 90_000
SANE_S = 86_400.0
MAX_DRIFT_S = 1.0
"""Between arrival and the stream's own clock."""
MAX_STEP_S = 1.0
"""Between two sender reports, beyond what passed."""
MAX_JUMP_S = 10.0
"""Between arrival and capture time, beyond what the last sender report said."""
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

    The sender report's time is used when it is within a day of ours; a later report that contradicts it by more than a
    second counts only when the next one agrees with it. Else arrival is used: a picture cannot be captured later than
    it arrives, so the earliest arrival seen sets the mapping, which makes the jitter of the network and of our own
    timer drop out; when the two drift apart by more than `MAX_DRIFT_S` the mapping begins anew.
    """

    def __init__(self) -> None:
        self._last: int | None = None
        self._last_dts: int | None = None
        self._reorder_ticks = 0
        self._zero_s: float | None = None
        self._doubted_zero_s: float | None = None
        self._ahead_s = 0.0
        self.is_camera_time = False

    def reported(self, report: SenderReport, now_s: float) -> None:
        """Take a sender report."""
        if abs(report.at_s - now_s) > SANE_S:
            self._use_arrival()
            return
        if self._last is None:
            self._last = report.timestamp
        zero_s = report.at_s - self._ticks(report.timestamp) / CLOCK_HZ
        agreeing = (self._zero_s, self._doubted_zero_s) if self.is_camera_time else (zero_s,)
        if all(other_s is None or abs(zero_s - other_s) > MAX_STEP_S for other_s in agreeing):
            self._doubted_zero_s = zero_s
            return
        self._zero_s, self._doubted_zero_s = zero_s, None
        self._ahead_s = report.at_s - now_s
        self.is_camera_time = True

    def arrived(self, timestamp: int, now_s: float) -> None:
        """Take note of the newest picture that came at `now_s`; the older ones that came with it say less."""
        if self._last is None:
            self._last = timestamp
        arrived_s = now_s - self._ticks(timestamp) / CLOCK_HZ
        if self._zero_s is None:
            self._zero_s = arrived_s
        elif self.is_camera_time:
            if abs(self._zero_s - arrived_s - self._ahead_s) > MAX_JUMP_S:  # the timestamps jumped: what they stood for is over
                self._use_arrival()
                self._zero_s = arrived_s
        elif arrived_s < self._zero_s or arrived_s - self._zero_s > MAX_DRIFT_S:
            self._zero_s = arrived_s

    def place(self, timestamp: int) -> tuple[int, int, float]:
        """pts and dts in ticks, and the capture time, of a picture that came with or before the one `arrived` was told of.

        dts grows, and stays below pts once the reordering is known.
        """
        self._last = pts = self._ticks(timestamp)
        dts = pts - self._reorder_ticks
        if self._last_dts is not None and 0 <= self._last_dts - dts < CLOCK_HZ:  # further back is a new beginning
            dts = self._last_dts + 1
            if dts > pts:
                self._reorder_ticks = min(CLOCK_HZ, self._reorder_ticks + dts - pts)
        self._last_dts = dts
        return pts, dts, (self._zero_s or 0.0) + pts / CLOCK_HZ

    def _ticks(self, timestamp: int) -> int:
        """The timestamp without its wraps: the difference to the last one is the shorter way round."""
        last = self._last or 0
        return last + (timestamp - last + 0x80000000 & 0xFFFFFFFF) - 0x80000000

    def _use_arrival(self) -> None:
        if self.is_camera_time:
            self._zero_s, self.is_camera_time = None, False
        self._doubted_zero_s = None
