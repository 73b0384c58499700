"""What the packets say before any of them is decoded: is the camera sending, how much, how often a keyframe.

Sizes are kept for health (a collapse of rate or bits) and for the dashboard. They are no gate: on real clips at
constant bit rate they told the presence of objects no better than chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sewu.base.records import Packet

MEMORY_S = 30.0
"""Time constant of the running rates."""
DEFAULT_GOP_S = 2.0


@dataclass(slots=True)
class Arrivals:
    """Running statistics of one camera's packets, by capture time."""

    packets: int = 0
    bytes: int = 0
    first_at_s: float | None = None
    last_at_s: float | None = None
    keyframe_at_s: float | None = None
    gop_s: float = DEFAULT_GOP_S
    rate_fps: float = 0.0
    bitrate_bps: float = 0.0
    longest_gap_s: float = 0.0
    gops: int = 0

    def add(self, packets: Sequence[Packet]) -> Packet | None:
        """Take in the packets of one poll, in order; returns the newest keyframe among them, if any."""
        keyframe: Packet | None = None
        size = 0
        previous_s = self.last_at_s
        for packet in packets:
            size += len(packet.data)
            if packet.is_keyframe:
                self._keyframe(packet.at_s)
                keyframe = packet
        if not packets:
            return None
        newest_s = packets[-1].at_s
        self.packets += len(packets)
        self.bytes += size
        self.first_at_s = packets[0].at_s if self.first_at_s is None else self.first_at_s
        self.last_at_s = newest_s
        if previous_s is not None and newest_s > previous_s:
            self._rates(newest_s - previous_s, len(packets), size)
        return keyframe

    def silent_s(self, now_s: float) -> float | None:
        """Seconds since the last picture; None before the first."""
        return None if self.last_at_s is None else max(0.0, now_s - self.last_at_s)

    def _keyframe(self, at_s: float) -> None:
        if self.keyframe_at_s is not None and 0 < at_s - self.keyframe_at_s < 600:
            gop_s = at_s - self.keyframe_at_s
            self.gops += 1
            self.gop_s += (gop_s - self.gop_s) * (1.0 if self.gops == 1 else 0.3)
        self.keyframe_at_s = at_s

    def _rates(self, elapsed_s: float, count: int, size: int) -> None:
        self.longest_gap_s = max(self.longest_gap_s, elapsed_s / max(1, count))
        weight = min(1.0, elapsed_s / min(MEMORY_S, max(elapsed_s, (self.last_at_s or 0.0) - (self.first_at_s or 0.0))))
        self.rate_fps += (count / elapsed_s - self.rate_fps) * weight
        self.bitrate_bps += (8 * size / elapsed_s - self.bitrate_bps) * weight
