"""The in-app channel: the stored message is the delivery; screens read it from the list of dispatches."""

from __future__ import annotations

from sewu.base.routing import Channel, Message


class InApp:
    """Nothing to do: what is stored can be read."""

    async def send(self, message: Message, channel: Channel, secret: str | None) -> None:
        """Arrived when written."""
