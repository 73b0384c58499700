"""The standard's rules, checked on the XML itself: which element, how often, in which order, with which value.

Independent of what writes alerts here, so that a mistake there is found. Sources: CAP 1.2 sections 3.2.1 to 3.2.4, 3.3.2 (dates),
and the schema of section 3.4 (order of elements).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from xml.etree.ElementTree import Element

from sewu.route.cap.alert import CODES, NAMESPACE

MANY = 1_000_000
RULES: dict[str, tuple[tuple[str, int, int], ...]] = {
    "alert": (
        ("identifier", 1, 1),
        ("sender", 1, 1),
        ("sent", 1, 1),
        ("status", 1, 1),
        ("msgType", 1, 1),
        ("source", 0, 1),
        ("scope", 1, 1),
        ("restriction", 0, 1),
        ("addresses", 0, 1),
        ("code", 0, MANY),
        ("note", 0, 1),
        ("references", 0, 1),
        ("incidents", 0, 1),
        ("info", 0, MANY),
    ),
    "info": (
        ("language", 0, 1),
        ("category", 1, MANY),
        ("event", 1, 1),
        ("responseType", 0, MANY),
        ("urgency", 1, 1),
        ("severity", 1, 1),
        ("certainty", 1, 1),
        ("audience", 0, 1),
        ("eventCode", 0, MANY),
        ("effective", 0, 1),
        ("onset", 0, 1),
        ("expires", 0, 1),
        ("senderName", 0, 1),
        ("headline", 0, 1),
        ("description", 0, 1),
        ("instruction", 0, 1),
        ("web", 0, 1),
        ("contact", 0, 1),
        ("parameter", 0, MANY),
        ("resource", 0, MANY),
        ("area", 0, MANY),
    ),
    "resource": (
        ("resourceDesc", 1, 1),
        ("mimeType", 1, 1),
        ("size", 0, 1),
        ("uri", 0, 1),
        ("derefUri", 0, 1),
        ("digest", 0, 1),
    ),
    "area": (
        ("areaDesc", 1, 1),
        ("polygon", 0, MANY),
        ("circle", 0, MANY),
        ("geocode", 0, MANY),
        ("altitude", 0, 1),
        ("ceiling", 0, 1),
    ),
    "eventCode": (("valueName", 1, 1), ("value", 1, 1)),
    "parameter": (("valueName", 1, 1), ("value", 1, 1)),
    "geocode": (("valueName", 1, 1), ("value", 1, 1)),
}
"""Children of each element: name, least, most; in the schema's order."""
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
NAME = re.compile(r"[^\s,<&]+")
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def faults(root: Element) -> list[str]:
    """Every breach of the standard, by element; none for a valid alert."""
    if root.tag != f"{{{NAMESPACE}}}alert":
        return [f"{root.tag}: the root must be alert in {NAMESPACE}"]
    return [*_structure(root), *_values(root), *_together(root)]


def local(element: Element) -> str:
    """The name without its namespace; "" for what is of another one."""
    return element.tag.rpartition("}")[2] if element.tag.startswith(f"{{{NAMESPACE}}}") else ""


def _structure(element: Element) -> Iterator[str]:
    name = local(element)
    rules = RULES.get(name)
    if rules is None:
        if len(element):
            yield f"{name}: has elements inside"
        return
    order = [rule[0] for rule in rules]
    ours = [child for child in element if local(child)]
    if len(ours) != len(element) and name != "alert":  # an XML signature may end an alert
        yield f"{name}: an element of another namespace"
    known = [local(child) for child in ours if local(child) in order]
    yield from (f"{name}: unknown element {local(child)}" for child in ours if local(child) not in order)
    if any(order.index(a) > order.index(b) for a, b in pairwise(known)):
        yield f"{name}: elements out of order"
    counts = Counter(known)
    for child_name, least, most in rules:
        if not least <= counts[child_name] <= most:
            yield f"{name}: {counts[child_name]} of {child_name}, where {least} to {most} may be"
    for child in ours:
        yield from _structure(child)


def _values(root: Element) -> Iterator[str]:
    for element in root.iter():
        name, text = local(element), (element.text or "").strip()
        if name in CODES and text not in CODES[name]:
            yield f"{name}: {text!r} is not one of {', '.join(CODES[name])}"
        check = CHECKS.get(name)
        if check is not None and not check(text):
            yield f"{name}: {text[:80]!r} is malformed"


def _is_point(text: str) -> bool:
    parts = text.split(",")
    if len(parts) != 2 or not all(NUMBER.fullmatch(part) for part in parts):
        return False
    return abs(float(parts[0])) <= 90 and abs(float(parts[1])) <= 180


def _is_polygon(text: str) -> bool:
    points = text.split()
    return len(points) >= 4 and points[0] == points[-1] and all(_is_point(point) for point in points)


def _is_circle(text: str) -> bool:
    parts = text.split()
    return len(parts) == 2 and _is_point(parts[0]) and NUMBER.fullmatch(parts[1]) is not None and float(parts[1]) >= 0


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in (5, 8, 11, 14, 17))
    return 1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 59


def _are_references(text: str) -> bool:
    return all(len(part.split(",")) == 3 and _is_date(part.split(",")[2]) for part in text.split())


CHECKS: dict[str, Callable[[str], bool]] = {
    "identifier": lambda text: NAME.fullmatch(text) is not None,
    "sender": lambda text: NAME.fullmatch(text) is not None,
    "sent": _is_date,
    "effective": _is_date,
    "onset": _is_date,
    "expires": _is_date,
    "references": _are_references,
    "language": lambda text: re.fullmatch(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", text) is not None,
    "event": bool,
    "size": lambda text: re.fullmatch(r"\d+", text, re.ASCII) is not None,
    "digest": lambda text: re.fullmatch(r"[0-9a-fA-F]{40}", text) is not None,
    "mimeType": lambda text: re.fullmatch(r"[\w.+-]+/[\w.+-]+(;.*)?", text) is not None,
    "areaDesc": bool,
    "valueName": bool,
    "polygon": _is_polygon,
    "circle": _is_circle,
    "altitude": lambda text: NUMBER.fullmatch(text) is not None,
    "ceiling": lambda text: NUMBER.fullmatch(text) is not None,
    "web": lambda text: re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", text) is not None,
}


def _together(root: Element) -> Iterator[str]:
    """Rules over more than one element."""
    found = {local(child): (child.text or "").strip() for child in root}
    if (found.get("scope") == "Restricted") != ("restriction" in found):
        yield "restriction: must be there when scope is Restricted, and only then"
    if found.get("scope") == "Private" and not found.get("addresses"):
        yield "addresses: must be there when scope is Private"
    if found.get("msgType") in ("Update", "Cancel", "Ack", "Error") and not found.get("references"):
        yield f"references: a message of type {found['msgType']} names the one it is about"
    for area in root.iter(f"{{{NAMESPACE}}}area"):
        names = {local(child) for child in area}
        if "ceiling" in names and "altitude" not in names:
            yield "ceiling: only together with altitude"
