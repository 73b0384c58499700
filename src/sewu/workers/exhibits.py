"""Evidence of live events: a still, and a clip from before the event was noticed until after it, out of the ring.

A clip is a fragmented MP4 that grows as packets come, so what a crash leaves of it can be played. Per tick only so
much is written, whatever happens on all cameras at once; a full disk costs evidence, never the watch.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import cv2
import structlog

from sewu.base.clock import Clock, iso_utc
from sewu.base.errors import SewuError
from sewu.base.records import Event, Image, Packet
from sewu.connect.fragments import FragmentedMp4
from sewu.connect.ring import continuous, last_run
from sewu.flow import Look
from sewu.store.files import refused, write_whole

log = structlog.get_logger()

JPEG_QUALITY = 90
MAX_CLIP_S = 60.0
"""A clip that follows an event to its end is not longer than this, however long the event lasts."""
PATIENCE_S = 10.0
"""A clip whose camera sends nothing for so long after it should be complete is closed as it is."""
MAX_STILLS = 500
"""Stills that wait to be written; beyond it they are given up."""
STILL_COST_BYTES = 256 << 10
"""What a still counts at least: it is made safe on the disk by itself, which takes longer than its bytes."""
MAX_WAITING_BYTES = 64 << 20
"""Packets that wait to be written, all clips together; beyond it a new clip is given up."""


def exhibit_name(event: Event, kind: Literal["still", "clip"]) -> str:
    """Where an event's still or clip is within the watch's folder, if it has one."""
    return f"evidence/{iso_utc(event.started_at_s)[:10]}/{event.id}{'.jpg' if kind == 'still' else '.mp4'}"


class Packets(Protocol):
    """Where the last seconds of a camera are; see `sewu.connect.ring`."""

    def clip(self, camera_id: str, from_s: float, to_s: float) -> list[Packet]: ...


@dataclass
class _Clip:
    """One file under way. `until_s`: capture time of its last packet. `close_at_s`: steady time at which it is closed in any case."""

    camera_id: str
    path: Path
    muxer: FragmentedMp4
    waiting: list[Packet]
    last: Packet
    from_s: float
    until_s: float
    close_at_s: float
    written_bytes: int = 0
    complete: bool = False

    @property
    def waiting_bytes(self) -> int:
        return sum(len(packet.data) for packet in self.waiting)


@dataclass
class Exhibits:
    """Stills and clips of one worker's events, under `folder/evidence/DAY/`.

    Args:
        before_s, after_s: how much of a clip lies before the event was noticed and after that, or after its end if that is later.

    `stills`, `clips`: how many were written; `missed`: stills and clips given up. `fault`: why the last write failed, None when it did not.
    """

    folder: Path
    ring: Packets
    clock: Clock
    before_s: float = 6.0
    after_s: float = 6.0
    stills: int = 0
    clips: int = 0
    missed: int = 0
    fault: SewuError | None = None
    _stills: deque[tuple[Path, bytes]] = field(default_factory=deque)
    _open: dict[str, _Clip] = field(default_factory=dict)
    _named: dict[str, dict[str, str]] = field(default_factory=dict)

    def take(self, look: Look) -> list[Event]:
        """The look's events, with the names of their evidence as labels `still` and `clip`, relative to `folder`."""
        for event in look.events:
            if event.phase == "start":
                self._named[event.id] = self._begin(event, look.frame.image)
        return self.named(look.events)

    def named(self, events: Sequence[Event]) -> list[Event]:
        """Events with the names of the evidence that they have."""
        found = []
        for event in events:
            names = self._named.get(event.id)
            if names is None:  # it began before this worker did
                names = {kind: name for kind, name in self._names(event).items() if (self.folder / name).is_file()}
                self._named[event.id] = names
            if event.phase == "end":
                self._named.pop(event.id)
                self._extend(event)
            found.append(replace(event, labels={**event.labels, **names}) if names else event)
        return found

    def work(self, budget_bytes: int) -> None:
        """Write what has come since the last call, stills first, then the oldest clips; little more than `budget_bytes`."""
        now_s = self.clock.steady_s()
        while self._stills and budget_bytes > 0:
            path, data = self._stills.popleft()
            budget_bytes -= max(STILL_COST_BYTES, len(data))
            self._write_still(path, data)
        for event_id, clip in list(self._open.items()):
            self._collect(clip, now_s)
            if budget_bytes <= 0:
                continue
            budget_bytes -= clip.waiting_bytes
            if not self._write(clip):
                del self._open[event_id]
                self.missed += 1
            elif clip.complete and not clip.waiting:
                del self._open[event_id]
                self.clips += 1

    def close(self) -> None:
        """Write what waits and leave the clips as they are."""
        while self._stills:
            self._write_still(*self._stills.popleft())
        for clip in self._open.values():
            if self._write(clip):
                self.clips += 1
        self._open.clear()

    def _names(self, event: Event) -> dict[str, str]:
        return {"still": exhibit_name(event, "still"), "clip": exhibit_name(event, "clip")}

    def _begin(self, event: Event, image: Image) -> dict[str, str]:
        names = self._names(event)
        kept: dict[str, str] = {}
        if len(self._stills) < MAX_STILLS:
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            self._stills.append((self.folder / names["still"], data.tobytes()))
            kept["still"] = names["still"]
        else:
            self.missed += 1
        if self._cut(event, self.folder / names["clip"]):
            kept["clip"] = names["clip"]
        return kept

    def _write_still(self, path: Path, data: bytes) -> None:
        try:
            write_whole(path, data)
            self.stills += 1
            self.fault = None
        except SewuError as error:
            self.missed += 1
            self._failed(error)

    def _cut(self, event: Event, path: Path) -> bool:
        """Take the seconds before the event out of the ring; False where there is nothing to be had."""
        packets = last_run(self.ring.clip(event.camera_id, event.at_s - self.before_s, event.at_s + self.after_s))
        held = sum(clip.waiting_bytes for clip in self._open.values()) + sum(len(packet.data) for packet in packets)
        if not packets or held > MAX_WAITING_BYTES:
            self.missed += 1
            return False
        try:
            muxer = FragmentedMp4(packets[0])
        except SewuError as error:
            self.missed += 1
            log.warning("no clip can be made", camera=event.camera_id, event_id=event.id, reason=error.what)
            return False
        until_s = event.at_s + self.after_s
        close_at_s = self.clock.steady_s() + self.after_s + PATIENCE_S
        self._open[event.id] = _Clip(event.camera_id, path, muxer, packets, packets[-1], event.at_s, until_s, close_at_s)
        return True

    def _extend(self, event: Event) -> None:
        """The event has ended while its clip is under way: the clip goes on for `after_s` from here, within its bound."""
        clip = self._open.get(event.id)
        if clip is not None and not clip.complete:
            until_s = min(event.at_s + self.after_s, clip.from_s + MAX_CLIP_S)
            clip.close_at_s += max(0.0, until_s - clip.until_s)
            clip.until_s = max(clip.until_s, until_s)

    def _collect(self, clip: _Clip, now_s: float) -> None:
        if clip.complete:
            return
        for packet in self.ring.clip(clip.camera_id, clip.last.at_s, clip.until_s):
            if packet.dts <= clip.last.dts and packet.stream == clip.last.stream:
                continue
            if not continuous(clip.last, packet) or not clip.muxer.fits(packet):
                clip.complete = True  # the camera began another stream, which has no place in this file
                break
            clip.waiting.append(packet)
            clip.last = packet
        newest = self.ring.clip(clip.camera_id, clip.until_s, clip.until_s + self.after_s)
        clip.complete |= now_s >= clip.close_at_s or bool(newest and newest[-1].at_s > clip.until_s)

    def _write(self, clip: _Clip) -> bool:
        """Append what waits; what a full disk took only half of is taken back."""
        packets, clip.waiting = clip.waiting, []
        if not packets:
            return True
        data = (b"" if clip.written_bytes else clip.muxer.init) + clip.muxer.fragment(packets)
        try:
            clip.path.parent.mkdir(parents=True, exist_ok=True)
            with clip.path.open("ab" if clip.written_bytes else "wb", buffering=0) as file:
                if file.write(data) < len(data):
                    raise OSError(28, "No space left on device")
                if clip.complete:
                    os.fdatasync(file.fileno())
        except OSError as error:
            with suppress(OSError):
                os.truncate(clip.path, clip.written_bytes)
                if clip.written_bytes == 0:
                    clip.path.unlink()
            self._failed(refused(clip.path, error))
            return False
        clip.written_bytes += len(data)
        self.fault = None
        return True

    def _failed(self, error: SewuError) -> None:
        if self.fault is None:
            log.warning("evidence could not be written; watching goes on", reason=error.what, advice=error.advice)
        self.fault = error
