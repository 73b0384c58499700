"""One stream of one camera while somebody watches: which picture is due, who gets it, what its packets say.

A camera is live: its position in the loop depends on the time alone, not on who watches. Main and sub stream of a
camera share the epoch and the phase, so that both, the sender reports and the loop's truth tell the same time.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sewu.simulate.server.faults import LINK_FAULTS, ActiveFault
from sewu.simulate.server.media import CLOCK_HZ, FRAMING_BYTES, HEADER_BYTES, Media, Picture, packet_ranges

NTP_OFFSET_S = 2_208_988_800
"""From 1900, where NTP begins, to 1970 (RFC 5905)."""
MAX_BEHIND_S = 2.0
"""A server later than this skips to the present instead of flooding its clients."""
REPORT_EVERY_S = 5.0
"""Distance of sender reports (RFC 3550 section 6.2)."""
LATE_BINS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Upper edges of the lateness histogram; one more bin holds what is later."""


class Sink(Protocol):
    """Where packets go: one client of one stream."""

    channel: int
    wants_keyframe: bool
    packets: int
    octets: int
    dropped: int
    next_report_s: float

    def has_room(self) -> bool: ...

    def send(self, block: bytearray, picture: Picture) -> None: ...

    def send_packets(self, block: bytes, ranges: Sequence[tuple[int, int]]) -> None:
        """Packets that are no longer one whole picture; ranges are of RTP header and payload."""
        ...

    def send_noise(self, noise: bytes) -> None: ...

    def send_report(self, packet: bytes) -> None: ...


@dataclass(slots=True)
class Counts:
    """What one server sent, and how late."""

    pictures: int = 0
    dropped: int = 0
    skipped: int = 0
    bytes_sent: int = 0
    late: list[int] = field(default_factory=lambda: [0] * (len(LATE_BINS_S) + 1))
    latest_s: float = 0.0

    def note_lateness(self, late_s: float) -> None:
        index = 0
        while index < len(LATE_BINS_S) and late_s > LATE_BINS_S[index]:
            index += 1
        self.late[index] += 1
        self.latest_s = max(self.latest_s, late_s)


