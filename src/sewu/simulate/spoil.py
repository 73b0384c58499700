"""What goes wrong with a camera's pictures, done to a clip: when exactly, and what then reaches the viewer.

The server breaks cameras live (`server/faults.py`: connections, packets, clocks); this is for clips, and for the faults that only
pictures have. A fault is "kind@from-to", in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import av
import cv2
import numpy as np

from sewu.base.errors import BadSettings
from sewu.base.records import Image

SpoilKind = Literal[
    "frozen", "dark", "blurred", "covered", "moved", "rate_collapse", "bitrate_collapse", "clock_drift", "offline", "flapping",
]  # fmt: skip
SPOIL_KINDS: tuple[SpoilKind, ...] = get_args(SpoilKind)
DARK_GAIN, COLLAPSED_EVERY_S, FLAP_S, DRIFT_SHARE, STARVED_KBIT_S = 0.05, 2.0, 2.0, 0.02, 160
"""STARVED_KBIT_S: what is left for 1080p; other sizes in proportion."""
_FORM = re.compile(r"([a-z_]{1,20})@(\d{1,5}(?:\.\d{1,3})?)-(\d{1,5}(?:\.\d{1,3})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A fault and when it is on, seconds of the clip."""

    kind: SpoilKind
    start_s: float
    end_s: float


def spoiled(text: str) -> Spoiled:
    """Of "frozen@20-40".

    Raises:
        BadSettings: another form, an unknown kind, or an end that is not after the start.
    """
    match = _FORM.fullmatch(text.strip())
    kind = next((k for k in SPOIL_KINDS if match and match[1] == k), None)
    if match is None or kind is None:
        raise BadSettings(f"{text[:60]!r} is no fault.", f"Write kind@from-to in seconds, kind one of {', '.join(SPOIL_KINDS)}.")
    start_s, end_s = float(match[2]), float(match[3])
    if end_s <= start_s:
        raise BadSettings(f"The fault {text} ends before it starts.", "Write the earlier second first, as in frozen@20-40.")
    return Spoiled(kind, start_s, end_s)


class Spoiler:
    """Spoils the pictures of one clip, in order.

    Args:
        faults: not two at a time.
        rate_fps: of the clip. Faults begin and end at a picture.

    Raises:
        BadSettings: two faults overlap, or one begins after the clip ends.
    """

    def __init__(self, faults: Sequence[Spoiled], rate_fps: float, duration_s: float) -> None:
        self._rate_fps = rate_fps
        self.truth = [_on_pictures(fault, rate_fps, duration_s) for fault in sorted(faults, key=lambda f: f.start_s)]
        for before, after in zip(self.truth[:-1], self.truth[1:], strict=True):
            if after.start_s < before.end_s:
                raise BadSettings(f"{before.kind} and {after.kind} overlap.", "Give each fault a time of its own.")
        self._kept: Image | None = None
        self._starved: _Starved | None = None

    def pictures(self, image: Image, t_s: float) -> Iterator[tuple[Image, float]]:
        """What is seen instead of this picture, none or one, and its time stamp.

        image: uint8 (H, W, 3). t_s: when it was taken, seconds of the clip.
        """
        fault = next((f for f in self.truth if f.start_s - 1e-6 <= t_s < f.end_s - 1e-6), None)
        stamp_s = t_s + sum(
            DRIFT_SHARE * (min(t_s, f.end_s) - f.start_s) for f in self.truth if f.kind == "clock_drift" and t_s > f.start_s
        )
        if fault is None:
            self._kept, self._starved = image, None
            yield image, stamp_s
        elif not _is_lost(fault, t_s, self._rate_fps):
            yield self._changed(fault, image, t_s), stamp_s

    def _changed(self, fault: Spoiled, image: Image, t_s: float) -> Image:
        match fault.kind:
            case "frozen":
                self._kept = image if self._kept is None else self._kept
                return self._kept
            case "dark":
                return np.asarray(np.rint(image * DARK_GAIN), np.uint8)
            case "blurred":
                return np.asarray(cv2.GaussianBlur(image, (0, 0), image.shape[1] / 110), np.uint8)
            case "covered":
                return _covered(image, t_s)
            case "moved":
                return _moved(image)
            case "bitrate_collapse":
                self._starved = self._starved or _Starved(image.shape[1], image.shape[0], self._rate_fps)
                return self._starved.through(image)
            case _:
                return image


def _on_pictures(fault: Spoiled, rate_fps: float, duration_s: float) -> Spoiled:
    """From the first picture at or after its start to the first at or after its end."""
    if fault.start_s >= duration_s:
        raise BadSettings(f"{fault.kind} begins after the {duration_s:g} s of the clip.", "Choose an earlier time, or a longer clip.")
    start_s, end_s = (np.ceil(at * rate_fps - 1e-9) / rate_fps for at in (fault.start_s, min(fault.end_s, duration_s)))
    return Spoiled(fault.kind, round(float(start_s), 6), round(float(end_s), 6))


def _is_lost(fault: Spoiled, t_s: float, rate_fps: float) -> bool:
    since_s = t_s - fault.start_s
    if fault.kind == "flapping":
        return since_s % (2 * FLAP_S) < FLAP_S - 1e-6
    if fault.kind == "rate_collapse":
        return (since_s + 0.5 / rate_fps) % COLLAPSED_EVERY_S >= 1 / rate_fps
    return fault.kind == "offline"


def _covered(image: Image, t_s: float) -> Image:
    """A cloth over the lens: dim folds that stir a little, the scene shut out."""
    height, width = image.shape[:2]
    y, x = np.mgrid[0:height:8, 0:width:8].astype(np.float32) / width
    folds = 34 + 9 * np.sin(19 * x + 6 * y + 0.3 * np.sin(t_s * 0.9)) + 6 * np.sin(41 * y - 8 * x) + 2 * np.sin(t_s * 1.7)
    cloth = cv2.resize(folds, (width, height), interpolation=cv2.INTER_LINEAR)[..., None] * np.asarray([1.0, 0.92, 0.8], np.float32)
    return np.asarray(np.clip(np.rint(cloth), 0, 255), np.uint8)


def _moved(image: Image) -> Image:
    """The camera was pushed: turned by 8 degrees and aside by a tenth of the picture; nothing of its edge shows."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 8.0, 1.55)
    turn[:, 2] += (0.11 * width, 0.06 * height)
    return np.asarray(cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


class _Starved:
    """An encoder that gets far too few bits, and what a viewer sees of it: the real H.264 artefacts."""

    def __init__(self, width_px: int, height_px: int, rate_fps: float) -> None:
        kbit_s = max(8, round(STARVED_KBIT_S * width_px * height_px / (1920 * 1080)))
        self._encoder: Any = av.CodecContext.create("libx264", "w")
        self._encoder.width, self._encoder.height, self._encoder.pix_fmt = width_px, height_px, "yuv420p"
        self._encoder.framerate, self._encoder.bit_rate = Fraction(rate_fps).limit_denominator(1001), kbit_s * 1000
        self._encoder.thread_count = 1
        limits = f"vbv-maxrate={kbit_s}:vbv-bufsize={kbit_s}:keyint=50:rc-lookahead=0:sync-lookahead=0"
        self._encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": limits}
        self._decoder: Any = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1
        self._shown: Image | None = None

    def through(self, image: Image) -> Image:
        """The picture after encoding and decoding; the one before while the decoder still waits."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        for packet in self._encoder.encode(frame):
            for shown in self._decoder.decode(packet):
                self._shown = shown.to_ndarray(format="rgb24")
        return image if self._shown is None else self._shown
