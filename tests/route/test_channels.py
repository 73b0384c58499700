"""Each channel against a real peer: what arrives, who signed it, and what happens when the peer is away."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifying
from standardwebhooks.webhooks import WebhookVerificationError

from sewu.base.clock import SystemClock
from sewu.base.errors import BadSettings, Refused, Retry
from sewu.base.routing import Message
from sewu.route.mqtt import Mqtt
from sewu.route.push import Push
from sewu.route.webhook import Webhook, is_public
from tests.route.outboxes import way
from tests.route.peers import Mailbox, Receiver, free_port, mosquitto

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise imports it
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = Message(
    id="dsp_1",
    title="[tinggi] Parkir liar: Simpang Lima",
    body="Status: baru.",
    occasion="opened",
    at_s=1_700_000_000.0,
    incident_id="inc_1",
    agency="dishub",
    severity="high",
    kind="illegal_parking",
    state="open",
)


def bounded(work: Any) -> Any:
    return asyncio.run(asyncio.wait_for(work, 30))


def test_a_webhook_is_signed_so_that_the_receiver_can_check_it() -> None:
    with Receiver() as peer:
        channel = way("webhook", url=f"http://127.0.0.1:{peer.port}/hook?a=1")
        bounded(Webhook(SystemClock(), allow_private=True).send(MESSAGE, channel, SECRET))
        ((path, headers, body),) = peer.got
        assert path == "/hook?a=1" and headers["host"] == f"127.0.0.1:{peer.port}"
        data = Verifying(SECRET).verify(body, headers)
        assert data["type"] == "incident.opened" and data["data"]["title"] == MESSAGE.title
        assert headers["webhook-id"] == "dsp_1" == data["data"]["id"]
        with pytest.raises(WebhookVerificationError):
            Verifying(SECRET).verify(body.replace(b"high", b"info"), headers)
        with pytest.raises(WebhookVerificationError):
            Verifying("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").verify(body, headers)


@pytest.mark.parametrize(("status", "error"), [(500, Retry), (429, Retry), (404, Refused), (410, Refused), (302, Refused)])
def test_what_a_webhook_answers_decides_whether_it_is_tried_again(status: int, error: type[Exception]) -> None:
    with Receiver() as peer, Receiver() as inside:
        peer.status, peer.location = status, f"http://127.0.0.1:{inside.port}/"
        with pytest.raises(error):
            bounded(Webhook(SystemClock(), True).send(MESSAGE, way("webhook", url=f"http://127.0.0.1:{peer.port}/"), SECRET))
        assert len(peer.got) == 1 and inside.got == []  # no redirect is followed


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://user:pw@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "",
    ],
)
def test_no_webhook_leads_to_the_servers_own_insides(url: str) -> None:
    with Receiver() as inside:
        with pytest.raises((BadSettings, Retry)):
            bounded(Webhook(SystemClock()).send(MESSAGE, way("webhook", url=url.format(port=inside.port)), SECRET))
        assert inside.got == []


@given(
    st.ip_addresses(v=4, network="10.0.0.0/8")
    | st.ip_addresses(v=4, network="192.168.0.0/16")
    | st.ip_addresses(v=4, network="127.0.0.0/8")
)
def test_a_private_address_is_private_in_every_spelling(address: Any) -> None:
    high, low = int(address) >> 16, int(address) & 0xFFFF
    mapped, nat64, six = f"::ffff:{address}", f"64:ff9b::{high:x}:{low:x}", f"2002:{high:x}:{low:x}::1"
    assert not any(is_public(text) for text in (str(address), mapped, nat64, six))


def test_public_addresses_are_public() -> None:
    assert is_public("103.101.52.1") and is_public("2001:4860:4860::8888") and not is_public("fe80::1") and not is_public("224.0.0.1")


def test_a_peer_that_is_away_is_a_reason_to_try_again() -> None:
    port = free_port()
    with pytest.raises(Retry):
        bounded(Webhook(SystemClock(), True).send(MESSAGE, way("webhook", url=f"http://127.0.0.1:{port}/"), SECRET))
    with pytest.raises(Retry):
        bounded(Mqtt().send(MESSAGE, way("mqtt", host="127.0.0.1", port=port), None))
    with pytest.raises(Retry):
        bounded(Push().send(MESSAGE, way("apprise"), f"mailto://127.0.0.1:{port}/?from=sewu@kota.test&to=piket@kota.test&mode=insecure"))


@pytest.mark.parametrize("secret", [None, "", "not a url", "file:///etc/x", "exec://ls", "syslog://", "json://a json://b"])
def test_an_address_that_is_none_or_acts_on_the_server_itself_is_refused(secret: str | None) -> None:
    with pytest.raises(BadSettings):
        bounded(Push().send(MESSAGE, way("apprise"), secret))


def test_an_e_mail_arrives_with_its_title_its_text_and_its_id() -> None:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        url = f"mailto://127.0.0.1:{controller.port}/?from=sewu@kota.test&to=piket@kota.test&mode=insecure&format=text"
        bounded(Push().send(MESSAGE, way("apprise"), url))
    finally:
        controller.stop()
    (envelope,) = box.letters
    letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
    plain = letter.get_body(("plain",))
    assert plain is not None
    text = plain.get_content()
    assert envelope.rcpt_tos == ["piket@kota.test"] and letter["subject"] == MESSAGE.title
    assert MESSAGE.body in text and "dsp_1" in text


def test_mqtt_brings_the_incident_and_home_assistant_finds_its_sensor(tmp_path: Path) -> None:
    port = free_port()

    async def listen() -> dict[str, Any]:
        got: dict[str, Any] = {}
        async with aiomqtt.Client("127.0.0.1", port, username="sewu", password="rahasia") as client:
            await client.subscribe("#", qos=1)
            await Mqtt().send(MESSAGE, way("mqtt", host="127.0.0.1", port=port, user="sewu"), "rahasia")
            async for message in client.messages:
                got[str(message.topic)] = json.loads(bytes(message.payload))
                if len(got) == 3:
                    return got
        raise AssertionError("the broker went away")

    with mosquitto(tmp_path, port):
        got = bounded(listen())
        with pytest.raises(Retry):
            bounded(Mqtt().send(MESSAGE, way("mqtt", host="127.0.0.1", port=port, user="sewu"), "wrong"))
    assert got["sewu/dishub/incident"]["id"] == "dsp_1" and got["sewu/dishub/incident"]["at"] == "2023-11-14T22:13:20.000Z"
    found = got["homeassistant/sensor/sewu_dishub/config"]
    assert found["state_topic"] in got and got[found["json_attributes_topic"]]["title"] == MESSAGE.title
    with pytest.raises(BadSettings):
        bounded(Mqtt().send(MESSAGE, way("mqtt", host="127.0.0.1", prefix="a/#"), None))
