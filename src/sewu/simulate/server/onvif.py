"""What an ONVIF camera answers: device and media service, as far as registering a camera needs them.

Sources: ONVIF Core Specification (device service, WS-UsernameToken), ONVIF Media Service Specification,
OASIS Web Services Security UsernameToken Profile 1.0.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

import defusedxml
import defusedxml.ElementTree

from sewu.base.clock import Clock
from sewu.simulate.server.http import Reply
from sewu.simulate.server.message import Request
from sewu.simulate.server.plan import Quality, ServedCamera, stream_url

SOAP = "http://www.w3.org/2003/05/soap-envelope"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"

FRESH_S = 300.0
MAX_NONCES = 4096
MAX_BODY_BYTES = 64 * 1024
XML = "application/soap+xml; charset=utf-8"


@dataclass(slots=True)
class Addresses:
    """Where the services are."""

    host: str
    rtsp_port: int
    http_port: int = 0

    def service(self, camera: ServedCamera, name: str) -> str:
        """Address of a camera's device or media service."""
        return f"http://{self.host}:{self.http_port}/onvif/{quote(camera.id)}/{name}"


class Security:
    """Checks WS-UsernameToken digests; a nonce is good once."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._used: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def passes(self, camera: ServedCamera, envelope: Any) -> bool:
        """Whether the envelope carries the digest of the right password, fresh and not seen before."""
        if camera.is_open:
            return True
        token = envelope.find(f"{{{SOAP}}}Header/{{{SECURITY}}}Security/{{{SECURITY}}}UsernameToken")
        if token is None:
            return False
        user, password = token.findtext(f"{{{SECURITY}}}Username", ""), token.find(f"{{{SECURITY}}}Password")
        created = token.findtext(f"{{{UTILITY}}}Created", "").strip()
        if password is None or password.get("Type") != DIGEST or user.strip() != camera.user:
            return False
        try:
            nonce = base64.b64decode(token.findtext(f"{{{SECURITY}}}Nonce", "").strip(), validate=True)
            at_s = datetime.fromisoformat(created).astimezone(UTC).timestamp()
        except (binascii.Error, ValueError, OverflowError):
            return False
        right = hmac.compare_digest(password_digest(nonce, created, camera.password or "").encode(), (password.text or "").strip().encode())
        if not right or abs(self.clock.now_s() - at_s) > FRESH_S or (camera.id, nonce) in self._used:
            return False
        self._used[camera.id, nonce] = None
        if len(self._used) > MAX_NONCES:
            self._used.popitem(last=False)
        return True


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce + created + password)), UsernameToken Profile 1.0 section 3.1."""
    return base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()).decode()


def answer(request: Request, camera: ServedCamera, addresses: Addresses, security: Security | None) -> Reply:
    """Answer one SOAP request to `/onvif/CAM/device` or `/onvif/CAM/media`.

    Args:
        security: None to let nobody in.
    """
    if request.method != "POST":
        return Reply(405, headers={"Allow": "POST"})
    if len(request.body) > MAX_BODY_BYTES:
        return _fault("Sender", "ter:WellFormed", "The request is too long.")
    try:
        envelope = defusedxml.ElementTree.fromstring(request.body)
    except (defusedxml.ElementTree.ParseError, defusedxml.DefusedXmlException, ValueError):
        return _fault("Sender", "ter:WellFormed", "The request is not XML.")
    body = envelope.find(f"{{{SOAP}}}Body")
    if body is None or len(body) != 1:
        return _fault("Sender", "ter:WellFormed", "The envelope has no body with one request.")
    wanted = body[0]
    if wanted.tag == f"{{{DEVICE}}}GetSystemDateAndTime" and security is not None:
        # Before any login: the client needs our time to make a digest that we accept.
        return _reply(_date_and_time(security.clock))
    action = ACTIONS.get(wanted.tag)
    if action is None:
        return _fault("Receiver", "ter:ActionNotSupported", "This camera has no such operation.")
    if security is None or not security.passes(camera, envelope):
        return _fault("Sender", "ter:NotAuthorized", "Wrong user, password, time or a digest that was used before.")
    content = action(camera, addresses, wanted)
    return _reply(content) if content is not None else _fault("Sender", "ter:InvalidArgVal", "There is no such profile.")


