"""Finds ONVIF cameras on a network and asks each for its streams."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx

from sewu.base.clock import Clock
from sewu.base.errors import BadInput, CameraUnreachable, SewuError, StreamBroken
from sewu.base.register import Login
from sewu.cameras import onvif
from sewu.cameras.register import ID, split_credentials

GROUP, PORT = "239.255.255.250", 3702
MAX_DEVICES = 20_000
AT_ONCE = 16
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A camera as it described itself; addresses without a log-in. `id`: a proposal, from its serial number or its address."""

    id: str
    name: str
    stream_url: str
    sub_stream_url: str | None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A device that answered the probe but gave no stream, and why."""

    address: str
    reason: str


async def find_devices(wait_s: float, target: str = GROUP, port: int = PORT) -> tuple[tuple[str, onvif.FoundDevice], ...]:
    """Probe a network (or one address) and collect answers for `wait_s`. -> (host, device) each, by host.

    A device's address is used only when it is the sender's own: an answer cannot send us to somebody else.

    Raises:
        BadInput: the probe cannot be sent there.
    """
    message_id = f"urn:uuid:{uuid.uuid4()}"
    found: dict[str, tuple[str, onvif.FoundDevice]] = {}
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            sock.bind(("", 0))
            await loop.sock_sendto(sock, onvif.probe(message_id), (target, port))
        except OSError as error:
            raise BadInput(
                f"No probe can be sent to {target}: {error.strerror}.", "Name an IPv4 address of the cameras' network."
            ) from error
        try:
            async with asyncio.timeout(wait_s):
                while len(found) < MAX_DEVICES:
                    datagram, sender = await loop.sock_recvfrom(sock, 65_535)
                    for device in onvif.devices_of(datagram, message_id):
                        if any(_host(address) == sender[0] for address in device.addresses):
                            found.setdefault(device.endpoint, (str(sender[0]), device))
        except TimeoutError:
            pass
    return tuple(sorted(found.values(), key=lambda entry: (entry[0], entry[1].endpoint)))


async def ask_all(
    devices: Sequence[tuple[str, onvif.FoundDevice]], login: Login | None, clock: Clock
) -> tuple[tuple[Offer, ...], tuple[Unusable, ...]]:
    """Ask each device for its streams, some at once. A device that does not tell is listed with its reason."""
    offers: list[Offer] = []
    unusable: list[Unusable] = []
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=ANSWER_S, follow_redirects=False, trust_env=False) as client:

        async def ask(host: str, device: onvif.FoundDevice) -> None:
            address = next(one for one in device.addresses if _host(one) == host)
            async with gate:
                try:
                    offers.append(await Conversation(client, address, login, clock).offer(device.name))
                except SewuError as error:
                    unusable.append(Unusable(address, error.what))

        await asyncio.gather(*(ask(host, device) for host, device in devices))
    return tuple(sorted(offers, key=lambda offer: offer.id)), tuple(sorted(unusable, key=lambda one: one.address))


class Conversation:
    """Asks one camera. `address`: of its device service."""

    def __init__(self, client: httpx.AsyncClient, address: str, login: Login | None, clock: Clock) -> None:
        self._client, self._address, self._login, self._clock = client, address, login, clock
        self._ahead_s = 0.0

    async def offer(self, name: str | None) -> Offer:
        """Its main and sub stream.

        Raises:
            Refused: the camera said no. CameraUnreachable: it does not answer. StreamBroken: it answers nonsense.
        """
        its_time_s = onvif.time_of(await self._post(self._address, onvif.request(onvif.TIME)))
        self._ahead_s = 0.0 if its_time_s is None else its_time_s - self._clock.now_s()  # its clock may be wrong, ours decides nothing
        serial = onvif.serial_of(await self._ask(self._address, onvif.INFORMATION))
        media = _at(self._address, onvif.media_address_of(await self._ask(self._address, onvif.CAPABILITIES)) or self._address)
        profiles = onvif.profiles_of(await self._ask(media, onvif.PROFILES))
        urls: list[str] = []
        for profile in profiles[:1] + profiles[1:][-1:]:
            url = onvif.stream_of(await self._ask(media, onvif.stream_request(profile.token)))
            if url is not None and urlsplit(url).scheme in ("rtsp", "rtsps") and url not in urls:
                urls.append(url)
        if not urls:
            raise CameraUnreachable("The camera offers no RTSP stream.", "Switch one on in the camera.")
        plain = [split_credentials(url)[0] for url in urls]
        host = _host(self._address) or "camera"
        camera_id = next((one for one in (serial, name) if one and ID.fullmatch(one)), f"onvif-{host}")
        return Offer(camera_id, name or serial or host, plain[0], plain[1] if len(plain) > 1 else None)

    async def _ask(self, address: str, body: str) -> bytes:
        return await self._post(address, onvif.request(body, self._login, os.urandom(16), self._clock.now_s() + self._ahead_s))

    async def _post(self, address: str, content: bytes) -> bytes:
        try:
            async with self._client.stream(
                "POST", address, content=content, headers={"Content-Type": "application/soap+xml; charset=utf-8"}
            ) as reply:
                parts, size = [], 0
                async for part in reply.aiter_bytes():
                    size += len(part)
                    if size > onvif.MAX_ANSWER_BYTES:
                        break
                    parts.append(part)
                return b"".join(parts)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise CameraUnreachable(f"{address} does not answer: {type(error).__name__}.", "Check that the camera is on.") from error


def _host(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        return parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        return None


def _at(device: str, service: str) -> str:
    """A service's address on the host that answered us: behind a router, cameras often name the wrong one."""
    try:
        named, there = urlsplit(service), urlsplit(device)
        return urlunsplit(there._replace(path=named.path or there.path, query=named.query))
    except ValueError:
        raise StreamBroken("The camera names a service address that is none.", "Update the camera's firmware.") from None
