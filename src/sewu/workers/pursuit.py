"""One followed camera: every packet decoded from a keyframe on, pictures given at a rate, and a way back after falling behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sewu.base.errors import SewuError
from sewu.base.records import Frame, Packet, StreamInfo
from sewu.flow import FrameDecoder

MAX_LAG_S = 4.0
"""A camera that waits for longer than this is taken up again at its newest keyframe."""
BEHIND_S = 1.0
"""Following that leaves more than this waiting does not keep up."""
ON_TIME = 0.95
"""A picture this share of a step after the last one is due: cameras do not send on our clock."""


class Pursuit:
    """Packets of one camera in, its due pictures out.

    Args:
        make_decoder: called at every start and restart, so that nothing of an older group of pictures is left inside.
        packets: the group of pictures under way, from its keyframe on; older packets of it are needed to decode the newer.
        after_s: pictures up to this moment were looked at already.
    """

    def __init__(self, make_decoder: Callable[[StreamInfo], FrameDecoder], packets: Sequence[Packet], after_s: float | None) -> None:
        self._make_decoder, self._after_s = make_decoder, after_s
        self._decoder: FrameDecoder | None = None
        self._stream: StreamInfo | None = None
        self._waiting: list[Packet] = list(packets)

    def add(self, packets: Sequence[Packet]) -> None:
        """Packets that just arrived. Waiting packets are bounded in time where the camera sends keyframes."""
        self._waiting.extend(packets)
        if self.waiting_s > MAX_LAG_S:
            newest = max((index for index, packet in enumerate(self._waiting) if packet.is_keyframe), default=0)
            if newest:
                self._restart(self._waiting[newest:])

    @property
    def waiting_s(self) -> float:
        """How much of the stream waits to be decoded, seconds."""
        return self._waiting[-1].at_s - self._waiting[0].at_s if self._waiting else 0.0

    def resume_at(self, keyframe: Packet) -> None:
        """Go on from this keyframe, which was looked at: what waits from before it is left out."""
        self._after_s = keyframe.at_s
        self._restart([packet for packet in self._waiting if packet.at_s >= keyframe.at_s])

    def frames(self, step_s: float) -> list[Frame]:
        """Decode what waits; the pictures at least `step_s` apart. Raises what the decoder raises."""
        packets, self._waiting = self._waiting, []
        due: list[Frame] = []
        for packet in packets:
            if self._decoder is None or packet.stream is not self._stream:
                if not packet.is_keyframe:
                    continue
                self._decoder, self._stream = self._make_decoder(packet.stream), packet.stream
            try:
                due += [frame for frame in self._decoder.decode(packet) if self._is_due(frame.at_s, step_s)]
            except SewuError:
                self._decoder = None  # what it holds is of no use; the next keyframe begins anew
                raise
        return due

    def _is_due(self, at_s: float, step_s: float) -> bool:
        """Whether to look at this picture. One from shortly before was seen already; from long before, the clock was set back."""
        if self._after_s is not None and -MAX_LAG_S <= at_s - self._after_s < step_s * ON_TIME:
            return False
        self._after_s = at_s
        return True

    def _restart(self, packets: list[Packet]) -> None:
        self._decoder, self._stream = None, None
        self._waiting = packets
