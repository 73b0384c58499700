"""Packets of one camera in, upright BGR frames out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter

from sewu.base.errors import BadSource
from sewu.base.records import Frame, Image, Packet, StreamInfo

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
MAX_SIDE_PX = 16_384
MAX_REORDER = 17
"""H.264 and H.265 hold back 16 pictures at most."""
MAX_REORDER_S = 2.0
LEAST_STEP_S = 0.001


class Decoder:
    """Decodes one camera's stream.

    Args:
        keyframes_only: other packets never reach the decoder.
        max_rate_fps: frames nearer together than this are decoded (the next ones need them) but not converted.
        max_width_px: wider pictures are scaled down while they are converted, which costs nothing more.
        skip_loop_filter: leave out deblocking: cheaper, a little blockier.

    A packet that cannot be decoded is counted in `faults`; the stream goes on at the next one that can.
    """

    def __init__(
        self,
        stream: StreamInfo,
        keyframes_only: bool = False,
        max_rate_fps: float | None = None,
        max_width_px: int | None = None,
        skip_loop_filter: bool = False,
    ) -> None:
        self._stream, self._keyframes_only, self._max_rate_fps = stream, keyframes_only, max_rate_fps
        self._max_width_px, self._skip_loop_filter = max_width_px, skip_loop_filter
        self._context = self._created()
        # One scaler for the camera's life: making one per picture costs more than decoding it.
        self._reformatter = VideoReformatter()
        self._times: dict[int, tuple[str, float, bool]] = {}
        self._last_at_s: float | None = None
        self._last_pts: int | None = None
        self._last_moment_s: float | None = None
        self._in_order = False
        self.faults = 0

    def decode(self, packet: Packet) -> Iterator[Frame]:
        """Frames that this packet completed: none, one, or several where pictures were reordered."""
        if self._keyframes_only and not packet.is_keyframe:
            return
        raw = av.Packet(packet.data)
        raw.pts, raw.dts, raw.time_base = packet.pts, packet.dts, packet.stream.time_base
        self._times[packet.pts] = (packet.camera_id, packet.at_s, packet.is_keyframe)
        if len(self._times) > MAX_REORDER:
            self._times.pop(min(self._times))
        yield from self._drained(raw)
        if self._keyframes_only:  # a lone keyframe waits in the decoder for the next; ask for it now
            yield from self._drained(None)
            self._context.flush_buffers()

    def flush(self) -> Iterator[Frame]:
        """What is still inside at the end of the stream."""
        if not self._keyframes_only:
            yield from self._drained(None)

    def _drained(self, raw: Any) -> Iterator[Frame]:
        try:
            pictures = self._context.decode(raw)
        except FFmpegError:
            self.faults += raw is not None
            return
        for picture in pictures:
            self.faults += bool(picture.is_corrupt)
            frame = self._frame(picture)
            if frame is not None:
                yield frame

    def _frame(self, picture: Any) -> Frame | None:
        known = self._moment(picture.pts)
        if known is None or not (0 < picture.width <= MAX_SIDE_PX and 0 < picture.height <= MAX_SIDE_PX):
            self.faults += 1
            return None
        camera_id, at_s, is_keyframe = known
        if self._max_rate_fps and self._last_at_s is not None and 0 <= at_s - self._last_at_s < 0.98 / self._max_rate_fps:
            return None
        self._last_at_s = at_s if self._last_at_s is None or not self._max_rate_fps else self._next_mark(at_s)
        return Frame(camera_id, at_s, self._converted(picture), is_keyframe)

    def _moment(self, pts: int | None) -> tuple[str, float, bool] | None:
        """Camera, capture time and kind of the picture that carries `pts`; None when no packet had it.

        Pictures come out in the order they were taken. Containers without presentation times (AVI) give each picture
        its decoding time instead, which then runs backwards; from there on, times are handed out in order.
        """
        if not self._times:
            return None
        if pts is None or (self._last_pts is not None and pts <= self._last_pts):
            self._in_order = True
        chosen = min(self._times) if self._in_order else pts
        known = self._times.pop(chosen, None) if chosen is not None else None
        if known is None or chosen is None:
            return None
        camera_id, at_s, is_keyframe = known
        if self._in_order and self._last_moment_s is not None and self._last_moment_s - MAX_REORDER_S < at_s <= self._last_moment_s:
            at_s = self._last_moment_s + LEAST_STEP_S
        self._last_pts, self._last_moment_s = chosen, at_s
        return camera_id, at_s, is_keyframe

    def _next_mark(self, at_s: float) -> float:
        """Marks stand on a grid, so that 4 a second out of 12.5 are four on average, not three."""
        assert self._last_at_s is not None and self._max_rate_fps
        step_s = 1 / self._max_rate_fps
        mark_s = self._last_at_s + step_s
        return mark_s if abs(at_s - mark_s) < step_s else at_s

    def _converted(self, picture: Any) -> Image:
        width, height = picture.width, picture.height
        if self._max_width_px and width > self._max_width_px:
            width, height = self._max_width_px, max(1, round(height * self._max_width_px / width))
        image: Image = np.asarray(self._reformatter.reformat(picture, width=width, height=height, format="bgr24").to_ndarray(), np.uint8)
        turn = TURNS.get(self._stream.rotation_deg)
        return image if turn is None else np.asarray(cv2.rotate(image, turn), np.uint8)

    def _created(self) -> Any:
        try:
            context = av.CodecContext.create(self._stream.codec, "r")
        except (FFmpegError, ValueError) as error:
            raise BadSource(f"There is no decoder for {self._stream.codec!r}.", "Set the camera to H.264 or H.265.") from error
        context.extradata = self._stream.extradata or None
        context.thread_type, context.thread_count = "NONE", 1
        if self._skip_loop_filter:
            context.options = {"skip_loop_filter": "all"}
        return context
