"""E-mail, Telegram and some eighty others through Apprise; the secret of such a channel is its whole Apprise URL."""

from __future__ import annotations

import apprise

from sewu.base.errors import BadSettings, Retry
from sewu.base.routing import Channel, Message

NOT_OVER_THE_NET = ("file", "syslog", "dbus", "gnome", "macosx", "windows", "exec", "cli", "glib", "kde", "qt")
"""Schemas that act on the server itself; a channel must not."""


class Push:
    """Sends through Apprise. What it says of a failure is only yes or no, so any failure is tried again."""

    async def send(self, message: Message, channel: Channel, secret: str | None) -> None:
        """Raises `Retry` when the service did not take it, `BadSettings` when the URL is none."""
        if not secret or secret.partition("://")[0].lower() in NOT_OVER_THE_NET:
            raise BadSettings(f"Channel {channel.id} has no usable Apprise URL.", "Enter one, for example mailtos://user:password@host.")
        to = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, secure_logging=True))
        if not to.add(secret) or len(to) != 1:
            raise BadSettings(f"Channel {channel.id} needs exactly one Apprise URL that can be read.", "Enter it again.")
        if not await to.async_notify(body=f"{message.body}\n({message.id})", title=message.title):
            raise Retry(f"{channel.name} did not take the message.", "It is sent again by itself; check the address if it stays so.")
