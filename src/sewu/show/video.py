"""The annotated copy of a source: boxes, zones, time, and what is going on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sewu.base.records import Event, Packet
from sewu.base.space import Scene
from sewu.decode.recorder import VideoRecorder
from sewu.flow import Ending, Look
from sewu.show.gather import MASKED
from sewu.show.mask import blur_people
from sewu.show.overlay import draw_alarm, draw_scene, draw_tracks


class AnnotatedVideo:
    """A listener that records what was seen; heads are made unrecognisable."""

    def __init__(self, path: Path, scene: Scene | None, rate_fps: float) -> None:
        self._path, self._scene, self._rate_fps = path, scene, rate_fps
        self._recorder: VideoRecorder | None = None
        self._open: dict[str, Event] = {}

    def on_packet(self, packet: Packet) -> None:
        """Nothing."""

    def on_look(self, look: Look) -> None:
        for event in look.events:
            if event.phase == "end":
                self._open.pop(event.id, None)
            else:
                self._open[event.id] = event
        people = look.detections.boxes_px[np.isin(look.detections.classes, MASKED)]
        image = blur_people(look.frame.image, people)
        if self._scene is not None and look.view_ok:
            image = draw_scene(image, self._scene.scaled_to(look.frame.size_px))
        image = draw_tracks(image, look.tracks)
        for event in self._open.values():
            image = draw_alarm(image, event.box_px, event.kind.replace("_", " "))
        if self._recorder is None:
            self._recorder = VideoRecorder(self._path, look.frame.size_px, self._rate_fps)
        self._recorder.add(image, look.frame.at_s)

    def on_end(self, at_s: float, ending: Ending) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
