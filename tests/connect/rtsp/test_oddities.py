"""What real cameras do beside the standards, one conversation or packet sequence each."""

from __future__ import annotations

import re
import struct

import pytest

from sewu.base.clock import ManualClock
from sewu.base.errors import Refused, SewuError, StreamBroken
from sewu.connect.rtsp.auth import Login
from sewu.connect.rtsp.rtcp import CLOCK_HZ, NTP_OFFSET_S, Timeline, sender_report
from sewu.connect.rtsp.rtp import BEYOND_BYTES
from sewu.connect.rtsp.session import ALIVE_SHARE, Now, Session
from tests.connect.rtsp.test_parsers import SDP
from tests.connect.rtsp.test_units import IDR, INTER, PPS, SPS, annexb, fragments, frame, picture, received

NOW = Now(1_700_000_000.0, 10.0)


def tell(session: Session, data: bytes, now: Now = NOW) -> list[str]:
    """Let the camera say something; returns the requests that follow."""
    session.out.clear()
    session.take(memoryview(data + bytes(BEYOND_BYTES)), len(data), now)
    return re.findall(r"^([A-Z_]+ \S+) RTSP", session.out.decode(), re.MULTILINE)


def ok(*headers: str, body: str = "") -> bytes:
    return "\r\n".join(["RTSP/1.0 200 OK", *headers, f"Content-Length: {len(body)}", "", body]).encode()


def challenge(nonce: str, algorithm: str, stale: bool = False) -> bytes:
    return f'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="r", nonce="{nonce}", algorithm={algorithm}, stale={stale}\r\n\r\n'.encode()


def playing(transport: str = "RTP/AVP/TCP;interleaved=0-1") -> Session:
    session = Session("rtsp://h/a", None)
    tell(session, ok("Public: GET_PARAMETER"))
    tell(session, ok(body=SDP))
    tell(session, ok("Session: 1;timeout=20", f"Transport: {transport}"))
    tell(session, ok())
    assert session.is_playing
    return session


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_wrong_password_is_sent_once_even_if_every_answer_brings_a_new_nonce(algorithm: str) -> None:
    session = Session("rtsp://h/a", Login("u", "wrong"))
    assert tell(session, challenge("n1", algorithm)) == ["OPTIONS rtsp://h/a"]
    with pytest.raises(Refused):
        tell(session, challenge("n2", algorithm))


def test_an_old_nonce_is_replaced_at_once_but_a_camera_that_calls_all_of_them_old_gets_two_answers() -> None:
    session = Session("rtsp://h/a", Login("u", "p"))
    tell(session, challenge("n1", "MD5"))
    assert tell(session, challenge("n2", "MD5", stale=True)) == ["OPTIONS rtsp://h/a"]
    assert 'nonce="n2"' in session.out.decode()
    with pytest.raises(Refused):
        tell(session, challenge("n3", "MD5", stale=True))


@pytest.mark.parametrize(
    ("status", "kind"), [(454, StreamBroken), (455, StreamBroken), (461, Refused), (404, Refused), (503, StreamBroken)]
)
def test_what_setup_is_answered_says_whether_trying_again_makes_sense(status: int, kind: type[SewuError]) -> None:
    session = Session("rtsp://h/a", None)
    tell(session, ok())
    tell(session, ok(body=SDP))
    with pytest.raises(kind):
        tell(session, f"RTSP/1.0 {status} No\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("base", "wanted"),
    [("rtsp://h/live/", "rtsp://h/live/track2"), ("/live/", "rtsp://h/live/track2"), ("mailto:x", "rtsp://h/a/track2")],
)
def test_controls_are_relative_to_the_content_base_which_may_be_relative_itself(base: str, wanted: str) -> None:
    session = Session("rtsp://h/a", None)
    tell(session, ok())
    assert tell(session, ok(f"Content-Base: {base}", body=SDP)) == [f"SETUP {wanted}"]


def test_channels_that_the_camera_swaps_are_read_as_it_says() -> None:
    session = playing("RTP/AVP/TCP;unicast;interleaved=5-4")
    media = bytearray(frame(IDR, 1, 900, True))
    media[1], media[5] = 5, 0x80 | 97
    tell(session, bytes(media) + b"$\4\0\x1c" + report(NOW.at_s, 900))
    assert session.receiver is not None
    assert [unit[1] for unit in session.receiver.done] == [annexb(IDR)]
    assert session.timeline.is_camera_time


