"""What is said to an ONVIF camera, and what its answers mean; without any network.

Sources: OASIS WS-Discovery (April 2005 draft, as ONVIF uses it); ONVIF Core Specification (discovery, device service,
WS-UsernameToken); ONVIF Media Service Specification; OASIS UsernameToken Profile 1.0 section 3.1.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import unquote

import defusedxml
import defusedxml.ElementTree

from sewu.base.errors import Refused, StreamBroken
from sewu.base.register import Login

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
NETWORK = "http://www.onvif.org/ver10/network/wsdl"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
MAX_ANSWER_BYTES = 1024 * 1024
MAX_PROFILES = 64


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that answered a probe. `endpoint`: its stable name. `addresses`: of its device service. `name`: what it calls itself."""

    endpoint: str
    addresses: tuple[str, ...]
    name: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One stream that a camera offers; `pixels` is width times height when it says so."""

    token: str
    pixels: int | None


def probe(message_id: str) -> bytes:
    """The datagram that asks for video cameras."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:d="{DISCOVERY}"'
        f' xmlns:dn="{NETWORK}"><s:Header><a:MessageID>{escape(message_id)}</a:MessageID>'
        f"<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To><a:Action>{DISCOVERY}/Probe</a:Action></s:Header>"
        "<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"
    ).encode()


def devices_of(datagram: bytes, message_id: str) -> tuple[FoundDevice, ...]:
    """The devices of an answer to our probe; none when it is no such answer."""
    try:
        envelope = _parsed(datagram)
    except StreamBroken:
        return ()
    if envelope.findtext(f"{{{SOAP}}}Header/{{{ADDRESSING}}}RelatesTo", "").strip() != message_id:
        return ()
    found = []
    for match in envelope.iterfind(f"{{{SOAP}}}Body/{{{DISCOVERY}}}ProbeMatches/{{{DISCOVERY}}}ProbeMatch"):
        endpoint = match.findtext(f"{{{ADDRESSING}}}EndpointReference/{{{ADDRESSING}}}Address", "").strip()
        addresses = tuple(match.findtext(f"{{{DISCOVERY}}}XAddrs", "").split())
        scopes = match.findtext(f"{{{DISCOVERY}}}Scopes", "").split()
        names = [unquote(scope.rpartition("/name/")[2]) for scope in scopes if "/name/" in scope]
        if endpoint and addresses:
            found.append(FoundDevice(endpoint[:200], addresses, names[0][:100] if names and names[0] else None))
    return tuple(found)


def request(body: str, login: Login | None = None, nonce: bytes = b"", at_s: float = 0.0) -> bytes:
    """A SOAP request. The log-in goes as a digest of the password, a nonce used once, and the camera's time."""
    header = "" if login is None else _token(login, nonce, at_s)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def _token(login: Login, nonce: bytes, at_s: float) -> str:
    created = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    digest = hashlib.sha1(nonce + created.encode() + login.password.encode(), usedforsecurity=False).digest()
    return (
        f'<w:Security xmlns:w="{SECURITY}" s:mustUnderstand="1"><w:UsernameToken><w:Username>{escape(login.user)}</w:Username>'
        f'<w:Password Type="{DIGEST}">{base64.b64encode(digest).decode()}</w:Password>'
        f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce>"
        f'<u:Created xmlns:u="{UTILITY}">{created}</u:Created></w:UsernameToken></w:Security>'
    )


TIME = f'<GetSystemDateAndTime xmlns="{DEVICE}"/>'
INFORMATION = f'<GetDeviceInformation xmlns="{DEVICE}"/>'
CAPABILITIES = f'<GetCapabilities xmlns="{DEVICE}"><Category>Media</Category></GetCapabilities>'
PROFILES = f'<GetProfiles xmlns="{MEDIA}"/>'


