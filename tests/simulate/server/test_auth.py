from __future__ import annotations

import base64
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sewu.simulate.server.auth import NONCE_LIFE_S, REALM, Guard, digest_response, parameters
from sewu.simulate.server.plan import ServedCamera, StreamFile

FILE = StreamFile(path=Path("x.mp4"))
CAMERA = ServedCamera(id="cam", main=FILE, user="u", password="p", auth="any")
URI = "rtsp://h/cam/main"


def digest(guard: Guard, now_s: float, uri: str = URI, password: str = "p") -> str:
    challenge = next(c for c in guard.challenges(CAMERA, now_s) if c.startswith("Digest"))
    given_ = {**parameters(challenge.partition(" ")[2]), "username": "u", "uri": uri}
    response = digest_response(given_, password, "PLAY")
    return f'Digest username="u", realm="{REALM}", nonce="{given_["nonce"]}", uri="{uri}", response="{response}"'


def test_the_digest_is_that_of_the_rfc() -> None:
    # RFC 7616 section 3.9.1, SHA-256.
    given_ = parameters(
        'username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=SHA-256, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth'
    )
    expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert digest_response(given_, "Circle of Life", "GET", "SHA-256") == expected


def test_a_right_digest_passes_for_its_stream_and_its_track_only() -> None:
    guard = Guard()
    header = digest(guard, 100.0)
    assert guard.check(CAMERA, header, "PLAY", URI, 101.0).passed
    assert guard.check(CAMERA, header, "PLAY", URI + "/trackID=1", 101.0).passed
    assert not guard.check(CAMERA, header, "PLAY", "rtsp://h/cam/mainly", 101.0).passed
    assert not guard.check(CAMERA, header, "SETUP", URI, 101.0).passed
    assert not guard.check(CAMERA, digest(guard, 100.0, password="q"), "PLAY", URI, 101.0).passed


def test_an_old_nonce_is_stale_and_a_strange_one_is_wrong() -> None:
    guard = Guard()
    verdict = guard.check(CAMERA, digest(guard, 100.0), "PLAY", URI, 101.0 + NONCE_LIFE_S)
    assert (verdict.passed, verdict.stale) == (False, True)
    verdict = guard.check(CAMERA, digest(Guard(), 100.0), "PLAY", URI, 101.0)
    assert (verdict.passed, verdict.stale) == (False, False)


def test_basic_passes_where_it_is_offered() -> None:
    header = "Basic " + base64.b64encode(b"u:p").decode()
    assert Guard().check(CAMERA, header, "PLAY", URI, 0).passed
    only_digest = CAMERA.model_copy(update={"auth": "digest"})
    assert not Guard().check(only_digest, header, "PLAY", URI, 0).passed


@given(st.one_of(st.text(max_size=200), st.text(max_size=80).map("Basic {}".format), st.text(max_size=120).map("Digest {}".format)))
def test_no_header_made_up_at_random_passes(header: str) -> None:
    assert not Guard().check(CAMERA, header, "PLAY", URI, 0).passed


def test_quoted_values_may_hold_commas_and_escapes() -> None:
    assert parameters(r'a="x, y=\"z\"", b=1 , C=""') == {"a": 'x, y="z"', "b": "1", "c": ""}