@dataclass(frozen=True, slots=True)
class Epoch:
    """The moment the server started, on both clocks."""

    steady_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells this stream's packets from another's."""

    ssrc: int
    first_sequence: int
    first_timestamp: int
    cname: str


class Playing:
    """One stream of one camera. Position is (repeat, index) of the next picture."""

    def __init__(self, media: Media, epoch: Epoch, phase_s: float, identity: Identity, counts: Counts) -> None:
        self.media = media
        self.identity = identity
        self.epoch = epoch
        self.phase_ticks = round(phase_s * CLOCK_HZ)
        self.sinks: list[Sink] = []
        self.fault: ActiveFault | None = None
        self.thin: Media | None = None
        """The same pictures at a collapsed bit rate, while that fault is on and they are ready."""
        self._counts = counts
        self._sequence = identity.first_sequence
        self._repeat, self._index = 0, 0
        self._frozen: Picture | None = None

    # Time

    def ticks_at(self, steady_s: float) -> int:
        """Position on the endless tape, 90 kHz ticks from repeat 0's beginning."""
        return int((steady_s - self.epoch.steady_s) * CLOCK_HZ) + self.phase_ticks

    def due_s(self) -> float:
        """Steady time at which the next picture is to be sent."""
        ticks = self._repeat * self.media.loop_ticks + self.media.due[self._index] - self.phase_ticks
        return self.epoch.steady_s + ticks / CLOCK_HZ

    def rtp_at(self, steady_s: float) -> int:
        """The RTP timestamp that stands for this moment, before it is cut to 32 bits."""
        drift = round(self.fault.drift_s(steady_s) * CLOCK_HZ) if self.fault else 0
        return self.identity.first_timestamp + self.ticks_at(steady_s) + drift

    def seek(self, steady_s: float) -> None:
        """Make the first picture due at or after this time the next one."""
        media, ticks = self.media, self.ticks_at(steady_s)
        self._repeat = (ticks - media.due[0]) // media.loop_ticks
        self._index = media.first_due(ticks - self._repeat * media.loop_ticks)
        if self._index == len(media.pictures):
            self._repeat, self._index = self._repeat + 1, 0

    def start_of(self, steady_s: float) -> tuple[int, int]:
        """Sequence number and RTP timestamp of the next keyframe, for `RTP-Info` (RFC 2326 section 12.33)."""
        if not self.sinks:
            self.seek(steady_s)
        repeat, index, sequence = self._repeat, self._index, self._sequence
        for _ in range(len(self.media.pictures)):
            picture = self.media.pictures[index]
            if picture.is_keyframe:
                break
            sequence += picture.packets
            index += 1
            if index == len(self.media.pictures):
                repeat, index = repeat + 1, 0
        ticks = repeat * self.media.loop_ticks + self.media.pictures[index].pts_ticks
        return sequence & 0xFFFF, (self.identity.first_timestamp + ticks) & 0xFFFFFFFF

    # Sending

    def send_due(self, steady_s: float) -> None:
        """Send every picture whose time has come."""
        if steady_s - self.due_s() > MAX_BEHIND_S:
            before = self._repeat * len(self.media.pictures) + self._index
            self.seek(steady_s)
            self._counts.skipped += self._repeat * len(self.media.pictures) + self._index - before
            for sink in self.sinks:
                sink.wants_keyframe = True
        while (due_s := self.due_s()) <= steady_s:
            self._send(steady_s, steady_s - due_s)
            self._index += 1
            if self._index == len(self.media.pictures):
                self._repeat, self._index = self._repeat + 1, 0
        for sink in self.sinks:
            if steady_s >= sink.next_report_s and sink.packets:
                self.report(sink, steady_s)

    def _send(self, steady_s: float, late_s: float) -> None:
        media = self.thin or self.media
        picture = media.pictures[self._index]
        ticks = self._repeat * self.media.loop_ticks + picture.pts_ticks
        if self.fault is not None:
            chosen = self._through_fault(picture, steady_s)
            if chosen is None:
                return
            picture = chosen
            ticks += round(self.fault.drift_s(steady_s) * CLOCK_HZ)
        timestamp = (self.identity.first_timestamp + ticks) & 0xFFFFFFFF
        sequence, counts = self._sequence, self._counts
        self._sequence = (sequence + picture.packets) & 0xFFFF
        blocks: dict[int, bytearray] = {}
        for sink in self.sinks:
            if sink.wants_keyframe and not picture.is_keyframe:
                continue
            if not sink.has_room():
                sink.dropped += 1
                counts.dropped += 1
                sink.wants_keyframe = True
                continue
            if sink.wants_keyframe:
                sink.wants_keyframe = False
                if not sink.packets:
                    self.report(sink, steady_s)
            block = blocks.get(sink.channel)
            if block is None:
                block = blocks[sink.channel] = picture.stamped(sink.channel, sequence, timestamp, self.identity.ssrc)
            self._deliver(sink, block, picture)
            sink.packets += picture.packets
            sink.octets += picture.payload_bytes
            counts.pictures += 1
            counts.bytes_sent += len(block)
            counts.note_lateness(late_s)

    def _deliver(self, sink: Sink, block: bytearray, picture: Picture) -> None:
        if self.fault is None or self.fault.kind not in ("drop", "corrupt"):
            sink.send(block, picture)
            return
        ranges = packet_ranges(picture)
        struck = self.fault.hit(len(ranges))
        if self.fault.kind == "drop":
            sink.send_packets(bytes(block), [r for r, gone in zip(ranges, struck, strict=True) if not gone])
            return
        spoilt = bytearray(block)
        for (start, end), hit in zip(ranges, struck, strict=True):
            if hit:
                # Beyond the RTP and the payload header, so that the damage reaches the decoder.
                body = min(start + HEADER_BYTES + 3, end - 1)
                length = min(8, end - body)
                spoilt[body : body + length] = self.fault.noise(length)
        sink.send_packets(bytes(spoilt), ranges)

    def _through_fault(self, picture: Picture, steady_s: float) -> Picture | None:
        """What is sent in this picture's place; None for nothing."""
        fault = self.fault
        if fault is None:
            return picture
        if fault.kind == "garbage":
            for sink in self.sinks:
                sink.send_noise(fault.noise(FRAMING_BYTES + 200))
            return None
        if fault.kind in LINK_FAULTS or fault.is_down(steady_s):
            return None
        if fault.kind == "rate_collapse":
            return picture if picture.is_keyframe else None
        if fault.kind == "frozen":
            if self._frozen is None:
                first = max((k for k in self.media.keyframes if k <= self._index), default=self.media.keyframes[0])
                self._frozen = self.media.pictures[first]
            return self._frozen
        if fault.kind == "slow" and not fault.fits(len(picture.template), steady_s):
            for sink in self.sinks:
                sink.dropped += 1
                self._counts.dropped += 1
                sink.wants_keyframe = True
            return None
        return picture

    def set_fault(self, fault: ActiveFault | None) -> None:
        """Begin or end a fault; afterwards every client starts again at a keyframe."""
        self.fault = fault
        self.thin = None
        self._frozen = None
        if fault is None:
            for sink in self.sinks:
                sink.wants_keyframe = True

    # RTCP

    def report(self, sink: Sink, steady_s: float) -> None:
        """Send a sender report and the canonical name (RFC 3550 sections 6.4.1, 6.5.1)."""
        sink.next_report_s = steady_s + REPORT_EVERY_S
        if self.fault is not None and (self.fault.kind in LINK_FAULTS or self.fault.is_down(steady_s)):
            return
        sink.send_report(sender_report(self, sink, steady_s))


def sender_report(playing: Playing, sink: Sink, steady_s: float) -> bytes:
    """SR and SDES: which wall-clock time the RTP timestamps stand for, as the camera's clock has it."""
    error_s = playing.fault.clock_error_s(steady_s) if playing.fault else 0.0
    # One position is used for both sides, so that their relation is exact to the tick.
    ticks = playing.ticks_at(steady_s)
    at_s = playing.epoch.wall_s + (ticks - playing.phase_ticks) / CLOCK_HZ + error_s + NTP_OFFSET_S
    seconds = int(at_s)
    fraction = int((at_s - seconds) * 2**32) & 0xFFFFFFFF
    ssrc = playing.identity.ssrc
    report = struct.pack(
        ">BBHIIIIII",
        0x80, 200, 6, ssrc, seconds & 0xFFFFFFFF, fraction,
        playing.rtp_at(steady_s) & 0xFFFFFFFF, sink.packets & 0xFFFFFFFF, sink.octets & 0xFFFFFFFF,
    )  # fmt: skip
    name = playing.identity.cname.encode()[:255]
    item = bytes([1, len(name)]) + name + b"\0"
    item += bytes(-len(item) % 4)
    return report + struct.pack(">BBHI", 0x81, 202, (4 + len(item)) // 4, ssrc) + item