def stream_request(token: str) -> str:
    """Asks for the RTSP address of a profile."""
    setup = f'<Stream xmlns="{SCHEMA}">RTP-Unicast</Stream><Transport xmlns="{SCHEMA}"><Protocol>RTSP</Protocol></Transport>'
    return f'<GetStreamUri xmlns="{MEDIA}"><StreamSetup>{setup}</StreamSetup><ProfileToken>{escape(token)}</ProfileToken></GetStreamUri>'


def body_of(answer: bytes) -> Any:
    """The one element in the body of an answer.

    Raises:
        Refused: the camera said no, with its reason. StreamBroken: this is no answer of an ONVIF camera.
    """
    body = _parsed(answer).find(f"{{{SOAP}}}Body")
    if body is None or len(body) != 1:
        raise StreamBroken("The camera's answer has no content.", "See that ONVIF is switched on in the camera.")
    if body[0].tag == f"{{{SOAP}}}Fault":
        reason = " ".join(body[0].findtext(f"{{{SOAP}}}Reason/{{{SOAP}}}Text", "").split())[:200]
        raise Refused(f"The camera refused: {reason or 'no reason given'}", "Check user and password, and that the user may use ONVIF.")
    return body[0]


def time_of(answer: bytes) -> float | None:
    """The camera's time, UTC seconds; None when it does not say."""
    when = body_of(answer).find(f"{{{DEVICE}}}SystemDateAndTime/{{{SCHEMA}}}UTCDateTime")
    if when is None:
        return None
    parts = [when.findtext(f"{{{SCHEMA}}}Date/{{{SCHEMA}}}{name}", "") for name in ("Year", "Month", "Day")]
    parts += [when.findtext(f"{{{SCHEMA}}}Time/{{{SCHEMA}}}{name}", "") for name in ("Hour", "Minute", "Second")]
    try:
        return datetime(*(int(part) for part in parts), tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]  # six numbers
    except (ValueError, OverflowError):
        return None


def serial_of(answer: bytes) -> str | None:
    """The camera's serial number; None when it does not say."""
    return body_of(answer).findtext(f"{{{DEVICE}}}SerialNumber", "").strip()[:64] or None


def media_address_of(answer: bytes) -> str | None:
    """Address of the camera's media service; None when it has none."""
    path = f"{{{DEVICE}}}Capabilities/{{{SCHEMA}}}Media/{{{SCHEMA}}}XAddr"
    return body_of(answer).findtext(path, "").strip() or None


def profiles_of(answer: bytes) -> tuple[Profile, ...]:
    """The streams that a camera offers, largest first; in its own order where it gives no sizes."""
    found = []
    for profile in list(body_of(answer).iterfind(f"{{{MEDIA}}}Profiles"))[:MAX_PROFILES]:
        size = profile.find(f"{{{SCHEMA}}}VideoEncoderConfiguration/{{{SCHEMA}}}Resolution")
        width, height = ("", "") if size is None else [size.findtext(f"{{{SCHEMA}}}{name}", "").strip() for name in ("Width", "Height")]
        pixels = int(width) * int(height) if width.isdecimal() and height.isdecimal() and len(width + height) < 12 else None
        if token := profile.get("token", "").strip():
            found.append(Profile(token, pixels))
    return tuple(sorted(found, key=lambda profile: -(profile.pixels or 0)))


def stream_of(answer: bytes) -> str | None:
    """The RTSP address in an answer; None when there is none."""
    return body_of(answer).findtext(f"{{{MEDIA}}}MediaUri/{{{SCHEMA}}}Uri", "").strip() or None


def _parsed(answer: bytes) -> Any:
    if len(answer) > MAX_ANSWER_BYTES:
        raise StreamBroken("The camera's answer is too long.", "See whether this is a camera.")
    try:
        return defusedxml.ElementTree.fromstring(answer)
    except (defusedxml.ElementTree.ParseError, defusedxml.DefusedXmlException, ValueError, LookupError) as error:
        raise StreamBroken("The camera's answer is not XML.", "See that ONVIF is switched on in the camera.") from error
