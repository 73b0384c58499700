from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.simulate.server.message import MAX_BODY_BYTES, BadRequest, Interleaved, Request, RequestParser, response

REQUEST = b"SETUP rtsp://h/c/main/trackID=1 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\nContent-Length: 4\r\n\r\nbody"


def test_a_request_is_read_with_headers_in_lower_case_and_body() -> None:
    (request,) = RequestParser().feed(REQUEST)
    assert isinstance(request, Request)
    assert (request.method, request.uri, request.version) == ("SETUP", "rtsp://h/c/main/trackID=1", "RTSP/1.0")
    assert request.header("cseq") == "3" and request.header("Transport") == "RTP/AVP/TCP;interleaved=0-1"
    assert request.body == b"body"


@given(st.lists(st.integers(0, 3 * len(REQUEST) + 24), max_size=12))
def test_it_does_not_matter_in_which_pieces_bytes_arrive(cuts: list[int]) -> None:
    stream = REQUEST + b"$\x01\x00\x04rtcp" + REQUEST + b"\r\n" + REQUEST
    whole = RequestParser().feed(stream)
    assert [type(item) for item in whole] == [Request, Interleaved, Request, Request]
    parser, found = RequestParser(), []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
        found += parser.feed(stream[start:end])
    assert found == whole


@given(st.lists(st.binary(max_size=300), max_size=8), st.booleans())
def test_any_bytes_give_requests_or_one_refusal(pieces: list[bytes], interleaving: bool) -> None:
    parser = RequestParser(interleaving)
    try:
        for piece in pieces:
            parser.feed(piece)
    except BadRequest:
        return


PIECES = [b"GET / HTTP/1.1", b"\r\n", b"CSeq: 1", b"Content-Length: 5", b"Content-Length: -1", b"X", b" folded", b":", b"\r\n\r\n"]
HEADS = st.lists(st.sampled_from([*PIECES, b"abcde", b"$\x00\x00\x02xy"]), max_size=14).map(b"".join)


@given(HEADS)
def test_pieces_of_requests_in_any_order_give_requests_or_one_refusal(data: bytes) -> None:
    try:
        items = RequestParser().feed(data)
    except BadRequest:
        return
    assert all(isinstance(item, Request | Interleaved) for item in items)


@pytest.mark.parametrize("length", ["-1", "x", "", "1e3", str(MAX_BODY_BYTES + 1), "²"])
def test_an_unacceptable_length_is_refused(length: str) -> None:
    with pytest.raises(BadRequest):
        RequestParser().feed(f"GET / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())


def test_an_endless_head_is_refused() -> None:
    parser = RequestParser()
    with pytest.raises(BadRequest):
        for _ in range(100):
            parser.feed(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100)


def test_noise_is_refused_at_its_first_line() -> None:
    with pytest.raises(BadRequest):
        RequestParser().feed(b"\x16\x03\x01\x02hello\r\n")


def test_an_answer_repeats_a_header_that_has_several_values() -> None:
    data = response("RTSP/1.0", 401, "Unauthorized", {"WWW-Authenticate": ["Basic a", "Digest b"]})
    assert data == b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic a\r\nWWW-Authenticate: Digest b\r\n\r\n"
