"""Model cards: what a detector needs to know of an ONNX file, as TOML beside it.

A card says how a picture is put into the model, how boxes come out, which of its classes are Sewu's, and where
the file comes from. What is not known (a hash, a URL) is left out of the card, never guessed.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from sewu.base.errors import BadModel, BadSettings
from sewu.base.records import CLASS_IDS, Bools, Ints
from sewu.base.settings import Settings, read_document, validate

FamilyName = Literal["yolox", "nanodet", "picodet", "detr", "ssd"]
SewuClass = Literal["person", "bicycle", "motorcycle", "car", "bus", "truck"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.onnx$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Side = Annotated[int, Field(ge=32, le=8192)]
Channel = tuple[float, float, float]
MAX_CLASSES = 4096


class InputSpec(Settings):
    """How a picture is put into the model."""

    width_px: Side
    """Width of the model's input, or the usual width where the size is free."""
    height_px: Side
    """Height of the model's input, or the usual height where the size is free."""
    multiple_of: Annotated[int, Field(ge=1, le=256)] | None = None
    """Width and height may be any multiple of this; left out where the size is fixed."""
    name: str | None = None
    """Name of the picture input; left out: the first input with four axes."""
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    """Order of the axes."""
    dtype: Literal["float32", "uint8"] = "float32"
    """Number type of the input."""
    colour: Literal["BGR", "RGB"] = "BGR"
    """Order of the colours."""
    resize: Literal["letterbox", "stretch"] = "letterbox"
    """Keep the aspect and pad, or stretch to the input's size."""
    anchor: Literal["top_left", "centre"] = "top_left"
    """Where the picture lies in a letterbox."""
    pad_value: Annotated[int, Field(ge=0, le=255)] = 114
    """Grey level of the padding."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    """Each pixel p (0 to 255) becomes (p * scale - mean) / std."""
    mean: Channel = (0.0, 0.0, 0.0)
    """Mean per colour, in the order of `colour`, after scaling."""
    std: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (1.0, 1.0, 1.0)
    """Standard deviation per colour, in the order of `colour`, after scaling."""

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        step = self.multiple_of or 1
        if self.width_px % step or self.height_px % step:
            raise ValueError(f"width_px and height_px must be multiples of {step}")
        if self.dtype == "uint8" and (self.scale != 1.0 or any(self.mean) or any(value != 1.0 for value in self.std)):
            raise ValueError("a uint8 input takes the pixels as they are: leave out scale, mean and std")
        return self


class OutputSpec(Settings):
    """How boxes come out of the model."""

    names: tuple[str, ...] = ()
    """Output names in the order in which the family reads them (see docs/models.md); left out: told apart by shape."""
    decoded: bool = False
    """True where the model already gives boxes, scores and classes of its own choice."""
    strides: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = (8, 16, 32)
    """Pixels of input per grid cell, one for each level."""
    reg_max: Annotated[int, Field(ge=1, le=64)] = 7
    """Largest distance of the distribution (nanodet, picodet), in cells."""
    cell_offset: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Where in its cell an anchor point lies (nanodet, picodet): 0 corner, 0.5 middle."""
    activation: Literal["none", "sigmoid", "softmax"] = "none"
    """What turns the model's class scores into 0 to 1; "none" where they are already."""
    box_format: Literal["xyxy", "yxyx", "cxcywh"] = "xyxy"
    """Order of a box's numbers (detr, ssd)."""
    box_unit: Literal["pixel", "ratio"] = "pixel"
    """Pixels of the input, or shares of its width and height (detr, ssd)."""


class ModelCard(Settings):
    """Everything Sewu needs to know of one ONNX detector."""

    name: Name
    """Name to call it by."""
    family: FamilyName
    """Which decoder reads its outputs."""
    input: InputSpec
    """How a picture is put in."""
    outputs: OutputSpec = OutputSpec()
    """How boxes come out."""
    labels: tuple[str, ...] = ()
    """The model's class names in order; needed where `classes` names them instead of counting."""
    classes: Annotated[dict[str, SewuClass], Field(min_length=1)]
    """The model's class (its index, or its name out of `labels`) -> Sewu's class. The rest is not reported."""
    min_score: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Detections below this are not reported, unless asked otherwise."""
    max_iou: Annotated[float, Field(gt=0, le=1)] = 0.45
    """Of two boxes of one class that overlap more than this, the weaker goes, unless `nms` is false."""
    nms: bool = True
    """False where the model needs no non-maximum suppression or has its own."""
    licence: str
    """Licence of the weights (SPDX), or "unstated"."""
    sha256: tuple[Sha256, ...] = ()
    """SHA-256 of the files that are this model, in lower case; empty: not known."""
    url: str | None = None
    """Where the official file is; left out: there is none."""
    size_bytes: Annotated[int, Field(gt=0)] | None = None
    """Size of the official file; left out: not known."""
    files: tuple[FileName, ...] = ()
    """Other file names under which it is found."""
    note: str = ""
    """What else a user should know."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.url is not None and not self.url.startswith(("https://", "http://")):
            raise ValueError("url must begin with https:// or http://")
        if self.family == "yolox" and self.outputs.activation == "softmax":
            raise ValueError("outputs.activation: objectness stands alone, so yolox takes none or sigmoid")
        self._indices()
        return self

    def _indices(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for key, value in self.classes.items():
            if key in self.labels:
                index = self.labels.index(key)
            elif key.isascii() and key.isdigit() and int(key) < MAX_CLASSES:
                index = int(key)
            else:
                raise ValueError(f"classes: {key!r} is neither an index below {MAX_CLASSES} nor one of the labels")
            found[index] = CLASS_IDS[value]
        return found

    def class_table(self) -> tuple[Bools, Ints]:
        """Lookup by the model's class index: whether it is one of Sewu's, and which (int64, index into `CLASSES`)."""
        indices = self._indices()
        known = np.zeros(MAX_CLASSES, np.bool_)
        wanted = np.zeros(MAX_CLASSES, np.int64)
        for index, value in indices.items():
            known[index], wanted[index] = True, value
        return known, wanted


def read_card(path: Path) -> ModelCard:
    """Read a card file.

    Raises:
        BadModel: missing, not TOML, or a field is wrong; every fault is named.
    """
    try:
        return validate(ModelCard, read_document(path), str(path))
    except BadSettings as error:
        raise BadModel(error.what, f"{error.advice} docs/models.md describes every field.") from error


@cache
def builtin_cards() -> dict[str, ModelCard]:
    """The cards that come with Sewu, by name."""
    folder = resources.files("sewu.detect").joinpath("cards")
    cards = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            with resources.as_file(entry) as path:
                card = read_card(path)
            cards[card.name] = card
    return cards


def write_card(card: ModelCard) -> str:
    """The card as TOML that `read_card` takes back unchanged. Fields at their default are left out."""
    document: dict[str, Any] = card.model_dump(mode="json", exclude_defaults=True)
    lines = [f"{key} = {_toml(value)}" for key, value in document.items() if not isinstance(value, dict)]
    for key, table in document.items():
        if isinstance(table, dict):
            lines += ["", f"[{key}]", *(f"{_quoted(name)} = {_toml(value)}" for name, value in table.items() if value is not None)]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
