"""Writes a zones file as TOML 1.0 with comments. The standard library reads TOML but does not write it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sewu.base.errors import BadSettings

HEAD = """\
# Zones of one camera. Points are pixels from the top left of a picture of this width and height.
# A zone is a polygon: corners in order around it, the last one joins the first.
"""
LINE_NOTE = """\
# A counting line. Stand at start_px and look at end_px: from your left hand to your right hand is "forward".
"""
GROUND_NOTE = """\
# The ground plane: points on the ground in the picture and in metres, in the same order; or a 3 x 3 matrix.
"""


def document_toml(document: Mapping[str, Any]) -> str:
    """A zones document (as dumped by `ZoneFile`) as TOML text."""
    parts = [HEAD, f"size_px = {value_toml(document['size_px'])}\n"]
    for zone in document.get("zones", ()):
        parts.append("\n[[zones]]\n" + _keys(zone))
    for number, line in enumerate(document.get("lines", ())):
        parts.append("\n" + (LINE_NOTE if number == 0 else "") + "[[lines]]\n" + _keys(line))
    if document.get("ground"):
        parts.append(f"\n{GROUND_NOTE}[ground]\n{_keys(document['ground'])}")
    return "".join(parts)


def value_toml(value: object) -> str:
    """One value as TOML, exact: floats keep every digit.

    Raises:
        BadSettings: TOML has no way to write it (null).
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's, except that TOML wants DEL escaped too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inside = ", ".join(f"{value_toml(str(key))} = {value_toml(inner)}" for key, inner in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(value_toml(inner) for inner in value)}]"
    raise BadSettings(f"{value!r} cannot be written to a TOML file.", "Leave the key out instead.")


def _keys(table: Mapping[str, Any]) -> str:
    """The keys of one table, one a line; what is at its empty default is left out."""
    defaults = {"name": "", "settings": {}}
    lines = [f"{key} = {value_toml(value)}" for key, value in table.items() if value is not None and value != defaults.get(key)]
    return "\n".join(lines) + "\n"
