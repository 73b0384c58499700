"""The detector that runs an ONNX model described by a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from sewu.base.boxes import clip
from sewu.base.errors import BadModel, BadSettings
from sewu.base.records import CLASS_IDS, CLASSES, Detections, Floats, Frame, Image, Ints
from sewu.base.settings import Settings
from sewu.detect.cards import ModelCard, Side
from sewu.detect.families import DECODERS
from sewu.detect.families.candidates import Candidates, Tensors
from sewu.detect.placing import Canvas, Fit, rectangle_px
from sewu.detect.runtime import RUNTIME_ERRORS, open_session, run_failed
from sewu.detect.suppression import suppress
from sewu.detect.tiles import EDGE_PX, Piece, Tiling, cut_by_edges, pieces, whole_objects

MAX_CANVASES = 8
"""Input sizes kept allocated; one more and the one unused for longest goes."""
MAX_CANDIDATES = 1000
"""Boxes per picture that suppression looks at, best first."""
SAME_VEHICLE_IOU = 0.8
"""Two four-wheelers cannot fill the same pixels: "car" and "truck" on one box are one vehicle, the likelier."""
SAME_VEHICLE = np.array([CLASS_IDS["car"] if name in ("bus", "truck") else index for index, name in enumerate(CLASSES)], np.int64)


class DetectorSettings(Settings):
    """How to run a model. Every field left out is the card's choice."""

    min_score: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Report nothing below this score."""
    max_iou: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of two boxes of one class that overlap more than this, the weaker goes."""
    input_px: tuple[Side, Side] | None = None
    """Width and height of the input, for models of free size."""
    long_side_px: Side | None = None
    """Long side of an input shaped like the frame, for models of free size: costs less than a padded square."""
    tiles: Tiling | None = None
    """Cut frames into pieces, so that small objects are seen larger; each piece costs one pass."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Processor threads per pass."""
    providers: tuple[str, ...] = ()
    """Preferred devices in order: tensorrt, cuda, openvino, cpu. Empty: CUDA, then OpenVINO, then the processor."""
    max_batch: Annotated[int, Field(ge=1, le=256)] = 8
    """Pictures per pass, where the model takes more than one."""
    max_boxes: Annotated[int, Field(ge=1, le=MAX_CANDIDATES)] = 300
    """Boxes reported per frame, best first."""

    @model_validator(mode="after")
    def _one_size(self) -> DetectorSettings:
        if self.input_px is not None and self.long_side_px is not None:
            raise ValueError("give input_px or long_side_px, not both")
        return self


@dataclass(frozen=True, slots=True)
class _View:
    """One piece of one frame."""

    frame: int
    piece: Piece
    image: Image


@dataclass(frozen=True, slots=True)
class _Found:
    """What one view gave, in pixels of its frame."""

    view: _View
    boxes_px: Floats
    scores: Floats
    classes: Ints
    edge_px: float


