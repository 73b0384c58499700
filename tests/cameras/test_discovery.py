"""Cameras are found and asked over real sockets on the loopback, against simulated cameras that know the protocol's other side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.clock import ManualClock, SystemClock
from sewu.base.errors import BadInput, SewuError
from sewu.base.register import Login
from sewu.cameras import onvif
from sewu.cameras.discovery import Offer, Unusable, ask_all, find_devices
from sewu.simulate.server.discovery import Discovery
from sewu.simulate.server.http import HttpConnection, Reply, path_of
from sewu.simulate.server.message import Request
from sewu.simulate.server.onvif import Addresses, Security, answer
from sewu.simulate.server.plan import ServedCamera, StreamFile

FILE = StreamFile(path=Path("x.mp4"))
CAMERAS = [
    ServedCamera(id="K1", main=FILE, sub=FILE),
    ServedCamera(id="K2", main=FILE, user="viewer", password="sécret"),
    ServedCamera(id="K3", main=FILE, user="viewer", password="another"),
]


@asynccontextmanager
async def network(told_host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Simulated cameras on the loopback; gives the port of their discovery."""
    addresses, security = Addresses(told_host, 8554), Security(SystemClock())

    async def handle(request: Request, _connection: HttpConnection) -> Reply:
        camera = next(camera for camera in CAMERAS if camera.id == path_of(request)[1])
        return answer(request, camera, addresses, security)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await HttpConnection(reader, writer).serve(handle)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    addresses.http_port = server.sockets[0].getsockname()[1]
    listening = Discovery(CAMERAS, addresses)
    await listening.start(0)
    try:
        yield listening.port
    finally:
        listening.stop()
        server.close()


def test_cameras_tell_their_streams_and_those_that_do_not_say_why() -> None:
    async def work() -> tuple[tuple[Offer, ...], tuple[Unusable, ...]]:
        async with network() as port:
            devices = await find_devices(0.4, "127.0.0.1", port)
            assert [device.name for _, device in devices].count("K1") == 1 and len(devices) == 3
            # Our clock is an hour off: the digest goes by the camera's time.
            return await ask_all(devices, Login("viewer", "sécret"), ManualClock(SystemClock().now_s() - 3600))

    offers, unusable = asyncio.run(asyncio.wait_for(work(), 30))
    assert [offer.id for offer in offers] == ["K1", "K2"]
    assert offers[0].stream_url.startswith("rtsp://127.0.0.1:8554/") and offers[0].sub_stream_url not in (None, offers[0].stream_url)
    assert offers[1].sub_stream_url is None and "@" not in offers[1].stream_url
    assert len(unusable) == 1 and "/K3/" in unusable[0].address and "refused" in unusable[0].reason.lower()


def test_an_answer_that_sends_us_to_another_host_is_ignored() -> None:
    async def work() -> int:
        async with network("192.0.2.1") as port:
            return len(await find_devices(0.3, "127.0.0.1", port))

    assert asyncio.run(asyncio.wait_for(work(), 30)) == 0


def test_a_probe_that_cannot_be_sent_is_said() -> None:
    with pytest.raises(BadInput, match="no-such"):
        asyncio.run(find_devices(0.1, "no-such.invalid"))


def test_the_largest_profile_comes_first_and_sizes_may_be_missing() -> None:
    def profile(token: str, width: str) -> str:
        size = f"<t:Resolution><t:Width>{width}</t:Width><t:Height>10</t:Height></t:Resolution>"
        return f'<m:Profiles token="{token}"><t:VideoEncoderConfiguration>{size}</t:VideoEncoderConfiguration></m:Profiles>'

    body = "".join(profile(*pair) for pair in (("sub", "20"), ("main", "300"), ("odd", "x"), ("", "4")))
    text = (
        f'<s:Envelope xmlns:s="{onvif.SOAP}" xmlns:m="{onvif.MEDIA}" xmlns:t="{onvif.SCHEMA}"><s:Body>'
        f"<m:GetProfilesResponse>{body}</m:GetProfilesResponse></s:Body></s:Envelope>"
    )
    assert [(p.token, p.pixels) for p in onvif.profiles_of(text.encode())] == [("main", 3000), ("sub", 200), ("odd", None)]


def test_a_bomb_in_an_answer_is_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "cccc"><!ENTITY d "&b;&b;&b;">]><a>&d;</a>'
    assert onvif.devices_of(bomb, "x") == ()
    with pytest.raises(SewuError):
        onvif.body_of(bomb)


READERS = (onvif.time_of, onvif.serial_of, onvif.media_address_of, onvif.profiles_of, onvif.stream_of)
NAMES = (
    *("s:Envelope", "s:Body", "s:Fault", "m:Profiles", "m:MediaUri"),
    *("d:Capabilities", "t:Media", "t:XAddr", "t:UTCDateTime", "t:Date", "t:Year"),
)
SPACES = f'xmlns:s="{onvif.SOAP}" xmlns:m="{onvif.MEDIA}" xmlns:d="{onvif.DEVICE}" xmlns:t="{onvif.SCHEMA}"'
trees = st.recursive(
    st.text("09ax-", max_size=4),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=3)).map(lambda e: f"<{e[0]}>{''.join(e[1])}</{e[0]}>"),
    max_leaves=12,
)
answers = trees.map(lambda tree: f"<s:Envelope {SPACES}><s:Body>{tree}</s:Body></s:Envelope>".encode())


@given(st.binary(max_size=100) | answers)
def test_any_answer_is_read_or_refused(data: bytes) -> None:
    assert onvif.devices_of(data, "urn:uuid:ours") == ()
    for read in READERS:
        try:
            read(data)
        except SewuError as error:
            assert error.advice
