"""Settings are validated once, where they enter, and are frozen afterwards."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sewu.base.errors import BadSettings

MAX_FILE_BYTES = 16 * 1024 * 1024


class Settings(BaseModel):
    """Base of every settings model: frozen, unknown keys refused, NaN and infinity refused.

    Every field carries a description, because forms and the reference documentation are made from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


S = TypeVar("S", bound=BaseModel)


def read_document(path: Path) -> dict[str, Any]:
    """Read a TOML or JSON file whose top level is a table.

    Raises:
        BadSettings: missing, too large, not UTF-8, not TOML/JSON, or not a table.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadSettings(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB.", "Give the settings file, not a clip.")
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BadSettings(f"{path} is not valid {path.suffix.lstrip('.').upper() or 'JSON'}: {error}.", "Mend the file.") from error
    if not isinstance(document, dict):
        raise BadSettings(f"{path} holds a {type(document).__name__}, not a table.", "Put the values under named keys.")
    return document


def validate(model: type[S], document: dict[str, Any], where: str) -> S:
    """Check `document` against `model`.

    Raises:
        BadSettings: lists every wrong field, where it stands and why.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}" for fault in error.errors())
        raise BadSettings(f"{where} is not usable: {faults}.", "Correct these fields.") from error


def load_settings(model: type[S], path: Path) -> S:
    """Read and check a TOML or JSON file. Raises `BadSettings` with every fault named."""
    return validate(model, read_document(path), str(path))


def overridden(settings: S, overrides: Mapping[str, object], where: str) -> S:
    """`settings` with some fields replaced, as a zone may do. Raises `BadSettings` naming every wrong field."""
    return validate(type(settings), {**settings.model_dump(), **overrides}, where) if overrides else settings
