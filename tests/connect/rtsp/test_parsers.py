"""Every parser of bytes from outside: what it reads, and that nothing makes it fall."""

from __future__ import annotations

import struct
from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadSource, SewuError, StreamBroken
from sewu.connect.rtsp.auth import Login, strongest
from sewu.connect.rtsp.messages import MAX_BODY_BYTES, MAX_HEAD_BYTES, read_message, request
from sewu.connect.rtsp.resolving import host_and_port
from sewu.connect.rtsp.rtcp import CLOCK_HZ, NTP_OFFSET_S, Timeline, receiver_report, sender_report
from sewu.connect.rtsp.sdp import joined_url, video_track
from sewu.connect.rtsp.session import Now, Session, split_login, with_login
from sewu.connect.rtsp.sps import MAX_SIDE_PX, size_px

SPS, PPS = b"\x67\x42\x00\x1e", b"\x68\xce\x3c\x80"
SDP = f"""v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\na=control:*\r\nm=audio 0 RTP/AVP 0\r\na=control:audio\r
m=video 0 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=framerate:12.5\r
a=fmtp:97 packetization-mode=1;sprop-parameter-sets={b64encode(SPS).decode()},{b64encode(PPS).decode()}\r\na=control:track2\r\n"""
NOW = Now(1_700_000_000.0, 10.0)


def test_the_first_video_track_is_found_and_audio_passed_over() -> None:
    track = video_track(SDP.encode(), "rtsp://h/a")
    assert track is not None
    assert (track.codec, track.payload_type, track.url, track.aggregate_url) == ("h264", 97, "rtsp://h/a/track2", "rtsp://h/a")
    assert (track.sets, track.rate_fps) == ((SPS, PPS), 12.5)


@pytest.mark.parametrize(
    ("base", "control", "wanted"),
    [
        ("rtsp://h/a/", "track1", "rtsp://h/a/track1"),
        ("rtsp://h/a", "track1", "rtsp://h/a/track1"),
        ("rtsp://h/a?x=1", "track1", "rtsp://h/a?x=1/track1"),
        ("rtsp://h/a", "rtsp://h/b/c", "rtsp://h/b/c"),
        ("rtsp://h/a/b", "*", "rtsp://h/a/b"),
    ],
)
def test_control_addresses_are_meant_as_cameras_mean_them(base: str, control: str, wanted: str) -> None:
    track = video_track(f"m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\na=control:{control}\n".encode(), base)
    assert track is not None
    assert (track.url, track.codec) == (wanted, "hevc")


@given(st.binary(max_size=300) | st.text(alphabet="mva=:;,/ 96H24video\n\r*[]", max_size=200).map(str.encode), st.text(max_size=40))
def test_no_description_makes_the_reader_fall(body: bytes, base: str) -> None:
    video_track(body, base)
    video_track(b"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n" + body, base)


def test_digest_answers_are_those_of_rfc_2617_and_rfc_7616() -> None:
    old = strongest(['Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5cc"'])
    assert old is not None
    answer = old.answer(Login("Mufasa", "Circle Of Life"), "GET", "/dir/index.html", "0a4f113b")
    assert 'response="6629fae49393a05397450978507c4ef1"' in answer
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    new = strongest([f'Digest realm="http-auth@example.org", qop="auth", algorithm={name}, nonce="{nonce}"' for name in ("MD5", "SHA-256")])
    assert new is not None
    answer = new.answer(Login("Mufasa", "Circle of Life"), "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in answer


def test_a_password_is_never_printed() -> None:
    assert "secret" not in repr(Login("u", "secret"))
    assert split_login("rtsp://u:p%40@h:1/x?y") == ("rtsp://h:1/x?y", Login("u", "p@"))


@given(st.lists(st.text(max_size=80) | st.text(max_size=60).map(lambda text: 'Digest nonce="n", realm="' + text), max_size=4))
def test_no_challenge_makes_the_log_in_fall_or_writes_lines_of_its_own(headers: list[str]) -> None:
    challenge = strongest(headers)
    if challenge is not None:
        answer = challenge.answer(Login("u", "p"), "PLAY", "rtsp://h/")
        assert "\n" not in answer
        assert "\r" not in answer


def test_a_message_is_read_once_it_is_whole() -> None:
    data = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 5\r\nX: a\r\n b\r\n\r\nhello$"
    for end in range(len(data) - 1):
        assert read_message(memoryview(data), 0, end) is None or end == 0
    found = read_message(memoryview(data), 0, len(data))
    assert found is not None
    message, stop = found
    assert (message.status, message.header("cseq"), message.header("x"), message.body, stop) == (200, "3", "a b", b"hello", len(data) - 1)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"RTSP/1.0 two\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES,
        b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_not_rtsp_or_too_long_is_an_error_and_not_a_wait(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        read_message(memoryview(data), 0, len(data))


def test_requests_cannot_be_split_by_what_is_put_into_them() -> None:
    assert request("PLAY", "rtsp://h/\r\nX: y", 1, {"A": "b\r\nC: d"}).count(b"\r\n") == 4


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_user_and_password_survive_the_way_through_an_address(user: str, password: str) -> None:
    url = with_login("rtsp://old:one@h:1/x?y=1", Login(user, password))
    assert split_login(url) == ("rtsp://h:1/x?y=1", Login(user, password))


@given(st.text(max_size=60) | st.text(alphabet="rtsp:/[]@.%0123456789", max_size=30).map("rtsp://".__add__))
def test_no_address_makes_its_readers_fall(url: str) -> None:
    split_login(url)
    with_login(url, Login("u", "p"))
    with suppress(BadSource):
        host_and_port(url)


def report(at_s: float, timestamp: int) -> bytes:
    ntp = at_s + NTP_OFFSET_S
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, 7, int(ntp), int(ntp % 1 * 2**32), timestamp, 1, 1)


def test_a_sender_report_sets_the_capture_time_if_it_is_sane() -> None:
    for error_s, wanted_s in ((30.0, NOW.at_s + 31.0), (200_000.0, NOW.at_s)):
        timeline = Timeline()
        found = sender_report(report(NOW.at_s + error_s, 0xFFFFFF00))
        assert found is not None
        timeline.reported(found, NOW.at_s)
        timestamp = (0xFFFFFF00 + CLOCK_HZ) & 0xFFFFFFFF
        timeline.arrived(timestamp, NOW.at_s)
        _, _, at_s = timeline.place(timestamp)
        assert at_s == pytest.approx(wanted_s, abs=1e-3)


@given(st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=30))
def test_any_timestamps_have_finite_times(timestamps: list[int]) -> None:
    timeline = Timeline()
    for timestamp in timestamps:
        timeline.arrived(timestamp, NOW.at_s)
        pts, _, at_s = timeline.place(timestamp)
        assert pts & 0xFFFFFFFF == timestamp
        assert abs(at_s - NOW.at_s) <= 1.0 + 1e-3