def _envelope(body: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:tds="{DEVICE}" xmlns:trt="{MEDIA}" xmlns:tt="{SCHEMA}"'
        f' xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def _reply(body: str) -> Reply:
    return Reply(200, XML, _envelope(body))


def _fault(code: str, subcode: str, reason: str) -> Reply:
    body = (
        f"<s:Fault><s:Code><s:Value>s:{code}</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{escape(reason)}</s:Text></s:Reason></s:Fault>'
    )
    return Reply(400 if code == "Sender" else 500, XML, _envelope(body))


def _date_and_time(clock: Clock) -> str:
    now = datetime.fromtimestamp(clock.now_s(), UTC)
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>WIB-7</tt:TZ></tt:TimeZone><tt:UTCDateTime>"
        f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time>"
        f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
        "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def _device_information(camera: ServedCamera, addresses: Addresses, wanted: Any) -> str:
    return (
        "<tds:GetDeviceInformationResponse><tds:Manufacturer>Sewu (synthetic)</tds:Manufacturer>"
        f"<tds:Model>{escape(camera.model)}</tds:Model><tds:FirmwareVersion>1</tds:FirmwareVersion>"
        f"<tds:SerialNumber>{escape(camera.id)}</tds:SerialNumber><tds:HardwareId>simulated</tds:HardwareId>"
        "</tds:GetDeviceInformationResponse>"
    )


def _capabilities(camera: ServedCamera, addresses: Addresses, wanted: Any) -> str:
    return (
        "<tds:GetCapabilitiesResponse><tds:Capabilities>"
        f"<tt:Device><tt:XAddr>{escape(addresses.service(camera, 'device'))}</tt:XAddr></tt:Device>"
        f"<tt:Media><tt:XAddr>{escape(addresses.service(camera, 'media'))}</tt:XAddr><tt:StreamingCapabilities>"
        "<tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP>"
        "</tt:StreamingCapabilities></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def _services(camera: ServedCamera, addresses: Addresses, wanted: Any) -> str:
    services = "".join(
        f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{escape(addresses.service(camera, name))}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for namespace, name in ((DEVICE, "device"), (MEDIA, "media"))
    )
    return f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>"


def _profiles(camera: ServedCamera, addresses: Addresses, wanted: Any) -> str:
    qualities: list[Quality] = ["main", "sub"] if camera.sub else ["main"]
    profiles = "".join(
        f'<trt:Profiles token="{quality}" fixed="true"><tt:Name>{quality}</tt:Name>'
        f'<tt:VideoSourceConfiguration token="source"><tt:Name>source</tt:Name><tt:UseCount>{len(qualities)}</tt:UseCount>'
        "<tt:SourceToken>source</tt:SourceToken></tt:VideoSourceConfiguration></trt:Profiles>"
        for quality in qualities
    )
    return f"<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"


def _quality(camera: ServedCamera, wanted: Any) -> Quality | None:
    profile = (wanted.findtext(f"{{{MEDIA}}}ProfileToken") or "").strip()
    if profile == "main":
        return "main"
    return "sub" if profile == "sub" and camera.sub else None


def _media_uri(name: str, uri: str) -> str:
    return (
        f"<trt:{name}Response><trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
        f"</trt:{name}Response>"
    )


def _stream_uri(camera: ServedCamera, addresses: Addresses, wanted: Any) -> str | None:
    quality = _quality(camera, wanted)
    return _media_uri("GetStreamUri", stream_url(camera, addresses.host, addresses.rtsp_port, quality)) if quality else None


def _snapshot_uri(camera: ServedCamera, addresses: Addresses, wanted: Any) -> str | None:
    quality = _quality(camera, wanted)
    if quality is None:
        return None
    return _media_uri("GetSnapshotUri", stream_url(camera, addresses.host, addresses.http_port, quality, "http") + "/still.jpg")


ACTIONS: dict[str, Callable[[ServedCamera, Addresses, Any], str | None]] = {
    f"{{{DEVICE}}}GetDeviceInformation": _device_information,
    f"{{{DEVICE}}}GetCapabilities": _capabilities,
    f"{{{DEVICE}}}GetServices": _services,
    f"{{{MEDIA}}}GetProfiles": _profiles,
    f"{{{MEDIA}}}GetStreamUri": _stream_uri,
    f"{{{MEDIA}}}GetSnapshotUri": _snapshot_uri,
}
