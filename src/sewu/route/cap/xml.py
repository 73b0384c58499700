"""Alerts to XML and back. Writing follows the standard to the letter; reading takes what other agencies really send, or says no.

Dates are written with a numeric offset ("+00:00", never "Z"; CAP 1.2 section 3.3.2). Reading needs no declaration order, but the
elements that the standard requires. Entities and document types are refused (defusedxml).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sewu.base.errors import BadInput
from sewu.route.cap.alert import CODES, NAMESPACE, Alert, AlertArea, Info, Pair, Resource
from sewu.route.cap.rules import local

MAX_BYTES = 4 * 1024 * 1024
MAX_POINTS = 20_000
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2)."""


def write(alert: Alert) -> bytes:
    """The alert as UTF-8 XML."""
    register_namespace("", NAMESPACE)
    root = Element(f"{{{NAMESPACE}}}alert")
    _put(root, "identifier", alert.identifier)
    _put(root, "sender", alert.sender)
    _put(root, "sent", _date(alert.sent_s))
    _put(root, "status", alert.status)
    _put(root, "msgType", alert.msg_type)
    _put(root, "source", alert.source)
    _put(root, "scope", alert.scope)
    _put(root, "restriction", alert.restriction)
    _put(root, "addresses", _quoted(alert.addresses))
    _put_all(root, "code", alert.codes)
    _put(root, "note", alert.note)
    _put(root, "references", " ".join(f"{sender},{id_},{_date(at_s)}" for sender, id_, at_s in alert.references) or None)
    _put(root, "incidents", _quoted(alert.incidents))
    for info in alert.infos:
        _put_info(SubElement(root, f"{{{NAMESPACE}}}info"), info)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _put_info(parent: Element, info: Info) -> None:
    _put(parent, "language", info.language)
    _put_all(parent, "category", info.categories)
    _put(parent, "event", info.event)
    _put_all(parent, "responseType", info.response_types)
    for name, value in (("urgency", info.urgency), ("severity", info.severity), ("certainty", info.certainty), ("audience", info.audience)):
        _put(parent, name, value)
    _put_pairs(parent, "eventCode", info.event_codes)
    for name, at_s in (("effective", info.effective_s), ("onset", info.onset_s), ("expires", info.expires_s)):
        _put(parent, name, None if at_s is None else _date(at_s))
    texts = (("senderName", info.sender_name), ("headline", info.headline), ("description", info.description))
    for name, value in (*texts, ("instruction", info.instruction), ("web", info.web), ("contact", info.contact)):
        _put(parent, name, value)
    _put_pairs(parent, "parameter", info.parameters)
    for resource in info.resources:
        child = SubElement(parent, f"{{{NAMESPACE}}}resource")
        _put(child, "resourceDesc", resource.resource_desc)
        _put(child, "mimeType", resource.mime_type)
        _put(child, "size", None if resource.size_bytes is None else str(resource.size_bytes))
        _put(child, "uri", resource.uri)
        _put(child, "derefUri", resource.deref_uri)
        _put(child, "digest", resource.digest)
    for area in info.areas:
        child = SubElement(parent, f"{{{NAMESPACE}}}area")
        _put(child, "areaDesc", area.area_desc)
        _put_all(child, "polygon", (" ".join(f"{_number(lat)},{_number(lon)}" for lat, lon in points) for points in area.polygons))
        _put_all(child, "circle", (f"{_number(lat)},{_number(lon)} {_number(radius_km)}" for lat, lon, radius_km in area.circles))
        _put_pairs(child, "geocode", area.geocodes)
        _put(child, "altitude", None if area.altitude_ft is None else _number(area.altitude_ft))
        _put(child, "ceiling", None if area.ceiling_ft is None else _number(area.ceiling_ft))


def _put(parent: Element, name: str, text: str | None) -> None:
    if text is not None:
        SubElement(parent, f"{{{NAMESPACE}}}{name}").text = FORBIDDEN.sub("", text)


def _put_all(parent: Element, name: str, texts: Iterable[str]) -> None:
    for text in texts:
        _put(parent, name, text)


def _put_pairs(parent: Element, name: str, pairs: Iterable[Pair]) -> None:
    for value_name, value in pairs:
        child = SubElement(parent, f"{{{NAMESPACE}}}{name}")
        _put(child, "valueName", value_name)
        _put(child, "value", value)