def test_decoding_times_grow_and_come_before_presentation_once_pictures_are_reordered() -> None:
    timeline = Timeline()
    placed = [timeline.place(3600 * number) for number in (0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11)]
    times = [dts for _, dts, _ in placed]
    assert times == sorted(set(times))
    assert all(dts <= pts for pts, dts, _ in placed[5:])


@given(st.binary(max_size=120), st.integers(0, 1 << 40), st.floats(0, 1e9))
def test_no_report_makes_rtcp_fall(data: bytes, number: int, delay_s: float) -> None:
    sender_report(data)
    sender_report(b"\x80\xc8\x00\x06" + data)
    assert len(receiver_report(1, number, (number, number, number), (number & 0xFFFFFFFF, delay_s))) == 36


@given(st.binary(max_size=120), st.sampled_from(["h264", "hevc"]))
def test_no_parameter_set_makes_the_reader_of_sizes_fall(data: bytes, codec: str) -> None:
    for unit in (data, b"\x67\x64\0\x1f" + data, b"\x42\x01" + data):
        size = size_px(unit, codec)
        assert size is None or all(0 < side <= MAX_SIDE_PX for side in size)


ANSWERS = st.sampled_from(
    [
        b"RTSP/1.0 200 OK\r\nPublic: GET_PARAMETER\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(SDP), SDP.encode()),
        b"RTSP/1.0 200 OK\r\nSession: 1;timeout=5\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n",
        b'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="r", nonce="n", stale=true\r\n\r\n',
        b"$\0\0\x10\x80\xe1\0\1\0\0\0\0\0\0\0\7\x65\x88\1\2",
        b"$\1\0\x1c" + report(1.7e9, 5),
        b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n",
        b"\r\n",
    ]
)


@given(st.lists(ANSWERS | st.binary(max_size=30), max_size=14), st.integers(1, 60))
def test_a_conversation_with_anything_gives_the_same_in_pieces_as_at_once(parts: list[bytes], step: int) -> None:
    data = b"".join(parts)

    def told(size: int) -> tuple[object, ...]:
        session, rest, failure = Session("rtsp://u:p@h/a", None), b"", ""
        with suppress(SewuError):
            try:
                for at in range(0, len(data), size):
                    rest += data[at : at + size]
                    rest = rest[session.take(memoryview(rest + bytes(4)), len(rest), NOW) :]
                    session.tick(NOW)
            except SewuError as error:
                failure = error.what
                raise
        return failure, session.is_playing, session.moved_to, session.receiver.done if session.receiver else []

    assert told(step) == told(max(1, len(data)))


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("trackID=0", "rtsps://h:1/a/main/trackID=0"),
        ("/b", "rtsps://h:1/b"),
        ("rtsp://g/c", "rtsp://g/c"),
        ("//g/c", "rtsps://g/c"),
        ("", "rtsps://h:1/a/main/"),
    ],
)
def test_a_reference_is_joined_to_an_encrypted_address_whatever_this_python_knows_of_rtsps(reference: str, found: str) -> None:
    assert joined_url("rtsps://h:1/a/main/", reference) == found
    assert joined_url("rtsp://h:1/a/main/", reference) == (found.replace("rtsps:", "rtsp:") if reference != "rtsp://g/c" else found)
