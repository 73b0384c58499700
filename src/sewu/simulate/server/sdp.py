"""The session description of a stream (RFC 8866, RFC 6184 section 8.2, RFC 7798 section 7.2)."""

from __future__ import annotations

import base64

from sewu.simulate.server import nal
from sewu.simulate.server.media import CLOCK_HZ, PAYLOAD_TYPE, Media

CONTROL = "trackID=1"


def describe(media: Media, session_id: int, host: str, padding_bytes: int = 0) -> bytes:
    """SDP of one video track.

    Args:
        padding_bytes: how much to add in attributes that nobody knows (a fault: some firmware does that), beside
            the claim that the picture is 7680 x 4320.
    """
    family = "IP6" if ":" in host else "IP4"
    width, height = media.size_px if not padding_bytes else (7680, 4320)
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN {family} {host}",
        "s=Sewu simulated camera (synthetic)",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",  # noqa: S104 - "no address", as RFC 2326 C.1.7 has it
        "t=0 0",
        "a=range:npt=now-",
        "a=control:*",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"b=AS:{max(1, round(media.bit_rate / 1000))}",
        f"a=rtpmap:{PAYLOAD_TYPE} {'H264' if media.codec == 'h264' else 'H265'}/{CLOCK_HZ}",
        f"a=fmtp:{PAYLOAD_TYPE} {_format(media)}",
        f"a=framerate:{media.rate_fps:g}",
        f"a=x-dimensions:{width},{height}",
        f"a=control:{CONTROL}",
        "a=recvonly",
    ]
    while padding_bytes > 0:
        line = "a=x-sewu-padding:" + "8k" * min(100, max(1, padding_bytes // 2))
        lines.append(line)
        padding_bytes -= len(line) + 2
    return ("\r\n".join(lines) + "\r\n").encode()


def _format(media: Media) -> str:
    encoded = {nal.unit_type(media.codec, unit): base64.b64encode(unit).decode() for unit in media.parameter_sets}
    if media.codec == "h264":
        sps = next(unit for unit in media.parameter_sets if nal.unit_type("h264", unit) == 7)
        sets = ",".join(base64.b64encode(unit).decode() for unit in media.parameter_sets)
        return f"packetization-mode=1;profile-level-id={sps[1:4].hex()};sprop-parameter-sets={sets}"
    return f"sprop-vps={encoded.get(32, '')};sprop-sps={encoded.get(33, '')};sprop-pps={encoded.get(34, '')}"
