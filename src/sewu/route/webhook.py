"""Webhooks with Standard Webhooks signatures (standardwebhooks.com, 1.0): webhook-id, webhook-timestamp, webhook-signature.

A city's server must not be led to call its own insides: the address is resolved here, every address it has must be public
(unless the service's settings allow private ones), the connection goes to the address that was checked, and no redirect is
followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook as Signing

from sewu.base.clock import Clock
from sewu.base.errors import BadSettings, Refused, Retry
from sewu.base.routing import Channel, Message
from sewu.route.mqtt import as_data

TIMEOUT_S = 10.0
RETRIED = (408, 425, 429)
GONE = 410


class Webhook:
    """Posts JSON. `allow_private`: also to addresses that are not public, for peers in the city's own network."""

    def __init__(self, clock: Clock, allow_private: bool = False) -> None:
        self._clock, self._allow_private = clock, allow_private

    async def send(self, message: Message, channel: Channel, secret: str | None) -> None:
        """Raises `Retry` (unreachable, 429, 5xx), `Refused` (any other answer), `BadSettings` (no URL, no secret, a private address)."""
        if not secret:
            raise BadSettings(f"Channel {channel.id} has no signing secret.", "Enter one: whsec_ and base64.")
        body = json.dumps({"type": f"incident.{message.occasion}", "timestamp": as_data(message)["at"], "data": as_data(message)})
        at_s = self._clock.now_s()
        try:
            signature = Signing(secret).sign(message.id, datetime.fromtimestamp(at_s, UTC), body)
        except ValueError:
            raise BadSettings(f"The signing secret of channel {channel.id} is not base64.", "Enter it again: whsec_ and base64.") from None
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(at_s)),
            "webhook-signature": signature,
        }
        await post(str(channel.settings.get("url", "")), body.encode(), headers, self._allow_private)


async def post(url: str, body: bytes, headers: dict[str, str], allow_private: bool) -> None:
    """Post to an address that was checked. Errors as of `Webhook.send`."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise BadSettings("The channel has no https address.", "Enter https://host/path, without a user name in it.")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BadSettings("The channel's address has no such port.", "Enter a port from 1 to 65535.") from None
    address = await checked_address(parts.hostname, port, allow_private)
    host = f"[{address}]" if ":" in address else address
    target = httpx.URL(url).copy_with(host=address, port=port)
    named = {**headers, "host": parts.netloc}
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", target, content=body, headers=named, extensions={"sni_hostname": parts.hostname}) as answer,
        ):
            status = answer.status_code
    except httpx.HTTPError as error:
        raise Retry(f"{parts.hostname} ({host}:{port}) did not answer: {type(error).__name__}.", "Check that it runs.") from error
    if status in RETRIED or status >= 500:
        raise Retry(f"{parts.hostname} answered {status}.", "It is sent again by itself.")
    if not 200 <= status < 300:
        raise Refused(f"{parts.hostname} answered {status}{' (gone)' if status == GONE else ''}.", "Check the address, then send again.")


async def checked_address(host: str, port: int, allow_private: bool) -> str:
    """The first address of a host, all of which may be called. Raises `Retry` (no such name now), `BadSettings` (a private one)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Retry(f"The name {host} cannot be resolved.", "Check the name.") from error
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for text in addresses:
        if not allow_private and not is_public(text):
            raise BadSettings(f"{host} is not a public address.", "Use a public address, or allow private ones in the settings.")
    return addresses[0]


def is_public(text: str) -> bool:
    """Whether an IP address is somewhere on the public internet; addresses inside of IPv6 ones (mapped, 6to4, NAT64) count too."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast
