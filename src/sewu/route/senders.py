"""Every kind of channel, in one table."""

from __future__ import annotations

from collections.abc import Mapping

from sewu.base.clock import Clock
from sewu.base.routing import ChannelKind
from sewu.route.cap.channel import Cap
from sewu.route.inapp import InApp
from sewu.route.mqtt import Mqtt
from sewu.route.push import Push
from sewu.route.router import Sender
from sewu.route.webhook import Webhook


def senders(clock: Clock, allow_private: bool = False) -> Mapping[ChannelKind, Sender]:
    """One sender for each kind. `allow_private`: webhooks and alert gateways may be in the city's own network."""
    return {
        "inapp": InApp(),
        "apprise": Push(),
        "mqtt": Mqtt(),
        "webhook": Webhook(clock, allow_private),
        "cap": Cap(allow_private),
    }