def test_a_camera_that_never_answers_keep_alives_is_still_sent_them() -> None:
    session = playing()
    for count in (1, 2, 3):
        session.out.clear()
        session.tick(Now(NOW.at_s, NOW.steady_s + count * (20 * ALIVE_SHARE + 1)))
        assert session.out.startswith(b"GET_PARAMETER")


def test_parameter_sets_marked_as_a_picture_of_their_own_cost_no_keyframe() -> None:
    packets = [frame(SPS, 1, 900, True), frame(PPS, 2, 900, True), *picture(fragments(IDR), 3, 900), frame(INTER, 8, 4500, True)]
    receiver, done = received(b"".join(packets))
    assert [(unit[1], unit[2]) for unit in done] == [(annexb(IDR), True), (annexb(INTER), False)]
    assert receiver.units.extradata() == annexb(SPS, PPS)


def test_a_picture_whose_every_slice_is_marked_as_the_last_comes_whole() -> None:
    second = b"\x41\x12" + bytes(range(100, 220))
    packets = [frame(unit, 2 * n + k, 3600 * n, True) for n in range(4) for k, unit in enumerate((INTER, second))]
    _, done = received(b"".join(packets) + frame(INTER, 8, 14_400))
    assert [unit[1] for unit in done] == [annexb(INTER, second)] * 4


@pytest.mark.parametrize("jump", [-5, -20_000, 20_000, 32_768])
def test_a_sequence_that_jumps_is_a_camera_that_began_anew_not_a_loss(jump: int) -> None:
    receiver, done = received(frame(INTER, 100, 0, True) + frame(IDR, 100 + jump, 3600, True) + frame(INTER, 101 + jump, 7200, True))
    assert [unit[0] for unit in done] == [0, 3600, 7200]
    assert receiver.lost == 0


def test_sequence_numbers_are_counted_over_their_wraps() -> None:
    data = b"".join(frame(INTER, n, n, True) for n in range(60_000, 60_000 + 10_000))
    receiver, done = received(data, step=4096)
    assert (receiver.highest, receiver.lost, len(done)) == (69_999, 0, 10_000)


def report(at_s: float, timestamp: int) -> bytes:
    ntp = at_s + NTP_OFFSET_S
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, 7, int(ntp), int(ntp % 1 * 2**32), timestamp & 0xFFFFFFFF, 1, 1)


class Watched:
    """A timeline under a clock: pictures arrive as they are taken."""

    def __init__(self) -> None:
        self.clock, self.timeline, self.ticks = ManualClock(), Timeline(), 0xFFFF0000

    def go(self, duration_s: float) -> float:
        """Let time pass; how far the capture time is ahead of the clock then."""
        self.clock.advance(duration_s)
        self.ticks += round(duration_s * CLOCK_HZ)
        self.timeline.arrived(self.ticks & 0xFFFFFFFF, self.clock.now_s())
        return self.timeline.place(self.ticks & 0xFFFFFFFF)[2] - self.clock.now_s()

    def report(self, ahead_s: float) -> None:
        found = sender_report(report(self.clock.now_s() + ahead_s, self.ticks))
        assert found is not None
        self.timeline.reported(found, self.clock.now_s())


def test_a_single_wild_sender_report_does_not_move_time_but_a_clock_that_was_set_does() -> None:
    watched = Watched()
    watched.report(2.0)
    assert watched.go(5.0) == pytest.approx(2.0, abs=1e-3)
    watched.report(-3000.0)
    assert watched.go(5.0) == pytest.approx(2.0, abs=1e-3)
    watched.report(2.0)
    watched.report(60.0)
    assert watched.go(5.0) == pytest.approx(2.0, abs=1e-3)
    watched.report(60.0)
    assert watched.go(5.0) == pytest.approx(60.0, abs=1e-3)


@pytest.mark.parametrize("jump_s", [-40.0, 40.0, 7200.0])
def test_rtp_timestamps_that_jump_do_not_carry_the_capture_time_away(jump_s: float) -> None:
    watched = Watched()
    watched.report(2.0)
    watched.go(1.0)
    watched.ticks += round(jump_s * CLOCK_HZ)
    assert watched.go(1.0) == pytest.approx(0.0, abs=1e-3)
    watched.report(2.0)
    assert watched.go(1.0) == pytest.approx(2.0, abs=1e-3)