class OnnxDetector:
    """Runs a model over frames of any cameras; nothing is remembered between calls, but its buffers are used again, so
    each thread needs its own.

    Frames of one input size share a pass as far as the model's batch axis allows; otherwise they follow each other.

    Raises on construction:
        BadModel: the file cannot be loaded or is not what the card says.
        BadSettings: a size was asked for that the model cannot take.
        Unavailable: a device was asked for that is not there.
    """

    def __init__(self, path: Path, card: ModelCard, settings: DetectorSettings | None = None) -> None:
        self.name = card.name
        self.card = card
        self.settings = settings or DetectorSettings()
        self._session = open_session(path, self.settings.threads, self.settings.providers)
        self._decode = DECODERS[card.family]
        self._known, self._wanted = card.class_table()
        self._min_score = self.settings.min_score or card.min_score
        self._max_iou = self.settings.max_iou or card.max_iou
        self._input = _picture_input(self._session, card)
        self._outputs = _output_names(self._session, card)
        batch = self._input.shape[0]
        self._batch_is_free = not isinstance(batch, int)
        self._max_batch = self.settings.max_batch if self._batch_is_free else batch
        self._canvases: dict[tuple[int, int], Canvas] = {}
        _check_size(self._input.shape, card, self.settings)

    @property
    def providers(self) -> list[str]:
        """ONNX Runtime's names of the devices in use, preferred first."""
        return list(self._session.get_providers())

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Look at every frame. Raises `BadModel` when the model refuses its input or gives outputs of another family."""
        views: dict[tuple[int, int], list[_View]] = {}
        for index, frame in enumerate(frames):
            for piece in pieces(frame.size_px, self.settings.tiles):
                left, top, right, bottom = piece.box_px
                view = _View(index, piece, frame.image[top:bottom, left:right])
                views.setdefault(self._input_px((right - left, bottom - top)), []).append(view)
        found: list[list[_Found]] = [[] for _ in frames]
        for input_px, group in views.items():
            for start in range(0, len(group), self._max_batch):
                for result in self._look(group[start : start + self._max_batch], input_px):
                    found[result.view.frame].append(result)
        return [self._join(frame, results) for frame, results in zip(frames, found, strict=True)]

    def forget(self, camera_id: str) -> None:
        """Nothing is remembered of a camera."""

    def _input_px(self, picture_px: tuple[int, int]) -> tuple[int, int]:
        spec, settings = self.card.input, self.settings
        if settings.input_px is not None:
            return settings.input_px
        if spec.multiple_of is None or spec.resize == "stretch":
            return spec.width_px, spec.height_px
        return rectangle_px(picture_px, settings.long_side_px or max(spec.width_px, spec.height_px), spec.multiple_of)

    def _canvas(self, input_px: tuple[int, int]) -> Canvas:
        canvas = self._canvases.pop(input_px, None) or Canvas(self.card.input, input_px, self._max_batch)
        self._canvases[input_px] = canvas
        while len(self._canvases) > MAX_CANVASES:
            del self._canvases[next(iter(self._canvases))]
        return canvas

    def _look(self, views: list[_View], input_px: tuple[int, int]) -> list[_Found]:
        """One pass over up to `max_batch` views of one input size."""
        canvas = self._canvas(input_px)
        fits = [canvas.paint(slot, view.image) for slot, view in enumerate(views)]
        candidates = self._decode(self._run(canvas, len(views)), self.card.outputs, input_px, self._min_score)
        kept = (candidates.labels >= 0) & (candidates.labels < len(self._known))
        kept[kept] = self._known[candidates.labels[kept]]
        return [self._take(candidates, kept & (candidates.pictures == slot), view, fits[slot]) for slot, view in enumerate(views)]

    def _run(self, canvas: Canvas, count: int) -> Tensors:
        width, height = canvas.input_px
        # A model of fixed batch wants all its places filled; what the rest of them hold is not looked at.
        count = count if self._batch_is_free else self._max_batch
        feed: dict[str, Any] = {self._input.name: canvas.tensor[:count]}
        for extra in self._session.get_inputs():
            if extra.name == "orig_target_sizes":
                feed[extra.name] = np.tile(np.array([[width, height]], np.int64), (count, 1))
            elif extra.name == "scale_factor":
                # One, so that boxes come back in pixels of the input like every other family's.
                feed[extra.name] = np.ones((count, 2), np.float32)
            elif extra.name == "im_shape":
                feed[extra.name] = np.tile(np.array([[height, width]], np.float32), (count, 1))
        try:
            return list(self._session.run(self._outputs, feed))
        except RUNTIME_ERRORS as error:
            raise run_failed(self.name, error) from error

    def _take(self, found: Candidates, mask: np.ndarray[Any, np.dtype[np.bool_]], view: _View, place: Fit) -> _Found:
        """The rows of one view, moved into its frame's pixels."""
        rows = np.flatnonzero(mask)
        if len(rows) > MAX_CANDIDATES:
            rows = rows[np.argsort(-found.scores[rows], kind="stable")[:MAX_CANDIDATES]]
        left, top, right, bottom = view.piece.box_px
        boxes = clip(place.to_picture(found.boxes_px[rows]), right - left, bottom - top)
        boxes += np.array([left, top, left, top], np.float32)
        scores = np.clip(found.scores[rows], 0.0, 1.0)
        return _Found(view, boxes, scores, self._wanted[found.labels[rows]], EDGE_PX / min(place.scale_x, place.scale_y))

    def _join(self, frame: Frame, results: list[_Found]) -> Detections:
        """Suppress and limit what the views of one frame gave."""
        if not any(len(result.scores) for result in results):
            return Detections.none(frame.camera_id, frame.at_s)
        boxes = np.concatenate([result.boxes_px for result in results])
        scores = np.concatenate([result.scores for result in results])
        classes = np.concatenate([result.classes for result in results])
        kept = np.flatnonzero(((boxes[:, 2:] - boxes[:, :2]) > 0).all(axis=1))
        if len(results) > 1:
            origins = np.concatenate([np.full(len(r.scores), index, np.int64) for index, r in enumerate(results)])
            cut = np.concatenate([cut_by_edges(r.boxes_px, r.view.piece, r.edge_px) for r in results])
            kept = kept[whole_objects(boxes[kept], classes[kept], origins[kept], cut[kept])]
        if self.card.nms or len(results) > 1:
            kept = kept[suppress(boxes[kept], scores[kept], classes[kept], self._max_iou)]
            kinds = SAME_VEHICLE[classes[kept]]
            kept = kept[suppress(boxes[kept], scores[kept], kinds, max(self._max_iou, SAME_VEHICLE_IOU))]
        else:
            kept = kept[np.argsort(-scores[kept], kind="stable")]
        kept = kept[: self.settings.max_boxes]
        return Detections(frame.camera_id, frame.at_s, boxes[kept], scores[kept], classes[kept])


