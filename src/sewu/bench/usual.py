"""What watching a camera costs the usual ways: FFmpeg's demuxer, full decoding, and a detector on the pictures of that.

Each camera gets a thread of this process, as pipelines commonly do it; processor time of the whole process is what is
measured, so nothing else may run in it meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import av
import numpy as np

from sewu.base.clock import Clock
from sewu.base.errors import StreamBroken
from sewu.base.interfaces import Detector
from sewu.base.records import Frame

Way = Literal["demux", "decode", "usual"]
WAYS: tuple[Way, ...] = get_args(Way)
OPTIONS = {"rtsp_transport": "tcp", "probesize": "100000", "analyzeduration": "500000"}
OPEN_S, WARM_S, JOIN_S = 30.0, 2.0, 15.0
DETECT_FPS = 5.0


@dataclass(frozen=True, slots=True)
class UsualCost:
    """Processor milliseconds per camera and second of one way in one round; pictures and detector passes a camera and second."""

    way: Way
    ms_per_camera_s: float
    pictures_fps: float
    looks_fps: float


class _Camera(threading.Thread):
    """One camera, received and as far as the way goes decoded and looked at."""

    def __init__(self, url: str, way: Way, detector: Detector | None, stop: threading.Event) -> None:
        super().__init__(daemon=True, name="usual")
        self._url, self._way, self._detector, self._halt = url, way, detector, stop
        self.pictures = self.looks = 0
        self.is_open = threading.Event()

    def run(self) -> None:
        try:
            with av.open(self._url, options=OPTIONS, timeout=10.0) as container:
                video = container.streams.video[0]
                video.thread_type, video.codec_context.thread_count = "NONE", 1
                self._go_through(container, video)
        except av.FFmpegError:
            return  # `measure_usual` notices that it never opened, or counts what came until then

    def _go_through(self, container: Any, video: Any) -> None:
        due_s: float | None = None
        for packet in container.demux(video):
            if self._halt.is_set():
                return
            self.is_open.set()
            if self._way == "demux":
                self.pictures += bool(packet.size)
                continue
            for picture in packet.decode():
                self.pictures += 1
                if self._way == "decode" or self._detector is None:
                    continue
                image = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)  # every picture, as `VideoCapture.read` does
                at_s = float(picture.time or 0.0)
                if due_s is None or at_s >= due_s - 0.01:
                    due_s = max(at_s, due_s or at_s) + 1 / DETECT_FPS
                    self._detector.detect([Frame(self._url, at_s, image)])
                    self.looks += 1


def measure_usual(way: Way, urls: Sequence[str], make: Callable[[], Detector], seconds: float, clock: Clock) -> UsualCost:
    """Watch these cameras that way for `seconds`, after they all play.

    Args:
        make: a detector for each camera, for the way "usual".

    Raises:
        StreamBroken: not every camera played.
    """
    stop = threading.Event()
    cameras = [_Camera(url, way, make() if way == "usual" else None, stop) for url in urls]
    try:
        for camera in cameras:
            camera.start()
        deadline_s = clock.steady_s() + OPEN_S
        while not all(camera.is_open.wait(0.05) for camera in cameras):
            if clock.steady_s() > deadline_s or not all(camera.is_alive() for camera in cameras):
                raise StreamBroken("Not every camera played through PyAV.", "Measure fewer cameras.")
        clock.sleep(WARM_S)
        before = [(camera.pictures, camera.looks) for camera in cameras]
        started_s, cpu_s = clock.steady_s(), clock.cpu_s()
        clock.sleep(seconds)
        used_s, elapsed_s = clock.cpu_s() - cpu_s, clock.steady_s() - started_s
        pictures = sum(camera.pictures for camera in cameras) - sum(count for count, _ in before)
        seen = sum(camera.looks for camera in cameras) - sum(count for _, count in before)
    finally:
        stop.set()
        for camera in cameras:
            camera.join(JOIN_S)
    share = 1.0 / (len(urls) * elapsed_s)
    return UsualCost(way, 1e3 * used_s * share, pictures * share, seen * share)
