from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sewu.base.errors import BadModel, SewuError, StoreFull
from sewu.base.records import Frame
from sewu.base.words import Words
from sewu.detect import cards
from sewu.detect.motion import MotionDetector
from sewu.detect.onnx import OnnxDetector
from sewu.detect.shelf import Shelf, default_detector, load, model_folders
from tests.detect import graphs
from tests.detect.server import Habits, serving

CELLS = 52 * 52 + 26 * 26 + 13 * 13


def yolox(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.random.default_rng(seed).normal(0, 0.1, (CELLS, 85)).astype(np.float32)
    return graphs.brightness_yolox(path, [1, 3, 416, 416], rows)


def card_of(path: Path, **fields: object) -> cards.ModelCard:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    plain = cards.builtin_cards()["yolox-nano"].model_dump(exclude_defaults=True) | {"name": path.stem, "sha256": (digest,)}
    return cards.ModelCard.model_validate(plain | fields)


def with_card(path: Path, **fields: object) -> cards.ModelCard:
    card = card_of(path, **fields)
    path.with_suffix(".toml").write_text(cards.write_card(card))
    return card


def test_models_are_looked_for_where_the_environment_says(tmp_path: Path) -> None:
    assert model_folders({"SEWU_MODELS": f"{tmp_path}/a:{tmp_path}/b"}) == (tmp_path / "a", tmp_path / "b")
    assert model_folders({"SEWU_MODELS": ""})[0].name == "models"


def test_the_list_tells_present_right_and_wrong_apart(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "mine.onnx"))
    with_card(yolox(tmp_path / "changed.onnx"), sha256=("0" * 64,))
    yolox(tmp_path / "yolox_tiny.onnx")
    (tmp_path / "broken.toml").write_text("not toml")
    where = Shelf([tmp_path / "none", tmp_path])
    entries = {entry.card.name: entry for entry in where.entries()}
    assert ["broken.toml" in str(fault) for fault in where.faults()] == [True]
    assert set(entries) == set(cards.builtin_cards()) | {"mine", "changed"}
    assert (entries["mine"].path, entries["mine"].hash) == (tmp_path / "mine.onnx", "right")
    assert entries["changed"].hash == "wrong"
    assert (entries["yolox-tiny"].path, entries["yolox-tiny"].hash) == (tmp_path / "yolox_tiny.onnx", "unknown")
    assert (entries["rf-detr-nano"].path, entries["rf-detr-nano"].hash) == (None, None)


def test_a_model_is_called_as_its_file_is(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "copy.onnx"), name="original")
    where = Shelf([tmp_path])
    assert "copy" in {entry.card.name for entry in where.entries()}
    assert load("copy", shelf=where).name == "copy"


def test_the_first_folder_wins(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        with_card(yolox(tmp_path / folder / "mine.onnx"), licence=folder)
    where = Shelf([tmp_path / "a", tmp_path / "b"])
    (entry,) = (entry for entry in where.entries() if entry.card.name == "mine")
    assert entry.card.licence == where.card("mine").licence == "a"
    assert entry.path == tmp_path / "a" / "mine.onnx"


def test_a_name_a_path_and_a_bare_file_are_loaded(tmp_path: Path) -> None:
    where = Shelf([tmp_path])
    with_card(yolox(tmp_path / "mine.onnx"))
    bare = yolox(tmp_path / "elsewhere" / "bare.onnx")
    yolox(tmp_path / "loose.onnx")
    for name, expected in (("mine", "mine"), (tmp_path / "mine.onnx", "mine"), (bare, "bare"), (str(bare), "bare"), ("loose", "loose")):
        detector = load(name, shelf=where)
        assert isinstance(detector, OnnxDetector) and detector.name == expected
    assert isinstance(load("motion", shelf=where), MotionDetector)


@pytest.mark.parametrize(
    ("name", "complaint", "advice"),
    [
        ("yolox-nano", "is not in", "sewu models pull yolox-nano"),
        ("rf-detr-nano", "is not in", "sewu models add"),
        ("yolo99", "No model is called", "motion"),
        ("/no/such.onnx", "no model file", "sewu models list"),
    ],
)
def test_what_is_not_here_says_how_to_get_it(tmp_path: Path, name: str, complaint: str, advice: str) -> None:
    with pytest.raises(BadModel, match=complaint) as caught:
        load(name, shelf=Shelf([tmp_path]))
    assert advice in caught.value.advice


def test_verify_runs_the_model_and_reports_a_wrong_hash(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "mine.onnx"))
    with_card(yolox(tmp_path / "changed.onnx"), sha256=("0" * 64,))
    good, changed = (Shelf([tmp_path]).verify(name) for name in ("mine", "changed"))
    assert good.good and good.providers[-1] == "CPUExecutionProvider" and good.entry.hash == "right"
    assert not changed.good and changed.fault is None and changed.entry.hash == "wrong"


