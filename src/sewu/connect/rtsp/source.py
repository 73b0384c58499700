"""One camera as a `Source`: the poller with a single camera, waited for."""

from __future__ import annotations

from collections.abc import Iterator

from sewu.base.clock import Clock
from sewu.base.errors import StreamBroken
from sewu.base.records import Packet, StreamInfo
from sewu.connect.ffmpeg import without_login
from sewu.connect.rtsp.poller import RtspPoller, Transport

POLL_EVERY_S = 0.1
MAX_EARLY_PACKETS = 256


class RtspSource:
    """One camera's packets until the stream breaks; pictures come at most `POLL_EVERY_S` late.

    Args:
        url: may carry a log-in; it is never printed.

    Raises:
        Refused, CameraUnreachable, StreamBroken, BadSource: it does not play.
        StreamBroken: while iterating, when the stream stalls for 10 s or breaks; open a new source to try again.
    """

    duration_s: float | None = None

    def __init__(self, url: str, camera_id: str, clock: Clock, transport: Transport = "auto") -> None:
        self.camera_id, self.name = camera_id, without_login(url)
        self.faults: list[str] = []
        self._clock = clock
        self._poller = RtspPoller(clock, max_wait_s=0.0)
        self._poller.add(camera_id, url, transport=transport)
        self._early: list[Packet] = []
        try:
            while not self._early or (self._early[-1].stream.width_px is None and len(self._early) < MAX_EARLY_PACKETS):
                self._early += self._next()
        except BaseException:
            self._poller.close()
            raise
        self.stream: StreamInfo = self._early[-1].stream

    def __iter__(self) -> Iterator[Packet]:
        early, self._early = self._early, []
        yield from early
        while True:
            yield from self._next()

    def close(self) -> None:
        """Say goodbye."""
        self._poller.close()

    def _next(self) -> list[Packet]:
        """What has come now, after a wait when nothing has."""
        received = self._poller.poll()
        if received:
            return received[0][1]
        failure = self._poller.failure(self.camera_id)
        if failure is not None:
            raise failure
        if self.camera_id not in self._poller.states():
            raise StreamBroken(f"{self.name} is closed.", "Open it again.")
        self._clock.sleep(POLL_EVERY_S)
        return []
