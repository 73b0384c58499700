"""Kinds of values that many routes take."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

AREA_PATTERN = r"^[0-9]{2}\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4}(\.RW[0-9]{2,3}(\.RT[0-9]{2,3})?)?)?)?$"
ID_PATTERN = r"^[^\x00-\x1f\x7f/\\]{1,100}$"

Limit = Annotated[int, Query(ge=1, le=500, description="Rows a page.")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")]
Id = Annotated[str, Path(pattern=ID_PATTERN)]
AreaPath = Annotated[str, Path(pattern=AREA_PATTERN)]
AreaQuery = Annotated[str | None, Query(pattern=AREA_PATTERN, description="An area's code; all below it count too.")]
Search = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Seconds = Annotated[float | None, Query(ge=0, le=1e11, allow_inf_nan=False, description="UTC seconds since 1970.")]


def _without_zero(value: Any) -> Any:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("holds a zero character")
    return value


Text = Annotated[str, BeforeValidator(_without_zero), Field(max_length=4000)]
Name = Annotated[str, BeforeValidator(_without_zero), Field(min_length=1, max_length=200)]
IdField = Annotated[str, Field(pattern=ID_PATTERN)]
AreaField = Annotated[str, Field(pattern=AREA_PATTERN)]
Moment = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class Body(BaseModel):
    """What a request brings: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")
