"""Every alert we can say is valid CAP 1.2 and comes back the same; nothing that is sent to us breaks the reader."""

from __future__ import annotations

import asyncio
import contextlib
import string
from typing import Any, get_args
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadInput
from sewu.base.incidents import AGENCY_OF_KIND, INCIDENT_STATES, Occasion
from sewu.base.records import SEVERITIES, Severity
from sewu.base.routing import Message
from sewu.route.cap.alert import CODES, NAMESPACE, Alert, AlertArea, Info, Resource
from sewu.route.cap.channel import Cap, CapSettings, alert_of
from sewu.route.cap.rules import faults
from sewu.route.cap.xml import read, write
from tests.route.outboxes import way
from tests.route.peers import Receiver

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
NAMES = st.text(string.ascii_letters + string.digits + ".:_-@", min_size=1, max_size=20)
MAYBE = st.none() | WORDS
SECONDS = st.integers(0, 4_000_000_000).map(float)
DEGREES = st.tuples(st.integers(-90, 90).map(float), st.integers(-1_800_000, 1_800_000).map(lambda number: number / 10_000))
POLYGONS = st.lists(DEGREES, min_size=3, max_size=5).map(lambda points: (*points, points[0]))
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=2).map(tuple)
RESOURCES = st.builds(
    Resource,
    WORDS,
    st.sampled_from(["image/jpeg", "video/mp4"]),
    st.none() | st.integers(0, 10**9),
    MAYBE,
    MAYBE,
    st.none() | st.text("0123456789abcdef", min_size=40, max_size=40),
)
AREAS = st.builds(
    lambda low, high, **rest: AlertArea(**rest, altitude_ft=low, ceiling_ft=None if low is None else high),
    st.none() | st.integers(0, 9000).map(float),
    st.none() | st.integers(9000, 20000).map(float),
    area_desc=WORDS,
    polygons=st.lists(POLYGONS, max_size=2).map(tuple),
    circles=st.lists(st.builds(lambda point, radius: (*point, float(radius)), DEGREES, st.integers(0, 50)), max_size=2).map(tuple),
    geocodes=PAIRS,
)


def code(name: str) -> Any:
    return st.sampled_from(CODES[name])


INFOS = st.builds(
    Info,
    event=WORDS,
    categories=st.lists(code("category"), min_size=1, max_size=2).map(tuple),
    urgency=code("urgency"),
    severity=code("severity"),
    certainty=code("certainty"),
    language=st.sampled_from([None, "id", "en-US", "id-ID"]),
    response_types=st.lists(code("responseType"), max_size=2).map(tuple),
    audience=MAYBE,
    event_codes=PAIRS,
    effective_s=st.none() | SECONDS,
    onset_s=st.none() | SECONDS,
    expires_s=st.none() | SECONDS,
    sender_name=MAYBE,
    headline=MAYBE,
    description=MAYBE,
    instruction=MAYBE,
    web=st.sampled_from([None, "https://sewu.example/incidents/1?a=1&b=2"]),
    contact=MAYBE,
    parameters=PAIRS,
    resources=st.lists(RESOURCES, max_size=1).map(tuple),
    areas=st.lists(AREAS, max_size=2).map(tuple),
)


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    scope, msg_type = draw(code("scope")), draw(code("msgType"))
    references = st.lists(st.tuples(NAMES, NAMES, SECONDS), min_size=0 if msg_type == "Alert" else 1, max_size=2)
    addresses = st.lists(st.sampled_from(["bpbd", "Kantor Kecamatan Tugu", "a@b.id"]), min_size=1 if scope == "Private" else 0, max_size=3)
    return Alert(
        identifier=draw(NAMES),
        sender=draw(NAMES),
        sent_s=draw(SECONDS),
        status=draw(code("status")),
        msg_type=msg_type,
        scope=scope,
        source=draw(MAYBE),
        restriction=draw(WORDS) if scope == "Restricted" else None,
        addresses=tuple(draw(addresses)),
        codes=tuple(draw(st.lists(WORDS, max_size=2))),
        note=draw(MAYBE),
        references=tuple(draw(references)),
        incidents=tuple(draw(st.lists(NAMES, max_size=2))),
        infos=tuple(draw(st.lists(INFOS, max_size=2))),
    )


@settings(max_examples=60)
@given(alerts())
def test_whatever_we_can_say_is_valid_and_comes_back_the_same(alert: Alert) -> None:
    data = write(alert)
    assert faults(fromstring(data)) == []
    assert read(data) == alert


