"""What a shard says of itself once a second, and what that means for the whole watch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from sewu.base.errors import StreamBroken


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """Counters since the shard's start, and its state now.

    `camera_s` is the sum over cameras of the seconds each has been sending: costs divide by it.
    `following`: cameras followed now; `followed_pictures` were seen there beside the promised `pictures`; `extra`: promised
    pictures taken early on request. `evicted`: groups of pictures that the ring gave up for want of memory. `lost`: observations
    and events that a full disk cost; `refused`: what the disk says now.
    `share`: how much of the processor time it asks for the worker gets.
    `kept` is the share of taken pictures that came within 1.5 x the promised interval.
    """

    shard: int
    pid: int
    at_s: float
    cameras: int = 0
    sending: int = 0
    following: int = 0
    followed_pictures: int = 0
    follow_stretch: float = 1.0
    extra: int = 0
    camera_s: float = 0.0
    receive_s: float = 0.0
    decode_s: float = 0.0
    look_s: float = 0.0
    flow_s: float = 0.0
    follow_s: float = 0.0
    process_s: float = 0.0
    pictures: int = 0
    late: int = 0
    worst_ratio: float = 0.0
    carried: int = 0
    parts: int = 0
    whole: int = 0
    events: int = 0
    faults: int = 0
    stretch: float = 1.0
    share: float = 1.0
    memory_bytes: int = 0
    ring_bytes: int = 0
    evicted: int = 0
    clips: int = 0
    clips_missed: int = 0
    lost: int = 0
    refused: str = ""
    down: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def ms_per_camera_s(self) -> float | None:
        """Processor milliseconds that one camera costs a second, everything included; None before any camera sent."""
        return 1000 * self.process_s / self.camera_s if self.camera_s > 0 else None

    @property
    def kept(self) -> float | None:
        """Share of pictures taken in time; None before any was taken."""
        return 1 - self.late / self.pictures if self.pictures else None


def parse_status(line: str) -> ShardStatus:
    """Read a status line. Raises `StreamBroken` when it is not one."""
    try:
        return ShardStatus(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise StreamBroken("A worker sent a line that is no status.", "See the worker's log.") from error


def total(parts: Iterable[ShardStatus]) -> ShardStatus:
    """All shards as one: counters added, the worst stretch and the worst ratio."""
    rows = list(parts)
    sums = {
        name: sum(getattr(row, name) for row in rows)
        for name in ShardStatus.__dataclass_fields__
        if name not in {"shard", "pid", "at_s", "stretch", "follow_stretch", "share", "worst_ratio", "refused", "down"}
    }
    down = {camera_id: reason for row in rows for camera_id, reason in row.down.items()}
    return ShardStatus(
        shard=0,
        pid=0,
        at_s=max((row.at_s for row in rows), default=0.0),
        stretch=max((row.stretch for row in rows), default=1.0),
        share=min((row.share for row in rows), default=1.0),
        follow_stretch=max((row.follow_stretch for row in rows), default=1.0),
        worst_ratio=max((row.worst_ratio for row in rows), default=0.0),
        refused=next((row.refused for row in rows if row.refused), ""),
        down=down,
        **sums,
    )