def _picture_input(session: Any, card: ModelCard) -> Any:
    """The session's input that takes the picture."""
    inputs = session.get_inputs()
    wanted = card.input.name
    chosen = next((i for i in inputs if (i.name == wanted if wanted else len(i.shape) == 4)), None)
    if chosen is None:
        listed = ", ".join(f"{i.name} {i.shape}" for i in inputs)
        raise BadModel(f"The model {card.name} has no picture input {wanted or 'with four axes'}; it has {listed}.", "Set input.name.")
    if {"tensor(float)": "float32", "tensor(uint8)": "uint8"}.get(chosen.type) != card.input.dtype:
        raise BadModel(f"The model {card.name} takes {chosen.type}, its card says {card.input.dtype}.", "Correct input.dtype in the card.")
    return chosen


def _output_names(session: Any, card: ModelCard) -> list[str] | None:
    """The outputs to fetch, in the order of the card; None for the model's own."""
    present = [output.name for output in session.get_outputs()]
    missing = [name for name in card.outputs.names if name not in present]
    if missing:
        raise BadModel(f"The model {card.name} has no output {', '.join(missing)}; it has {', '.join(present)}.", "Correct outputs.names.")
    return list(card.outputs.names) or None


def _check_size(shape: list[Any], card: ModelCard, settings: DetectorSettings) -> None:
    """Compare the file's input with the card's, and the wanted size with both."""
    spec = card.input
    sides = shape[2:4][::-1] if spec.layout == "NCHW" else shape[1:3][::-1]
    for side, said in zip(sides, (spec.width_px, spec.height_px), strict=True):
        if isinstance(side, int) and (spec.multiple_of is not None or side != said):
            raise BadModel(
                f"The file takes pictures of {sides[0]}x{sides[1]}, its card {card.name} says otherwise.",
                f"Set width_px = {sides[0]}, height_px = {sides[1]} and leave out multiple_of, or use the right file.",
            )
    if settings.input_px is None and settings.long_side_px is None:
        return
    step = spec.multiple_of
    asked = settings.input_px or ()
    if step is None or any(side % step for side in asked):
        allowed = f"any multiple of {step}" if step else f"only {spec.width_px}x{spec.height_px}"
        raise BadSettings(f"The model {card.name} takes {allowed}.", "Choose another input size, or a model of free size.")
