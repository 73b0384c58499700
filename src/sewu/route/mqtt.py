"""MQTT: each message to <prefix>/<agency>/incident, and a sensor for each agency that Home Assistant finds by itself.

Home Assistant's MQTT discovery: retained JSON at <discovery prefix>/sensor/<object id>/config. Incidents are published with
QoS 1, so the broker acknowledges them; the newest one is retained as the sensor's state.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import aiomqtt
from pydantic import Field

from sewu.base.clock import iso_utc
from sewu.base.errors import Retry
from sewu.base.routing import Channel, Message
from sewu.base.settings import Settings, validate

TIMEOUT_S = 15.0
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=100)]


class MqttSettings(Settings):
    """Where the broker is. The password is the channel's secret."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    """Name or address of the broker."""
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    """8883 with TLS."""
    tls: bool = False
    """Encrypt, and check the broker's certificate."""
    user: str | None = None
    """User name, if the broker wants one."""
    prefix: Topic = "sewu"
    """Beginning of every topic."""
    discovery_prefix: Topic = "homeassistant"
    """Where Home Assistant looks for new devices."""


class Mqtt:
    """Publishes to a broker, with a connection for each message: a city tells some a minute, not some a second."""

    async def send(self, message: Message, channel: Channel, secret: str | None) -> None:
        """Raises `Retry` when the broker is away or says no, `BadSettings` for settings that cannot be."""
        settings = validate(MqttSettings, dict(channel.settings), f"channel {channel.id}")
        tls = aiomqtt.TLSParameters() if settings.tls else None
        try:
            async with aiomqtt.Client(
                settings.host, settings.port, username=settings.user, password=secret, tls_params=tls, timeout=TIMEOUT_S
            ) as client:
                topic, payload = discovery(settings, message.agency)
                await client.publish(topic, payload, qos=1, retain=True)
                data = json.dumps(as_data(message), ensure_ascii=False)
                await client.publish(f"{settings.prefix}/{message.agency}/incident", data, qos=1)
                await client.publish(f"{settings.prefix}/{message.agency}/newest", data, qos=1, retain=True)
        except (aiomqtt.MqttError, OSError) as error:
            raise Retry(f"The broker {settings.host}:{settings.port} did not take it: {error}.", "Check that it runs.") from error


def as_data(message: Message) -> dict[str, object]:
    """The message as data, with its time also in ISO 8601."""
    return asdict(message) | {"at": iso_utc(message.at_s)}


def discovery(settings: MqttSettings, agency: str) -> tuple[str, str]:
    """Topic and payload by which Home Assistant learns of an agency's sensor."""
    name = f"{settings.prefix}/{agency}".replace("/", "_")
    config = {
        "name": f"{agency} newest incident",
        "unique_id": name,
        "object_id": name,
        "state_topic": f"{settings.prefix}/{agency}/newest",
        "value_template": "{{ value_json.title[:255] }}",
        "json_attributes_topic": f"{settings.prefix}/{agency}/newest",
        "icon": "mdi:cctv",
        "device": {"identifiers": [settings.prefix.replace("/", "_")], "name": "Sewu", "manufacturer": "Sewu"},
    }
    return f"{settings.discovery_prefix}/sensor/{name}/config", json.dumps(config)