def test_verify_says_why_a_model_does_not_run(tmp_path: Path) -> None:
    path = yolox(tmp_path / "mine.onnx")
    with_card(path, input={"width_px": 320, "height_px": 320})
    found = Shelf([tmp_path]).verify("mine")
    assert not found.good and found.fault is not None and "416x416" in found.fault


def test_a_model_is_added_with_its_card_and_pinned(tmp_path: Path) -> None:
    where = Shelf([tmp_path / "shelf"])
    entry = where.add(yolox(tmp_path / "bare.onnx"), name="street-7")
    assert entry.path == tmp_path / "shelf" / "street-7.onnx"
    assert {path.name for path in (tmp_path / "shelf").iterdir()} == {"street-7.onnx", "street-7.toml"}
    assert where.verify("street-7").good and where.card("street-7").licence == "unstated"


def test_what_does_not_run_is_not_added(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    where = Shelf([tmp_path / "shelf"])
    with pytest.raises(BadModel):
        where.add(tmp_path / "bad.onnx")
    path = yolox(tmp_path / "mine.onnx")
    with_card(path, sha256=("0" * 64,))
    with pytest.raises(BadModel, match="does not name"):
        where.add(path)
    with pytest.raises(BadModel):
        where.add(path, tmp_path / "none.toml")
    assert not (tmp_path / "shelf").exists()


def test_a_bad_name_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SewuError, match="name"):
        Shelf([tmp_path / "shelf"]).add(yolox(tmp_path / "bare.onnx"), name="../escape")
    assert not (tmp_path / "escape.onnx").exists()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Shelf, Habits, str]]:
    """A shelf whose card "mine" points to a server that has the file."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    source = yolox(tmp_path / "source" / "mine.onnx")
    habits = Habits(source.read_bytes())
    folder = tmp_path / "shelf"
    folder.mkdir()
    with serving(habits) as url:
        (folder / "mine.toml").write_text(cards.write_card(card_of(source, url=url)))
        yield Shelf([folder]), habits, url


def test_a_model_is_pulled_once(served: tuple[Shelf, Habits, str]) -> None:
    where, habits, _ = served
    assert where.pull("mine").hash == "right" and where.verify("mine").good
    assert where.pull("mine").path == where.folders[0] / "mine.onnx"
    assert len(habits.requests) == 1


def test_a_file_of_unknown_hash_is_taken_only_when_told_to_and_pinned_then(served: tuple[Shelf, Habits, str]) -> None:
    where, habits, _ = served
    card = where.card("mine").model_copy(update={"sha256": ()})
    (where.folders[0] / "mine.toml").write_text(cards.write_card(card))
    with pytest.raises(BadModel, match="names no SHA-256"):
        where.pull("mine")
    assert habits.requests == []
    where.pull("mine", accept_unknown_hash=True)
    assert where.card("mine").sha256 == (hashlib.sha256(habits.content).hexdigest(),)


def test_a_model_without_an_official_file_cannot_be_pulled(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="no official file") as caught:
        Shelf([tmp_path]).pull("rf-detr-nano")
    assert "sewu models add" in caught.value.advice


def test_a_full_disk_while_adding_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files makes the kernel refuse the write in the middle, as a full disk does."""
    path, where = yolox(tmp_path / "bare.onnx"), Shelf([tmp_path / "shelf"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StoreFull, match="is full"):
            where.add(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [found.name for found in (tmp_path / "shelf").iterdir()] == ["bare.toml"]
    assert where.add(path).path == tmp_path / "shelf" / "bare.onnx"


def test_motion_takes_over_and_says_so_when_there_is_no_model(tmp_path: Path) -> None:
    detector, reason = default_detector(shelf=Shelf([tmp_path]))
    assert isinstance(detector, MotionDetector)
    assert "motion only" in reason and "sewu models pull yolox-nano" in reason
    _, alasan = default_detector(shelf=Shelf([tmp_path]), words=Words("id"))
    assert "gerakan" in alasan


def test_a_file_that_is_not_its_cards_is_not_loaded(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "changed.onnx"), sha256=("0" * 64,))
    for name in ("changed", tmp_path / "changed.onnx"):
        with pytest.raises(BadModel, match="does not name"):
            load(name, shelf=Shelf([tmp_path]))


def test_a_changed_default_model_is_not_trusted(tmp_path: Path) -> None:
    yolox(tmp_path / "yolox_nano.onnx")
    detector, reason = default_detector(shelf=Shelf([tmp_path]))
    assert detector.name == "motion" and "SHA-256" in reason


def test_the_users_own_default_model_is_taken(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "yolox-nano.onnx"))
    detector, reason = default_detector(shelf=Shelf([tmp_path]))
    assert detector.name == "yolox-nano" and str(tmp_path) in reason
    assert len(detector.detect([Frame("a", 0.0, np.zeros((90, 160, 3), np.uint8))])) == 1
