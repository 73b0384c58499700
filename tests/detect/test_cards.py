from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadModel
from sewu.base.records import CLASS_IDS
from sewu.detect.cards import InputSpec, ModelCard, OutputSpec, builtin_cards, read_card, write_card

SMALLEST = 'name = "x"\nfamily = "yolox"\nlicence = "MIT"\n[input]\nwidth_px = 416\nheight_px = 416\n[classes]\n0 = "person"\n'
EXPECTED = {
    "yolox-nano",
    "yolox-nano-dyn",
    "yolox-tiny",
    "nanodet-plus-m-320",
    "nanodet-plus-m-416",
    "picodet-xs-320",
    "picodet-xs-416",
    "picodet-s-320",
    "picodet-s-416",
    "d-fine-n",
    "rf-detr-nano",
    "ssdlite",
}


def test_every_promised_model_has_a_card() -> None:
    assert set(builtin_cards()) == EXPECTED


@pytest.mark.parametrize("card", builtin_cards().values(), ids=lambda card: card.name)
def test_a_card_without_a_hash_says_so_and_maps_six_classes(card: ModelCard) -> None:
    assert card.sha256 or "hash is not known" in card.note
    assert card.url or "no official" in card.note
    assert sorted(card.classes.values()) == sorted(["person", "bicycle", "motorcycle", "car", "bus", "truck"])


def test_the_smallest_card_is_enough(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(SMALLEST)
    assert read_card(tmp_path / "x.toml").outputs == OutputSpec()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"yolox"', '"yolov8"', "family"),
        ("width_px = 416", "width_px = 416\ncolor = 'RGB'", "color"),
        ("width_px = 416", "width_px = 400\nmultiple_of = 32", "multiples of 32"),
        ("width_px = 416", "width_px = 416\ndtype = 'uint8'\nscale = 0.5", "leave out scale"),
        ('0 = "person"', 'dog = "person"', "'dog' is neither an index"),
        ('0 = "person"', '0 = "dog"', "classes"),
        ('0 = "person"', '99999 = "person"', "99999"),
        ('"MIT"', '"MIT"\nsha256 = ["ABC"]', "sha256"),
        ('"MIT"', '"MIT"\nurl = "ftp://x/y"', "url must begin"),
        ('"MIT"', '"MIT"\nmin_score = nan', "min_score"),
        ('name = "x"', 'name = "../x"', "name"),
        ('"MIT"', '"MIT"\nfiles = ["../../etc/x.onnx"]', "files"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    (tmp_path / "x.toml").write_text(SMALLEST.replace(old, new))
    with pytest.raises(BadModel, match=re.escape(complaint)) as caught:
        read_card(tmp_path / "x.toml")
    assert "docs/models.md" in caught.value.advice


def test_a_missing_card_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="cannot be read"):
        read_card(tmp_path / "none.toml")


def test_classes_may_be_named_by_the_models_labels() -> None:
    card = ModelCard.model_validate(
        {
            "name": "x",
            "family": "ssd",
            "licence": "MIT",
            "input": {"width_px": 320, "height_px": 320},
            "labels": ["background", "rider", "angkot"],
            "classes": {"rider": "motorcycle", "angkot": "bus"},
        }
    )
    known, wanted = card.class_table()
    assert known[:4].tolist() == [False, True, True, False]
    assert wanted[1:3].tolist() == [CLASS_IDS["motorcycle"], CLASS_IDS["bus"]]


TEXT = st.text(max_size=30).filter(lambda text: "\x00" not in text)
CARDS = st.builds(
    ModelCard,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    family=st.sampled_from(["yolox", "nanodet", "picodet", "detr", "ssd"]),
    input=st.builds(
        InputSpec,
        width_px=st.sampled_from([320, 416, 640]),
        height_px=st.sampled_from([256, 640]),
        multiple_of=st.sampled_from([None, 32, 16]),
        name=st.none() | TEXT,
        colour=st.sampled_from(["BGR", "RGB"]),
        scale=st.floats(1e-6, 10),
        mean=st.tuples(*[st.floats(-300, 300)] * 3),
        std=st.tuples(*[st.floats(1e-3, 300)] * 3),
    ),
    outputs=st.builds(OutputSpec, names=st.lists(TEXT, max_size=3).map(tuple), decoded=st.booleans()),
    labels=st.lists(st.text(min_size=1, max_size=8).filter(lambda text: not text.isdigit()), max_size=3, unique=True).map(tuple),
    classes=st.dictionaries(st.integers(0, 90).map(str), st.sampled_from(["person", "car"]), min_size=1, max_size=4),
    licence=TEXT,
    sha256=st.lists(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), max_size=2).map(tuple),
    url=st.none(),
    size_bytes=st.none() | st.integers(1, 10**12),
    files=st.just(()),
    note=TEXT,
    nms=st.booleans(),
    min_score=st.floats(0.01, 0.99),
    max_iou=st.floats(0.01, 1),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(card=CARDS)
def test_a_written_card_reads_back_the_same(tmp_path: Path, card: ModelCard) -> None:
    path = tmp_path / "card.toml"
    path.write_text(write_card(card), encoding="utf-8", newline="")
    assert read_card(path) == card


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode), position=st.integers(0, len(SMALLEST)))
def test_any_bytes_are_read_or_refused_by_a_bad_model(tmp_path: Path, data: bytes, position: int) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(SMALLEST[:position].encode() + data + SMALLEST[position:].encode())
    try:
        read_card(path)
    except BadModel as error:
        assert error.advice