def _date(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"


def _quoted(values: tuple[str, ...]) -> str | None:
    """A list in one element: by spaces, in double quotes where a value has one (3.2.1, addresses)."""
    return " ".join(f'"{value}"' if " " in value else value for value in values) or None


def read(data: bytes) -> Alert:
    """The alert in an XML document.

    Raises:
        BadInput: too large, no XML, entities in it, no CAP 1.2 alert, or without what the standard requires.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(f"The alert is larger than {MAX_BYTES >> 20} MiB.", "Ask its sender.")
    try:
        root = fromstring(data, forbid_dtd=True)
        if root.tag != f"{{{NAMESPACE}}}alert":
            raise ValueError(f"the root is {root.tag[:80]}")
        return _alert(root)
    except (ParseError, DefusedXmlException, ValueError, LookupError, OverflowError, RecursionError) as error:
        raise BadInput(f"This is no CAP 1.2 alert: {str(error)[:200]}.", "Ask its sender.") from error


def _alert(root: Element) -> Alert:
    references = [part.split(",") for part in _text(root, "references", "").split()]
    return Alert(
        identifier=_text(root, "identifier"),
        sender=_text(root, "sender"),
        sent_s=_seconds(_text(root, "sent")),
        status=_code(root, "status"),
        msg_type=_code(root, "msgType"),
        scope=_code(root, "scope"),
        source=_maybe(root, "source"),
        restriction=_maybe(root, "restriction"),
        addresses=_unquoted(_text(root, "addresses", "")),
        codes=_texts(root, "code"),
        note=_maybe(root, "note"),
        references=tuple((part[0], part[1], _seconds(part[2])) for part in references if len(part) == 3),
        incidents=_unquoted(_text(root, "incidents", "")),
        infos=tuple(_info(child) for child in root if local(child) == "info"),
    )


def _info(node: Element) -> Info:
    times = {f"{name}_s": _seconds(text) for name in ("effective", "onset", "expires") if (text := _maybe(node, name)) is not None}
    return Info(
        event=_text(node, "event"),
        categories=tuple(text for text in _texts(node, "category") if text in CODES["category"]) or ("Other",),
        urgency=_code(node, "urgency"),
        severity=_code(node, "severity"),
        certainty=_code(node, "certainty"),
        language=_maybe(node, "language"),
        response_types=tuple(text for text in _texts(node, "responseType") if text in CODES["responseType"]),
        audience=_maybe(node, "audience"),
        event_codes=_pairs(node, "eventCode"),
        effective_s=times.get("effective_s"),
        onset_s=times.get("onset_s"),
        expires_s=times.get("expires_s"),
        sender_name=_maybe(node, "senderName"),
        headline=_maybe(node, "headline"),
        description=_maybe(node, "description"),
        instruction=_maybe(node, "instruction"),
        web=_maybe(node, "web"),
        contact=_maybe(node, "contact"),
        parameters=_pairs(node, "parameter"),
        resources=tuple(_resource(child) for child in node if local(child) == "resource"),
        areas=tuple(_area(child) for child in node if local(child) == "area"),
    )


def _resource(node: Element) -> Resource:
    size = _maybe(node, "size")
    uri, deref = _maybe(node, "uri"), _maybe(node, "derefUri")
    size_bytes = None if size is None else int(size)
    return Resource(_text(node, "resourceDesc"), _text(node, "mimeType"), size_bytes, uri, deref, _maybe(node, "digest"))


def _area(node: Element) -> AlertArea:
    altitude, ceiling = _maybe(node, "altitude"), _maybe(node, "ceiling")
    return AlertArea(
        area_desc=_text(node, "areaDesc"),
        polygons=tuple(_polygon(text) for text in _texts(node, "polygon")),
        circles=tuple((*_point(text.split()[0]), _finite(text.split()[1])) for text in _texts(node, "circle")),
        geocodes=_pairs(node, "geocode"),
        altitude_ft=None if altitude is None else _finite(altitude),
        ceiling_ft=None if ceiling is None else _finite(ceiling),
    )


def _polygon(text: str) -> tuple[tuple[float, float], ...]:
    parts = text.split()
    if not 4 <= len(parts) <= MAX_POINTS or parts[0] != parts[-1]:
        raise ValueError("a polygon that is not closed")
    return tuple(_point(part) for part in parts)


def _point(text: str) -> tuple[float, float]:
    lat, lon = (_finite(part) for part in text.split(","))
    if abs(lat) > 90 or abs(lon) > 180:
        raise ValueError("a point that is not on the earth")
    return lat, lon


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number that is none")
    return value


def _seconds(text: str) -> float:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or not 1970 <= at.year < 2200:
        raise ValueError(f"the date {text[:40]}")
    return at.timestamp()


def _maybe(node: Element, name: str) -> str | None:
    child = node.find(f"{{{NAMESPACE}}}{name}")
    return None if child is None else (child.text or "").strip() or None


def _text(node: Element, name: str, default: str | None = None) -> str:
    found = _maybe(node, name) or default
    if found is None:
        raise ValueError(f"{name} is missing")
    return found


def _texts(node: Element, name: str) -> tuple[str, ...]:
    return tuple((child.text or "").strip() for child in node if local(child) == name)


def _code(node: Element, name: str) -> str:
    value = _text(node, name)
    if value not in CODES[name]:
        raise ValueError(f"{name} is {value[:40]}")
    return value


def _pairs(node: Element, name: str) -> tuple[Pair, ...]:
    return tuple((_text(child, "valueName"), _text(child, "value", "")) for child in node if local(child) == name)


def _unquoted(text: str) -> tuple[str, ...]:
    parts = text.split('"')
    words = [[part.strip()] if index % 2 else part.split() for index, part in enumerate(parts)]
    return tuple(word for some in words for word in some if word)
