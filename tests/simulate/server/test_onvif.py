from __future__ import annotations

import asyncio
import base64
import socket
from datetime import UTC, datetime
from pathlib import Path

import defusedxml.ElementTree
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.clock import ManualClock
from sewu.simulate.server.discovery import DISCOVERY, GROUP, MATCHES_PER_ANSWER, Discovery, endpoint_of, probe_matches
from sewu.simulate.server.message import Request
from sewu.simulate.server.onvif import DEVICE, DIGEST, MEDIA, SCHEMA, SECURITY, SOAP, UTILITY, Addresses, Security, answer, password_digest
from sewu.simulate.server.plan import ServedCamera, StreamFile

FILE = StreamFile(path=Path("x.mp4"))
OPEN = ServedCamera(id="open", main=FILE, sub=FILE)
LOCKED = ServedCamera(id="locked", main=FILE, user="viewer", password="sécret")
ADDRESSES = Addresses("127.0.0.1", 8554, 8555)


def token(clock: ManualClock, password: str = "sécret", nonce: bytes = b"0123456789abcdef", user: str = "viewer") -> str:
    created = datetime.fromtimestamp(clock.now_s(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'<w:Security xmlns:w="{SECURITY}" xmlns:u="{UTILITY}"><w:UsernameToken><w:Username>{user}</w:Username>'
        f'<w:Password Type="{DIGEST}">{password_digest(nonce, created, password)}</w:Password>'
        f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
    )


def soap(body: str, header: str = "") -> Request:
    names = f'xmlns:s="{SOAP}" xmlns:d="{DEVICE}" xmlns:m="{MEDIA}"'
    text = f"<s:Envelope {names}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    return Request("POST", "/", "HTTP/1.1", {}, text.encode())


def test_the_digest_is_that_of_the_profile() -> None:
    # The worked example of the ONVIF Application Programmer's Guide.
    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    assert password_digest(nonce, "2010-09-16T07:50:45Z", "userpassword") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        ("<d:GetDeviceInformation/>", f".//{{{DEVICE}}}SerialNumber", ["open"]),
        ("<d:GetCapabilities/>", f".//{{{SCHEMA}}}Media/{{{SCHEMA}}}XAddr", ["http://127.0.0.1:8555/onvif/open/media"]),
        ("<d:GetServices/>", f".//{{{DEVICE}}}Namespace", [DEVICE, MEDIA]),
        ("<m:GetProfiles/>", f".//{{{MEDIA}}}Profiles/{{{SCHEMA}}}Name", ["main", "sub"]),
        ("<m:GetStreamUri><m:ProfileToken>sub</m:ProfileToken></m:GetStreamUri>", f".//{{{SCHEMA}}}Uri", ["rtsp://127.0.0.1:8554/open/sub"]),
        ("<m:GetSnapshotUri><m:ProfileToken>main</m:ProfileToken></m:GetSnapshotUri>", f".//{{{SCHEMA}}}Uri", ["http://127.0.0.1:8555/open/main/still.jpg"]),
    ],
)  # fmt: skip
def test_an_open_camera_answers(body: str, path: str, expected: list[str]) -> None:
    reply = answer(soap(body), OPEN, ADDRESSES, Security(ManualClock()))
    assert reply.status == 200
    assert [element.text for element in defusedxml.ElementTree.fromstring(reply.body).findall(path)] == expected


def test_the_time_is_told_to_anybody() -> None:
    reply = answer(soap("<d:GetSystemDateAndTime/>"), LOCKED, ADDRESSES, Security(ManualClock(1_700_000_000)))
    root = defusedxml.ElementTree.fromstring(reply.body)
    assert [root.findtext(f".//{{{SCHEMA}}}{name}") for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")] == [
        "2023",
        "11",
        "14",
        "22",
        "13",
        "20",
    ]


