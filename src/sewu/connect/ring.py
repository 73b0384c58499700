"""The last seconds of every camera's packets, for evidence and live view, within one bound of memory.

Only whole groups of pictures are kept: what begins without its keyframe cannot be decoded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from sewu.base.records import Packet

PACKET_OVERHEAD_BYTES = 200
"""What Python keeps beside a packet's data."""
MAX_DRIFT_S = 5.0
"""Picture count and capture time of one connection agree better than this; cameras correct their clocks by less."""


@dataclass(slots=True)
class _Kept:
    groups: deque[list[Packet]] = field(default_factory=deque)
    size_bytes: int = 0


class Ring:
    """Rings of many cameras.

    Args:
        keep_s: how far back a clip can reach; a group of pictures is dropped when the whole of it is older.
        max_bytes: bound for all cameras together; when it is reached the largest ring gives up its oldest group.
    """

    def __init__(self, keep_s: float = 12.0, max_bytes: int = 512 << 20) -> None:
        self.keep_s, self.max_bytes = keep_s, max_bytes
        self._kept: dict[str, _Kept] = {}
        self.size_bytes = 0
        self.evicted = 0

    def add(self, packet: Packet) -> None:
        """Keep a packet; those before a camera's first keyframe are not kept."""
        kept = self._kept.setdefault(packet.camera_id, _Kept())
        if packet.is_keyframe:
            kept.groups.append([])
        if not kept.groups:
            return
        kept.groups[-1].append(packet)
        self._grow(kept, _size(packet))
        oldest_s = packet.at_s - self.keep_s
        while len(kept.groups) > 1 and (kept.groups[1][0].at_s <= oldest_s or kept.groups[0][0].at_s > packet.at_s + self.keep_s):
            self._drop(kept)
        while self.size_bytes > self.max_bytes and self._evict():
            pass

    def clip(self, camera_id: str, from_s: float, to_s: float) -> list[Packet]:
        """Packets from the last keyframe at or before `from_s` up to `to_s`; empty when nothing is kept of that time."""
        kept = self._kept.get(camera_id)
        if kept is None:
            return []
        groups = list(kept.groups)
        first = max((index for index, group in enumerate(groups) if group[0].at_s <= from_s), default=0)
        packets = [packet for group in groups[first:] for packet in group]
        last = max((index for index, packet in enumerate(packets) if packet.at_s <= to_s), default=-1)
        return packets[: last + 1]

    def forget(self, camera_id: str) -> None:
        """Drop all of a camera."""
        kept = self._kept.pop(camera_id, None)
        self.size_bytes -= kept.size_bytes if kept else 0

    def _evict(self) -> bool:
        """The largest ring gives up its oldest group; of a single group without end, everything."""
        kept = max(self._kept.values(), key=lambda ring: ring.size_bytes)
        if not kept.groups:
            return False
        self.evicted += 1
        self._drop(kept)
        return True

    def _drop(self, kept: _Kept) -> None:
        self._grow(kept, -sum(_size(packet) for packet in kept.groups.popleft()))

    def _grow(self, kept: _Kept, by_bytes: int) -> None:
        kept.size_bytes += by_bytes
        self.size_bytes += by_bytes


def continuous(before: Packet, after: Packet) -> bool:
    """Whether two packets of a camera follow on one connection: a reconnected camera counts its pictures anew."""
    ticks = after.dts - before.dts
    if before.stream != after.stream or ticks <= 0:
        return False
    return abs(float(ticks * before.stream.time_base) - (after.at_s - before.at_s)) < MAX_DRIFT_S


def last_run(packets: Sequence[Packet]) -> list[Packet]:
    """The end of these packets that comes from one connection, from a keyframe on; empty when it has none."""
    begin = len(packets) - 1
    while begin > 0 and continuous(packets[begin - 1], packets[begin]):
        begin -= 1
    run = packets[max(0, begin) :]
    first = next((index for index, packet in enumerate(run) if packet.is_keyframe), len(run))
    return list(run[first:])


def _size(packet: Packet) -> int:
    return len(packet.data) + PACKET_OVERHEAD_BYTES