FLOOD = Info("Banjir", ("Met",), "Expected", "Severe", "Likely")
FULL = write(Alert("inc_1", "sewu@semarangkota.go.id", 0.0, "Actual", "Alert", "Public", infos=(FLOOD,))).decode()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("<status>Actual</status>", "<status>Real</status>", "status"),
        ("<status>Actual</status>", "", "status"),
        ("<sender>sewu@", "<sender>sewu kota@", "sender"),
        ("<identifier>inc_1</identifier>", "<identifier>a,b</identifier>", "identifier"),
        ("1970-01-01T00:00:00+00:00", "1970-01-01T00:00:00Z", "sent"),
        ("1970-01-01T00:00:00+00:00", "1970-13-01T00:00:00+00:00", "sent"),
        ("<scope>Public</scope>", "<scope>Restricted</scope>", "restriction"),
        ("<scope>Public</scope>", "<scope>Private</scope>", "addresses"),
        ("<msgType>Alert</msgType>", "<msgType>Cancel</msgType>", "references"),
        ("<event>Banjir</event>", "<event>Banjir</event><event>Rob</event>", "event"),
        ("<category>Met</category>", "", "category"),
        ("<certainty>Likely</certainty>", "<certainty>Very Likely</certainty>", "certainty"),
        ("</info>", "<area><areaDesc>a</areaDesc><polygon>1,1 2,2 1,1</polygon></area></info>", "polygon"),
        ("</info>", "<area><areaDesc>a</areaDesc><circle>91,1 2</circle></area></info>", "circle"),
        ("</info>", "<area><areaDesc>a</areaDesc><ceiling>9</ceiling></area></info>", "ceiling"),
        ("</info>", "<area><polygon>1,1 2,2 3,3 1,1</polygon></area></info>", "areaDesc"),
        ("</info>", "<resource><resourceDesc>a</resourceDesc></resource></info>", "mimeType"),
        ("</info>", "<headline>late</headline><audience>x</audience></info>", "order"),
        ("</info>", "<colour>red</colour></info>", "colour"),
        ("</info>", "<eventCode>X</eventCode></info>", "valueName"),
    ],
)
def test_each_breach_of_the_standard_is_named(old: str, new: str, named: str) -> None:
    assert old in FULL and faults(fromstring(FULL)) == []
    found = faults(fromstring(FULL.replace(old, new)))
    assert any(named in fault for fault in found), found


BMKG_LIKE = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="{NAMESPACE}"><identifier>2.49.0.1.360.0.2026.11.24.08</identifier><sender>nowcast@bmkg.go.id</sender>
<sent>2026-11-24T15:20:00+07:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope><code>profile:2</code>
<info><language>id</language><category>Met</category><event>Hujan Lebat dan Petir</event><responseType>Monitor</responseType>
<urgency>Immediate</urgency><severity>Moderate</severity><certainty>Observed</certainty>
<effective>2026-11-24T15:20:00+07:00</effective><expires>2026-11-24T18:00:00+07:00</expires><senderName>Cuaca</senderName>
<headline>Hujan Lebat dan Petir di Jawa Tengah</headline><description>Kota Semarang: Tugu, Genuk</description>
<web>https://example.go.id/x.jpg</web>
<area><areaDesc>Jawa Tengah</areaDesc><polygon>-6.93,110.27 -6.93,110.50 -7.11,110.50 -6.93,110.27</polygon></area></info></alert>"""


def test_a_weather_warning_of_a_national_service_is_read() -> None:
    alert = read(BMKG_LIKE.encode())
    (info,) = alert.infos
    assert alert.sent_s == 1_795_508_400.0 and info.expires_s == 1_795_518_000.0 and info.event == "Hujan Lebat dan Petir"
    assert info.areas[0].polygons[0][1] == (-6.93, 110.5)


BOMB = '<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;">]>'


@pytest.mark.parametrize("data", [b"", b"<alert/>", b"\xff\xfe", BOMB.encode() + FULL.encode()[38:], b"<a>" * 5000, FULL.encode()[:-9]])
def test_what_is_no_alert_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read(data)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_alert_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    body = bytearray(BMKG_LIKE.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        length = data.draw(st.integers(0, 12))
        body[at : at + length] = data.draw(st.binary(max_size=6) | st.sampled_from([b"<", b">", b"&#0;", b"NaN", b"1e999", b"&a;"]))
    with contextlib.suppress(BadInput):
        assert isinstance(read(bytes(body)), Alert)


@given(
    st.sampled_from(SEVERITIES),
    st.sampled_from(get_args(Occasion)),
    st.sampled_from([*AGENCY_OF_KIND, "something_new"]),
    st.text(max_size=30),
    st.sampled_from(INCIDENT_STATES),
    st.booleans(),
)
def test_every_message_makes_a_valid_alert(severity: Severity, occasion: Occasion, kind: str, text: str, state: str, placed: bool) -> None:
    place: dict[str, Any] = {"lat_deg": -6.99, "lon_deg": 110.42} if placed else {}
    message = Message("dsp_1", text, text, occasion, 1.7e9, "inc_1", "bpbd", severity, kind, state, "33.74.01", **place)
    data = write(alert_of(message, CapSettings(url="https://bpbd.example/cap")))
    assert faults(fromstring(data)) == []
    assert read(data).incidents == ("inc_1",)


def test_an_alert_is_posted_to_its_agency() -> None:
    message = Message(
        "dsp_1", "Genangan", "air", "opened", 1.7e9, "inc_1", "bpbd", "high", "standing_water", "open", "33.74.01", -6.99, 110.42
    )
    with Receiver() as peer:
        asyncio.run(asyncio.wait_for(Cap(True).send(message, way("cap", url=f"http://127.0.0.1:{peer.port}/cap"), "token"), 20))
        ((_, headers, body),) = peer.got
    alert = read(body)
    assert headers["content-type"].startswith("application/cap+xml") and headers["authorization"] == "Bearer token"
    assert alert.infos[0].severity == "Severe" and alert.infos[0].areas[0].circles == ((-6.99, 110.42, 0.2),)
