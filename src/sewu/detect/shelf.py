"""Where models are found, and how they get there: list, add, pull, verify, load."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import platformdirs

from sewu.base.errors import BadModel, SewuError, StoreFull
from sewu.base.interfaces import Detector
from sewu.base.records import Frame
from sewu.base.settings import validate
from sewu.base.words import Words
from sewu.detect.cards import ModelCard, builtin_cards, read_card, write_card
from sewu.detect.motion import MotionDetector
from sewu.detect.onnx import DetectorSettings, OnnxDetector
from sewu.detect.pull import FULL, Download, Progress, download
from sewu.detect.recognise import recognise, sha256_of
from sewu.detect.together import Together

MOTION = "motion"
DEFAULT = "yolox-nano"
GREY = 114
TEST_PICTURE_PX = (640, 360)

Hash = Literal["right", "wrong", "unknown"]
"""Of a file against its card; "unknown" where the card names no hash."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the list. `path` is None where the file is not here; `hash` then too."""

    card: ModelCard
    path: Path | None
    hash: Hash | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found. `fault` says why the model does not load or run; None when it does."""

    entry: Entry
    sha256: str
    providers: tuple[str, ...]
    fault: str | None

    @property
    def good(self) -> bool:
        return self.fault is None and self.entry.hash != "wrong"


def model_folders(environment: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders of SEWU_MODELS (separated by colons), else the user's data folder. New models go to the first."""
    named = (os.environ if environment is None else environment).get("SEWU_MODELS", "")
    found = tuple(Path(part).expanduser() for part in named.split(os.pathsep) if part)
    return found or (Path(platformdirs.user_data_path("sewu")) / "models",)


class Shelf:
    """The models of some folders. `NAME.toml` beside `NAME.onnx` takes the place of a built-in card of that name."""

    def __init__(self, folders: Sequence[Path] | None = None) -> None:
        self.folders = tuple(folders) if folders is not None else model_folders()

    def entries(self) -> list[Entry]:
        """Built-in models first, then those that only the folders have; `faults` says which cards could not be read."""
        return [self._entry(name, card) for name, card in (builtin_cards() | self._own_cards()[0]).items()]

    def faults(self) -> list[BadModel]:
        """Why some cards of the folders could not be read."""
        return self._own_cards()[1]

    def _own_cards(self) -> tuple[dict[str, ModelCard], list[BadModel]]:
        cards: dict[str, ModelCard] = {}
        faults: list[BadModel] = []
        # The first folder wins, so it comes last.
        for folder in reversed(self.folders):
            for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
                try:
                    cards[path.stem] = _card_of_file(path)
                except BadModel as error:
                    faults.append(error)
        return cards, faults

    def _entry(self, name: str, card: ModelCard) -> Entry:
        path = self._file(name, card)
        return Entry(card, path, None if path is None else _compare(card, sha256_of(path)))

    def _file(self, name: str, card: ModelCard) -> Path | None:
        candidates = (folder / file for folder in self.folders for file in (f"{name}.onnx", *card.files))
        return next((path for path in candidates if path.is_file()), None)

    def card(self, name: str) -> ModelCard:
        """The card of this name: the folders' own, else the built-in one. Raises `BadModel` when there is none."""
        for folder in self.folders:
            if (folder / f"{name}.toml").is_file():
                return _card_of_file(folder / f"{name}.toml")
        if name in builtin_cards():
            return builtin_cards()[name]
        known = ", ".join([*builtin_cards(), MOTION])
        raise BadModel(f"No model is called {name!r}.", f"Choose one of {known}, or give the path of an .onnx file.")

    def find(self, name_or_path: str | Path) -> tuple[Path, ModelCard]:
        """The file and card of a model's name or of a path that ends in .onnx.

        Raises:
            BadModel: unknown, not here, or without a card and not to be recognised.
        """
        text = str(name_or_path)
        if text.lower().endswith(".onnx") or os.sep in text:
            path = Path(text).expanduser()
            if not path.is_file():
                raise BadModel(f"There is no model file {path}.", "Check the path, or see `sewu models list`.")
            beside = path.with_suffix(".toml")
            return path, _card_of_file(beside) if beside.is_file() else recognise(path)
        for folder in self.folders:
            if (folder / f"{text}.onnx").is_file() and not (folder / f"{text}.toml").is_file() and text not in builtin_cards():
                return folder / f"{text}.onnx", recognise(folder / f"{text}.onnx")
        card = self.card(text)
        found = self._file(text, card)
        if found is None:
            how = f"`sewu models pull {text}`" if card.url else "`sewu models add FILE` with the file you have"
            raise BadModel(f"The model {text} is not in {self._where()}.", f"Get it with {how}, or use --model motion.")
        return found, card

    def _where(self) -> str:
        return " or ".join(str(folder) for folder in self.folders)

    def verify(self, name_or_path: str | Path) -> Verified:
        """Compare the hash, load, and run once on a grey picture. Raises `BadModel` when there is no such file or card."""
        path, card = self.find(name_or_path)
        digest = sha256_of(path)
        entry = Entry(card, path, _compare(card, digest))
        width, height = TEST_PICTURE_PX
        try:
            detector = OnnxDetector(path, card)
            detector.detect([Frame("verify", 0.0, np.full((height, width, 3), GREY, np.uint8))])
        except SewuError as error:
            return Verified(entry, digest, (), str(error))
        return Verified(entry, digest, tuple(detector.providers), None)

    def add(self, file: Path, card_file: Path | None = None, name: str | None = None) -> Entry:
        """Copy a local file, and its card, into the first folder, after running it once.

        Raises:
            BadModel: not a model, no card fits it, or it does not run. StoreFull: the disk did not take it.
        """
        path, card = (file, read_card(card_file)) if card_file is not None else self.find(file.resolve())
        if name is not None:
            card = validate(ModelCard, card.model_dump() | {"name": name}, "the name given")
        digest = sha256_of(path)
        if _compare(card, digest) == "wrong":
            raise BadModel(
                f"{file} has SHA-256 {digest}, which its card {card.name} does not name.", "Use the right file, or correct the card."
            )
        if not card.sha256:
            card = card.model_copy(update={"sha256": (digest,)})
        OnnxDetector(path, card).detect([Frame("add", 0.0, np.full((TEST_PICTURE_PX[1], TEST_PICTURE_PX[0], 3), GREY, np.uint8))])
        target = self.folders[0] / f"{card.name}.onnx"
        self._put(target.with_suffix(".toml"), write_card(card).encode())
        self._put(target, path)
        return Entry(card, target, "right")

    def pull(self, name: str, progress: Progress | None = None, accept_unknown_hash: bool = False) -> Entry:
        """Download the official file of a card into the first folder. Does nothing when the right file is already there.

        Args:
            accept_unknown_hash: take the file of a card that names no hash, and write its hash into a card beside it.

        Raises:
            BadModel: unknown name, no URL, no hash to check against, wrong hash, or not a model after all.
            Refused, Retry, StoreFull: see `sewu.detect.pull.download`.
        """
        card = self.card(name)
        present = self._entry(name, card)
        if present.hash == "right":
            return present
        if card.url is None:
            raise BadModel(f"There is no official file of {name}. {card.note}", "Export it, then `sewu models add FILE`.")
        if not card.sha256 and not accept_unknown_hash:
            raise BadModel(
                f"The card of {name} names no SHA-256, so a download could not be checked.",
                "Say --accept-unknown-hash to take what the server gives; its hash is then written down and checked from there on.",
            )
        target = self.folders[0] / f"{name}.onnx"
        digest = download(Download(card.url, target, card.sha256), progress)
        if not card.sha256:
            card = card.model_copy(update={"sha256": (digest,)})
            self._put(target.with_suffix(".toml"), write_card(card).encode())
        return Entry(card, target, "right")

    def _put(self, target: Path, content: Path | bytes) -> None:
        """Write a file so that it is wholly there or not there."""
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                part.write_bytes(content)
            else:
                shutil.copyfile(content, part)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            if error.errno in FULL:
                raise StoreFull(
                    f"The disk of {target.parent} is full: {target.name} was not stored.", "Make room and try again."
                ) from error
            raise SewuError(f"{target} cannot be written: {error.strerror}.", "Check its permissions, or set SEWU_MODELS.") from error


