"""Which language a command speaks."""

from __future__ import annotations

import os

from sewu.base.words import Words, choose_language


def words() -> Words:
    """The texts in the user's language: `SEWU_LANGUAGE`, else the locale."""
    wanted = os.environ.get("SEWU_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    return Words(choose_language(wanted))