def test_a_digest_opens_once_while_it_is_fresh() -> None:
    clock = ManualClock()
    security = Security(clock)
    asked = soap("<m:GetProfiles/>", token(clock))
    assert answer(soap("<m:GetProfiles/>"), LOCKED, ADDRESSES, security).status == 400
    assert answer(asked, LOCKED, ADDRESSES, security).status == 200
    assert b"NotAuthorized" in answer(asked, LOCKED, ADDRESSES, security).body
    for wrong in (token(clock, password="x", nonce=b"b"), token(clock, user="root", nonce=b"c")):
        assert answer(soap("<m:GetProfiles/>", wrong), LOCKED, ADDRESSES, security).status == 400
    old = token(clock, nonce=b"d")
    clock.advance(301)
    assert answer(soap("<m:GetProfiles/>", old), LOCKED, ADDRESSES, security).status == 400
    assert answer(soap("<m:GetProfiles/>", token(clock, nonce=b"e")), LOCKED, ADDRESSES, None).status == 400


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=100).map(lambda t: f"<s:Envelope xmlns:s='{SOAP}'><s:Body>{t}</s:Body></s:Envelope>".encode()),
    )
)
def test_any_bytes_get_a_fault(body: bytes) -> None:
    reply = answer(Request("POST", "/", "HTTP/1.1", {}, body), OPEN, ADDRESSES, Security(ManualClock()))
    assert reply.status in (400, 500)
    assert probe_matches(body, [OPEN], ADDRESSES) == []


def test_unknown_operations_profiles_and_entities_are_refused() -> None:
    security = Security(ManualClock())
    assert answer(soap("<d:Reboot/>"), OPEN, ADDRESSES, security).status == 500
    assert answer(soap("<m:GetStreamUri><m:ProfileToken>x</m:ProfileToken></m:GetStreamUri>"), OPEN, ADDRESSES, security).status == 400
    bomb = b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    assert answer(Request("POST", "/", "HTTP/1.1", {}, bomb), OPEN, ADDRESSES, security).status == 400


def probe(types: str = "dn:NetworkVideoTransmitter", scopes: str = "") -> bytes:
    return (
        f'<e:Envelope xmlns:e="{SOAP}" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="{DISCOVERY}" '
        'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header><w:MessageID>uuid:1</w:MessageID></e:Header>'
        f"<e:Body><d:Probe><d:Types>{types}</d:Types><d:Scopes>{scopes}</d:Scopes></d:Probe></e:Body></e:Envelope>"
    ).encode()


def addresses_in(answers: list[bytes]) -> list[str]:
    roots = [defusedxml.ElementTree.fromstring(data) for data in answers]
    return [element.text for root in roots for element in root.iter(f"{{{DISCOVERY}}}XAddrs")]


def test_a_probe_finds_the_cameras_it_asks_for() -> None:
    cameras = [OPEN, LOCKED]
    assert addresses_in(probe_matches(probe(), cameras, ADDRESSES)) == [ADDRESSES.service(c, "device") for c in cameras]
    named = probe(scopes="onvif://www.onvif.org/name/locked")
    assert addresses_in(probe_matches(named, cameras, ADDRESSES)) == [ADDRESSES.service(LOCKED, "device")]
    assert probe_matches(probe("dn:Printer"), cameras, ADDRESSES) == []
    assert len(endpoint_of(OPEN)) == len("urn:uuid:") + 36 and endpoint_of(OPEN) != endpoint_of(LOCKED)


def test_many_cameras_answer_in_several_datagrams_that_fit() -> None:
    cameras = [ServedCamera(id=f"c{index}", main=FILE) for index in range(3 * MATCHES_PER_ANSWER - 1)]
    answers = probe_matches(probe(), cameras, ADDRESSES)
    assert len(answers) == 3 and max(map(len, answers)) < 60_000
    assert len(addresses_in(answers)) == len(cameras)


@pytest.mark.parametrize("multicast", [False, True])
def test_cameras_are_discovered_on_the_loopback(multicast: bool) -> None:
    async def discover() -> bytes:
        listening = Discovery([OPEN], ADDRESSES)
        await listening.start(0)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(5)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
                sock.bind(("127.0.0.1", 0))
                sock.sendto(probe(), (GROUP if multicast else "127.0.0.1", listening.port))
                return await asyncio.to_thread(sock.recv, 65536)
        finally:
            listening.stop()

    assert addresses_in([asyncio.run(discover())]) == [ADDRESSES.service(OPEN, "device")]