def _card_of_file(path: Path) -> ModelCard:
    """The card beside a model, called as its file is: that is the name by which it is found."""
    return read_card(path).model_copy(update={"name": path.stem})


def _compare(card: ModelCard, digest: str) -> Hash:
    if not card.sha256:
        return "unknown"
    return "right" if digest in card.sha256 else "wrong"


def load(name_or_path: str | Path, settings: DetectorSettings | None = None, shelf: Shelf | None = None) -> Detector:
    """A detector by model name, by path of an .onnx file, "motion", or both together: "NAME+motion".

    Raises:
        BadModel: unknown, not here, no card, not the file of its card, or not runnable.
        Unavailable: a device was asked for that is not there.
    """
    if str(name_or_path) == MOTION:
        return MotionDetector()
    if str(name_or_path).endswith(f"+{MOTION}"):
        return Together(load(str(name_or_path).removesuffix(f"+{MOTION}"), settings, shelf), MotionDetector())
    path, card = (shelf or Shelf()).find(name_or_path)
    digest = sha256_of(path)
    if _compare(card, digest) == "wrong":
        raise BadModel(
            f"{path} has SHA-256 {digest}, which the card of {card.name} does not name.",
            "Get the file again (`sewu models pull`), or correct the card if you changed the file yourself.",
        )
    return OnnxDetector(path, card, settings)


def default_detector(
    settings: DetectorSettings | None = None, shelf: Shelf | None = None, words: Words | None = None
) -> tuple[Detector, str]:
    """YOLOX-Nano where its file is here and has the right hash, else motion; and one sentence that says which and why."""
    shelf, words = shelf or Shelf(), words or Words("en")
    try:
        detector = load(DEFAULT, settings, shelf)
        path, _ = shelf.find(DEFAULT)
    except BadModel as error:
        return MotionDetector(), words("detect.default.motion", why=str(error))
    return detector, words("detect.default.model", name=detector.name, path=path)
