"""What can go wrong with a camera, on command.

A fault is one of three sorts: what the camera does when asked (`refuse`, `garbage`, ...), what becomes of its
pictures (`frozen`, `drop`, ...), and what its clock says (`clock_drift`). A camera has at most one at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
from pydantic import field_validator

from sewu.base.errors import BadSettings
from sewu.base.settings import Settings, validate

FaultKind = Literal[
    "refuse",
    "offline",
    "half_open",
    "stall",
    "slow",
    "drop",
    "corrupt",
    "wrong_password",
    "frozen",
    "rate_collapse",
    "bitrate_collapse",
    "clock_drift",
    "flapping",
    "redirect",
    "huge_sdp",
    "garbage",
    "udp_only",
]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

FAULT_MEANINGS: Mapping[FaultKind, str] = {
    "refuse": "connections are reset, playing ones too",
    "offline": "as if the power was cut: nothing is answered or sent any more, and nothing is closed",
    "half_open": "everything is answered up to PLAY, then silence, and the connection stays open",
    "stall": "no more pictures; requests are answered",
    "slow": "answers come `delay_s` late, pictures at most at `kbit_s`; what does not fit is lost until a keyframe fits",
    "drop": "this `share` of the RTP packets is missing",
    "corrupt": "this `share` of the RTP packets has wrong bytes in its payload",
    "wrong_password": "the password was changed: every login fails",
    "frozen": "one keyframe is sent again and again, at the usual times",
    "rate_collapse": "only keyframes are sent",
    "bitrate_collapse": "the encoder falls to `kbit_s`: blocks instead of detail",
    "clock_drift": "the camera's clock jumps by `offset_s` and then runs `ppm` too fast",
    "flapping": "reachable for `up_s`, then as with `refuse` for `down_s`, and so on",
    "redirect": "every DESCRIBE is sent on to yet another address of the same camera",
    "huge_sdp": "the description claims 7680 x 4320 and carries `padding_bytes` of unknown attributes",
    "garbage": "noise instead of answers and instead of pictures",
    "udp_only": "packets are sent over UDP only: to ask for them within the RTSP connection is refused",
}

LINK_FAULTS: frozenset[FaultKind] = frozenset({"refuse", "offline", "half_open", "stall", "garbage"})
"""While one of these is on, no picture leaves the camera (with `garbage`, noise does)."""


class Fault(Settings):
    """One fault and how strong it is. Fields that its kind does not use are ignored."""

    kind: FaultKind
    """What goes wrong."""
    share: float = 0.05
    """Of RTP packets, for `drop` and `corrupt`; 0 to 1."""
    delay_s: float = 2.0
    """How late answers come, for `slow`."""
    kbit_s: float = 64.0
    """Bit rate, for `slow` and `bitrate_collapse`."""
    offset_s: float = 30.0
    """Jump of the clock, for `clock_drift`."""
    ppm: float = 500.0
    """How much too fast the clock runs, in millionths, for `clock_drift`."""
    up_s: float = 10.0
    """How long it is reachable, for `flapping`."""
    down_s: float = 10.0
    """How long it is not, for `flapping`."""
    padding_bytes: int = 8192
    """Size of the useless part of the description, for `huge_sdp`."""

    @field_validator("share")
    @classmethod
    def _is_a_share(cls, value: float) -> float:
        if not 0 <= value <= 1:
            raise ValueError("must be from 0 to 1")
        return value

    @field_validator("delay_s", "kbit_s", "up_s", "down_s")
    @classmethod
    def _is_positive(cls, value: float) -> float:
        if not 0 < value <= 1e6:
            raise ValueError("must be more than 0")
        return value

    @field_validator("offset_s", "ppm")
    @classmethod
    def _is_bounded(cls, value: float) -> float:
        if abs(value) > 1e6:
            raise ValueError("must be within a million")
        return value

    @field_validator("padding_bytes")
    @classmethod
    def _is_a_size(cls, value: int) -> int:
        if not 0 <= value <= 1 << 24:
            raise ValueError("must be at most 16 MiB")
        return value


def fault(kind: str, values: Mapping[str, object] | None = None) -> Fault:
    """A fault by name; "frame-rate-collapse" and the like are understood.

    Raises:
        BadSettings: unknown kind or value; names what there is.
    """
    name = kind.strip().lower().replace("-", "_").replace(" ", "_")
    name = {"frame_rate_collapse": "rate_collapse", "8k_sdp": "huge_sdp", "endless_redirect": "redirect"}.get(name, name)
    if name not in FAULT_KINDS:
        raise BadSettings(f"There is no fault {kind!r}.", f"Choose one of: {', '.join(FAULT_KINDS)}; or none.")
    return validate(Fault, {"kind": name, **(values or {})}, f"the fault {name}")


class ActiveFault:
    """A fault of one camera since a moment. Random choices are seeded by camera and kind, so that they repeat."""

    def __init__(self, camera_id: str, what: Fault, since_s: float) -> None:
        self.what = what
        self.kind = what.kind
        self.since_s = since_s
        self._random = np.random.default_rng(zlib.crc32(f"{camera_id}:{what.kind}".encode()))
        self._sent_bits = 0.0
        self.trouble: str | None = None
        """Why it could not be brought about, if so."""

    def is_down(self, steady_s: float) -> bool:
        """Whether connections are reset now (`refuse`, and `flapping` in its second part)."""
        if self.kind == "refuse":
            return True
        if self.kind != "flapping":
            return False
        return (steady_s - self.since_s) % (self.what.up_s + self.what.down_s) >= self.what.up_s

    def clock_error_s(self, steady_s: float) -> float:
        """How far the camera's clock is ahead, jump included."""
        return (self.what.offset_s + self.drift_s(steady_s)) if self.kind == "clock_drift" else 0.0

    def drift_s(self, steady_s: float) -> float:
        """The part that grew since the jump; RTP timestamps follow it, because they count the same crystal."""
        return (steady_s - self.since_s) * self.what.ppm * 1e-6 if self.kind == "clock_drift" else 0.0

    def fits(self, block_bytes: int, steady_s: float) -> bool:
        """Whether `slow`'s bit rate has room for a picture now; counts it if so."""
        allowed = (steady_s - self.since_s + 1.0) * self.what.kbit_s * 1000
        # A picture fits when the line is free: what was sent before has gone through.
        if self._sent_bits > allowed:
            return False
        self._sent_bits = max(self._sent_bits, allowed - self.what.kbit_s * 1000) + block_bytes * 8
        return True

    def hit(self, packets: int) -> list[bool]:
        """Which of so many packets `drop` or `corrupt` strikes."""
        return [bool(x) for x in self._random.random(packets) < self.what.share]

    def noise(self, length_bytes: int) -> bytes:
        """Bytes without sense."""
        return self._random.bytes(length_bytes)
