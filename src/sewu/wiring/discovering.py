"""`sewu cameras discover`: cameras on the network as a list to be completed and imported."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from sewu.base.clock import SystemClock
from sewu.base.errors import BadInput
from sewu.base.register import Login
from sewu.cameras.discovery import Offer, Unusable, ask_all, find_devices
from sewu.cameras.registerlist import ALL_COLUMNS
from sewu.store.files import write_whole


async def discover(
    out: Path, target: str, port: int, wait_s: float, login: tuple[str, str] | None
) -> tuple[tuple[Offer, ...], tuple[Unusable, ...]]:
    """Find cameras and write those that gave a stream to `out`, without the password.

    Raises:
        BadInput: `out` is there already, or nothing can be asked.
    """
    if out.exists():
        raise BadInput(f"{out} exists already.", "Name another file with --out, or move it away.")
    devices = await find_devices(wait_s, target, port)
    offers, unusable = await ask_all(devices, None if login is None else Login(*login), SystemClock())
    text = io.StringIO()
    writer = csv.DictWriter(text, ALL_COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for offer in offers:
        row = {"id": offer.id, "name": offer.name, "stream_url": offer.stream_url, "sub_stream_url": offer.sub_stream_url or ""}
        writer.writerow(row | {"user": "" if login is None else login[0]})
    write_whole(out, text.getvalue().encode())
    return offers, unusable
