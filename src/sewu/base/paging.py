"""Lists are read page by page, from where the last page ended; never by counting rows from the start."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Generic, TypeVar

from sewu.base.errors import BadInput

Row = TypeVar("Row")
MAX_CURSOR_LETTERS = 400


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and where the next page begins; None when these were the last."""

    rows: tuple[Row, ...]
    next_cursor: str | None = None


def cursor_of(key: tuple[float | str, ...]) -> str:
    """An opaque cursor from the last row's sort key."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def cursor_key(cursor: str, kinds: tuple[type, ...]) -> tuple[float | str, ...]:
    """The sort key that `cursor_of` was given; `kinds` are its types (float or str).

    Raises:
        BadInput: no cursor of this list.
    """
    try:
        if len(cursor) > MAX_CURSOR_LETTERS:
            raise ValueError
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(found, list) or len(found) != len(kinds):
            raise ValueError
        key = tuple(_typed(value, kind) for value, kind in zip(found, kinds, strict=True))
    except (binascii.Error, ValueError, RecursionError, OverflowError):
        raise BadInput("This is no cursor of this list.", "Begin again without a cursor.") from None
    return key


def _typed(value: object, kind: type) -> float | str:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return float(value)
    if kind is str and isinstance(value, str) and "\0" not in value:
        return value
    raise ValueError
