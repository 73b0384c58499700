"""Which worker may write for a shard of cameras: the newest epoch only.

A shard that is started again, here or on another machine, gets a higher epoch. The one before may still be alive behind a
broken network; whatever it sends after its successor was heard is refused.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.errors import Refused
from sewu.store.operations.tables import metadata

shard_epochs = Table(
    "shard_epoch",
    metadata,
    Column("shard", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
)


async def fence(connection: AsyncConnection, shard: str, epoch: int) -> None:
    """Let this epoch of a shard write, in the caller's transaction, and none older from now on.

    Raises:
        Refused: a newer epoch of the shard has written already; the caller must stop.
    """
    first = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(shard_epochs)
    await connection.execute(first.values(shard=shard, epoch=epoch).on_conflict_do_nothing())
    query = select(shard_epochs.c.epoch).where(shard_epochs.c.shard == shard).with_for_update()
    newest = (await connection.execute(query)).scalar_one()
    if epoch < newest:
        raise Refused(
            f"Shard {shard} wrote with epoch {epoch}, but epoch {newest} has taken over; nothing was stored.", "Stop this worker."
        )
    if epoch > newest:
        await connection.execute(update(shard_epochs).where(shard_epochs.c.shard == shard).values(epoch=epoch))
