"""Answers WS-Discovery probes for the cameras of a server (OASIS WS-Discovery, April 2005 draft, as ONVIF uses it)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import uuid
from collections.abc import Sequence
from html import escape
from typing import Any, cast

import defusedxml
import defusedxml.ElementTree

from sewu.simulate.server.onvif import SOAP, Addresses
from sewu.simulate.server.plan import ServedCamera

GROUP = "239.255.255.250"
PORT = 3702
DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
NETWORK = "http://www.onvif.org/ver10/network/wsdl"
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"

MATCHES_PER_ANSWER = 20
"""So that a datagram stays well below 64 KiB."""
MAX_PROBE_BYTES = 16 * 1024
_NAMES = uuid.UUID("5e3b0c1e-9f5f-4c06-8d2b-6d9c7a2f1e10")


def endpoint_of(camera: ServedCamera) -> str:
    """The camera's stable name in discovery."""
    return f"urn:uuid:{uuid.uuid5(_NAMES, camera.id)}"


def scopes_of(camera: ServedCamera) -> list[str]:
    """What the camera says of itself (ONVIF Core Specification, discovery scopes)."""
    return [
        "onvif://www.onvif.org/Profile/Streaming",
        "onvif://www.onvif.org/type/video_encoder",
        f"onvif://www.onvif.org/name/{camera.id}",
        "onvif://www.onvif.org/hardware/synthetic",
    ]


def probe_matches(probe: bytes, cameras: Sequence[ServedCamera], addresses: Addresses) -> list[bytes]:
    """The answers to a datagram; none when it is no probe, or for something else than video cameras."""
    if len(probe) > MAX_PROBE_BYTES:
        return []
    try:
        envelope = defusedxml.ElementTree.fromstring(probe)
    except (defusedxml.ElementTree.ParseError, defusedxml.DefusedXmlException, ValueError):
        return []
    wanted = envelope.find(f"{{{SOAP}}}Body/{{{DISCOVERY}}}Probe")
    message_id = envelope.findtext(f"{{{SOAP}}}Header/{{{ADDRESSING}}}MessageID", "").strip()
    if wanted is None or not message_id:
        return []
    types = [name.rpartition(":")[2] for name in wanted.findtext(f"{{{DISCOVERY}}}Types", "").split()]
    if any(name not in ("NetworkVideoTransmitter", "Device") for name in types):
        return []
    scopes = wanted.findtext(f"{{{DISCOVERY}}}Scopes", "").split()
    found = [camera for camera in cameras if all(any(_within(has, asked) for has in scopes_of(camera)) for asked in scopes)]
    return [_answer(message_id, found[at : at + MATCHES_PER_ANSWER], addresses) for at in range(0, len(found), MATCHES_PER_ANSWER)]


def _within(has: str, asked: str) -> bool:
    """Segment-wise prefix match, the default rule (WS-Discovery section 5.1, rfc2396)."""
    has, asked = has.lower().rstrip("/"), asked.lower().rstrip("/")
    return has == asked or has.startswith(asked + "/")


def _answer(message_id: str, cameras: Sequence[ServedCamera], addresses: Addresses) -> bytes:
    matches = "".join(
        f"<d:ProbeMatch><a:EndpointReference><a:Address>{endpoint_of(camera)}</a:Address></a:EndpointReference>"
        f"<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{escape(' '.join(scopes_of(camera)))}</d:Scopes>"
        f"<d:XAddrs>{escape(addresses.service(camera, 'device'))}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch>"
        for camera in cameras
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}"'
        f' xmlns:d="{DISCOVERY}" xmlns:dn="{NETWORK}">'
        f"<s:Header><a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID><a:RelatesTo>{escape(message_id)}</a:RelatesTo>"
        f"<a:To>{ANONYMOUS}</a:To><a:Action>{DISCOVERY}/ProbeMatches</a:Action></s:Header>"
        f"<s:Body><d:ProbeMatches>{matches}</d:ProbeMatches></s:Body></s:Envelope>"
    ).encode()


class Discovery(asyncio.DatagramProtocol):
    """Listens for probes, to the multicast group and to the port itself."""

    def __init__(self, cameras: Sequence[ServedCamera], addresses: Addresses, interface: str = "127.0.0.1") -> None:
        """`interface` is the IPv4 address of the network to listen on; on the loopback, strangers are ignored."""
        self._cameras = cameras
        self._addresses = addresses
        self._interface = interface
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0

    async def start(self, port: int = PORT) -> None:
        """Begin to listen. Raises OSError."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Bound to every address, because multicast does not arrive otherwise; strangers are ignored below.
            sock.bind(("", port))
            membership = socket.inet_aton(GROUP) + socket.inet_aton(self._interface)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        except OSError:
            sock.close()
            raise
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=sock)
        self.port = int(sock.getsockname()[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if ipaddress.ip_address(self._interface).is_loopback and not ipaddress.ip_address(addr[0]).is_loopback:
            return
        for answer in probe_matches(data, self._cameras, self._addresses):
            if self._transport is not None:
                self._transport.sendto(answer, addr)

    def stop(self) -> None:
        """Listen no longer."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
