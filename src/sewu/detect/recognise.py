"""Which card fits an ONNX file that has none: by its hash, else by the shapes of its input and outputs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from sewu.base.errors import BadModel
from sewu.detect.cards import ModelCard, builtin_cards
from sewu.detect.families.candidates import grid
from sewu.detect.runtime import RUNTIME_ERRORS, open_session, run_failed

CHUNK_BYTES = 1 << 20
COCO_CLASSES = 80
FREE_STEP_PX = 32


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, lower-case hex. Raises `BadModel` when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise BadModel(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error
    return digest.hexdigest()


def recognise(path: Path) -> ModelCard:
    """A card for the file.

    A file with the hash of a built-in card is that model. Otherwise a layout that belongs to one family of
    official COCO exports alone is taken as such; anything else is refused rather than guessed.

    Raises:
        BadModel: cannot be loaded, or could be several things; says what to write in the card.
    """
    digest = sha256_of(path)
    for card in builtin_cards().values():
        if digest in card.sha256:
            return card
    session = open_session(path)
    inputs = {item.name: list(item.shape) for item in session.get_inputs()}
    outputs = {item.name: list(item.shape) for item in session.get_outputs()}
    pictures = [shape for shape in inputs.values() if len(shape) == 4 and shape[1] == 3]
    template = _template(session, inputs, outputs, pictures[0]) if len(pictures) == 1 else None
    if template is None:
        raise BadModel(
            f"{path} has no card, and its layout could be several things (inputs {inputs}, outputs {outputs}).",
            f"Write {path.with_suffix('.toml').name} beside it; docs/models.md shows how, family by family.",
        )
    return _adapted(template, path, pictures[0], digest)


def _template(session: Any, inputs: dict[str, Any], outputs: dict[str, Any], picture: list[Any]) -> ModelCard | None:
    cards, shapes = builtin_cards(), list(outputs.values())
    if "orig_target_sizes" in inputs:
        return cards["d-fine-n"] if set(outputs) == {"labels", "boxes", "scores"} else None
    if len(inputs) > 1:
        return None
    if set(outputs) == {"dets", "labels"} and outputs["labels"][-1] == 91:
        return cards["rf-detr-nano"]
    size = (picture[3], picture[2])
    fixed = all(isinstance(side, int) for side in size)
    if not fixed:
        free_yolox = len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][2] == 5 + COCO_CLASSES
        square = (416, 416)
        return cards["yolox-nano"] if free_yolox and _is_yolox(session, inputs, square) else None
    three, four = (len(grid(size, strides, 0.0)[0]) for strides in ((8, 16, 32), (8, 16, 32, 64)))
    if len(shapes) == 1 and shapes[0][1:] == [three, 5 + COCO_CLASSES]:
        return cards["yolox-nano"] if _is_yolox(session, inputs, size) else None
    if len(shapes) == 1 and shapes[0][1:] == [four, COCO_CLASSES + 32]:
        return cards["nanodet-plus-m-416"]
    widths = sorted(shape[-1] for shape in shapes if len(shape) == 3 and isinstance(shape[-1], int))
    return cards["picodet-s-416"] if widths == [32] * 4 + [COCO_CLASSES] * 4 else None


def _is_yolox(session: Any, inputs: dict[str, Any], size: tuple[int, int]) -> bool:
    """Whether the boxes are still in cells. Decoded ones look the same in shape, and other families make those too."""
    grey = np.full((1, 3, size[1], size[0]), 114, np.float32)
    try:
        rows = session.run(None, {next(iter(inputs)): grey})[0][0]
    except RUNTIME_ERRORS as error:
        raise run_failed("without a card", error) from error
    if len(rows) != len(grid(size, (8, 16, 32), 0.0)[0]):
        return False
    # In cells from their own corner the centres lie around 0; decoded they spread over the whole input.
    return bool(np.abs(np.median(rows[:, :2])) < 4 and np.percentile(np.abs(rows[:, :2]), 90) < size[0] / 16)


def _adapted(card: ModelCard, path: Path, picture: list[Any], digest: str) -> ModelCard:
    """The family's card with this file's size, and nothing said of licence and origin, which nobody knows."""
    height, width = picture[2], picture[3]
    free = not (isinstance(height, int) and isinstance(width, int))
    size: dict[str, Any] = {"multiple_of": FREE_STEP_PX} if free else {"width_px": width, "height_px": height, "multiple_of": None}
    return card.model_copy(
        update={
            "name": _as_name(path.stem),
            "input": card.input.model_copy(update=size),
            "licence": "unstated",
            "sha256": (digest,),
            "url": None,
            "size_bytes": None,
            "files": (),
            "note": f"Recognised by its layout as {card.family}, COCO classes.",
        }
    )


def _as_name(stem: str) -> str:
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem.lower()).lstrip("._-")
    return cleaned[:64] or "model"
