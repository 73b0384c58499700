"""What every table of the operations database shares.

Conventions: ids are text (`new_id`), times are UTC seconds in double precision named `*_at_s`, structured values are JSON,
and what belongs to an area carries its code, so that rights can be applied in the query itself.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Double, Integer, MetaData, Table, Text, false, or_

from sewu.base.rights import Scope

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)
"""Every table registers here; the migrations are compared with it in the tests."""

changes = Table(
    "change",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_s", Double, nullable=False, index=True),
    Column("topic", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("area_code", Text),
    Column("agency", Text),
    sqlite_autoincrement=True,
)
"""The outbox: each change that a screen must hear of, written in the transaction that makes it. Its order is that of the commits."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str, at_s: float) -> str:
    """An id that sorts by time: prefix, milliseconds in base 32, 50 random bits ("inc_01kar8m3ft" + 10 letters)."""
    number, letters = (int(at_s * 1000) << 50) | secrets.randbits(50), []
    while number:
        letters.append(ALPHABET[number & 31])
        number >>= 5
    return f"{prefix}_{''.join(reversed(letters)).rjust(19, '0')}"


def within(column: ColumnElement[Any], scope: Scope) -> ColumnElement[bool]:
    """The condition that an area-code column lies within the scope; a scope of no area matches nothing."""
    if not scope.areas:
        return false()
    return or_(*(or_(column == area, column.startswith(f"{area}.", autoescape=True)) for area in scope.areas))
