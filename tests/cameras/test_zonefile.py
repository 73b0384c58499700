"""The zones file: every fault named, nothing lost between file and scene."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.space import Homography, Line, Scene, Zone
from sewu.cameras import GroundEntry, ZoneFile, load_scene, save_scene, scene_of
from sewu.cameras.toml import value_toml

KINDS = {"crowd": "where people gather", "no_parking": "where nobody may park", "bay": "one parking bay"}
SQUARE = [[10, 10], [90, 10], [90, 60], [10, 60]]

GOOD = """
size_px = [640, 360]

[[zones]]
id = "alun-alun"
kind = "crowd"
name = "Alun-alun"
points_px = [[10, 10], [300, 10], [300, 200.5]]
settings = { capacity = 40 }

[[lines]]
id = "jalan"
start_px = [0, 300]
end_px = [640, 300]
forward = "ke utara"
backward = "ke selatan"

[ground]
picture_px = [[100, 300], [500, 300], [400, 100], [200, 100]]
ground_m = [[0, 0], [10, 0], [10, 20], [0, 20]]
"""


def write(folder: Path, document: dict[str, object]) -> Path:
    path = folder / "zones.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def fault(folder: Path, document: dict[str, object]) -> str:
    with pytest.raises(BadSettings) as caught:
        load_scene(write(folder, {"size_px": [640, 360], **document}), KINDS)
    return str(caught.value)


def zone(**changes: object) -> dict[str, object]:
    return {"id": "a", "kind": "crowd", "points_px": SQUARE, **changes}


def test_a_toml_file_becomes_a_scene(tmp_path: Path) -> None:
    path = tmp_path / "zones.toml"
    path.write_text(GOOD, encoding="utf-8")
    scene = load_scene(path, KINDS)
    assert scene.size_px == (640, 360)
    assert scene.zones[0].name == "Alun-alun" and scene.zones[0].settings == {"capacity": 40}
    assert scene.lines[0].forward == "ke utara"
    assert scene.ground is not None
    corner = scene.ground.to_ground_m(np.array([[400.0, 100.0]]))
    assert np.allclose(corner, [[10, 20]], atol=1e-6)


def test_json_and_toml_of_the_same_schema_give_the_same_scene(tmp_path: Path) -> None:
    toml = tmp_path / "zones.toml"
    toml.write_text(GOOD, encoding="utf-8")
    scene = load_scene(write(tmp_path, tomllib.loads(GOOD)), KINDS)
    other = load_scene(toml, KINDS)
    assert (scene.zones, scene.lines) == (other.zones, other.lines)
    assert scene.ground is not None and other.ground is not None
    assert np.array_equal(scene.ground.matrix, other.ground.matrix)


def test_an_unknown_kind_lists_the_known_ones_and_guesses(tmp_path: Path) -> None:
    text = fault(tmp_path, {"zones": [zone(kind="no_parkin")]})
    assert "zone 1 ('a')" in text and "did you mean 'no_parking'?" in text and "bay, crowd, no_parking" in text


def test_two_corners_are_too_few(tmp_path: Path) -> None:
    assert "zone 1 ('a'): has 2 corners, needs at least 3" in fault(tmp_path, {"zones": [zone(points_px=SQUARE[:2])]})


def test_a_zone_that_crosses_itself_is_refused_with_the_place(tmp_path: Path) -> None:
    text = fault(tmp_path, {"zones": [zone(points_px=[[0, 0], [100, 100], [100, 0], [0, 100]])]})
    assert "crosses itself near (50, 50)" in text


def test_corners_on_one_line_are_refused(tmp_path: Path) -> None:
    assert "zone 1 ('a')" in fault(tmp_path, {"zones": [zone(points_px=[[0, 0], [50, 50], [100, 100]])]})


def test_a_corner_outside_the_picture_is_named(tmp_path: Path) -> None:
    text = fault(tmp_path, {"zones": [zone(points_px=[[10, 10], [900, 10], [90, 60]])]})
    assert "zone 1 ('a'): corner 2 (900, 10) lies outside the picture of 640 x 360" in text


def test_an_id_used_twice_is_named_even_between_zones_and_lines(tmp_path: Path) -> None:
    line = {"id": "a", "start_px": [0, 0], "end_px": [100, 0]}
    assert "line 1 ('a'): this id is already used by zone 1" in fault(tmp_path, {"zones": [zone()], "lines": [line]})


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = fault(
        tmp_path,
        {"zones": [zone(kind="x"), zone(points_px=[[0, 0], [1, 1]])], "lines": [{"id": "l", "start_px": [5, 5], "end_px": [5, 5]}]},
    )
    assert "zone 1" in text and "zone 2" in text and "line 1 ('l'): is shorter than a pixel" in text


@pytest.mark.parametrize(
    ("ground", "words"),
    [
        ({"picture_px": [[0, 0], [9, 0], [9, 9]], "ground_m": [[0, 0], [1, 0], [1, 1]]}, "four or more pairs"),
        ({"picture_px": [[0, 0], [9, 0], [9, 9], [0, 9]], "ground_m": [[0, 0], [1, 0], [1, 1]]}, "4 picture_px and 3 ground_m"),
        ({"picture_px": [[0, 0], [10, 10], [20, 20], [30, 30]], "ground_m": [[0, 0], [1, 0], [1, 1], [0, 1]]}, "on one line"),
        ({"picture_px": [[0, 0], [10, 10], [20, 20], [0, 30]], "ground_m": [[0, 0], [1, 0], [1, 1], [0, 1]]}, "three of the four"),
        ({"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 0]]}, "invertible"),
        ({}, "either picture_px with ground_m, or matrix"),
        ({"picture_px": [[0, 0], [900, 0], [9, 9], [0, 9]], "ground_m": [[0, 0], [1, 0], [1, 1], [0, 1]]}, "outside the picture"),
    ],
)
def test_a_bad_calibration_says_why(tmp_path: Path, ground: dict[str, object], words: str) -> None:
    text = fault(tmp_path, {"ground": ground})
    assert "ground" in text and words in text


def test_a_check_distance_catches_a_mistaken_point(tmp_path: Path) -> None:
    ground: dict[str, object] = {"picture_px": [[0, 0], [100, 0], [100, 100], [0, 100]], "ground_m": [[0, 0], [10, 0], [10, 10], [0, 10]]}
    near: dict[str, object] = {"from_px": [0, 0], "to_px": [50, 0], "distance_m": 5.2}
    load_scene(write(tmp_path, {"size_px": [640, 360], "ground": {**ground, "check": near}}), KINDS)
    text = fault(tmp_path, {"ground": {**ground, "check": {**near, "distance_m": 8}}})
    assert "makes it 5.00 m where 8 m were measured" in text


def test_an_unknown_key_and_nan_are_refused(tmp_path: Path) -> None:
    assert "zones.0.colour" in fault(tmp_path, {"zones": [zone(colour="red")]})
    assert "zones.0.points_px" in fault(tmp_path, {"zones": [zone(points_px=[[math.nan, 0], [1, 1], [0, 9]])]})


def test_calibration_points_stay_editable_when_the_caller_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "zones.toml"
    path.write_text(GOOD, encoding="utf-8")
    scene = load_scene(path, KINDS)
    pairs = GroundEntry(picture_px=((100, 300), (500, 300), (400, 100), (200, 100)), ground_m=((0, 0), (10, 0), (10, 20), (0, 20)))
    save_scene(scene, path, pairs)
    text = path.read_text(encoding="utf-8")
    assert "picture_px" in text and "matrix" not in text.split("[ground]")[1]
    again = load_scene(path, KINDS)
    assert again.ground is not None and scene.ground is not None
    assert np.array_equal(again.ground.matrix, scene.ground.matrix)


def test_settings_that_no_file_can_hold_are_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "zones.toml"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(BadSettings):
        save_scene(Scene((100, 100), (Zone("a", "crowd", ((0, 0), (9, 0), (9, 9)), settings={"limit": None}),)), path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_explained(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be written"):
        save_scene(Scene((10, 10)), tmp_path / "none" / "zones.toml")


printable = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=12)
plain = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    width, height = draw(st.integers(50, 4000)), draw(st.integers(50, 4000))
    names = draw(st.lists(printable, max_size=4, unique=True))
    zones, lines = [], []
    for name in names:
        x, y = draw(st.floats(0, width - 20)), draw(st.floats(0, height - 20))
        if draw(st.booleans()):
            points = ((x, y), (x + 20, y), (x + draw(st.floats(1, 20)), y + 20))
            zones.append(
                Zone(
                    name,
                    draw(st.sampled_from(sorted(KINDS))),
                    points,
                    draw(printable | st.just("")),
                    draw(st.dictionaries(printable, plain, max_size=2)),
                )
            )
        else:
            lines.append(Line(name, (x, y), (x + 15, y + 3), draw(printable | st.just("")), "maju " + draw(printable), "mundur"))
    ground = None
    if draw(st.booleans()):
        scale = draw(st.floats(0.001, 100))
        ground = Homography(np.array([[scale, 0.1, draw(st.floats(-50, 50))], [0.02, scale, 1.7], [0.0, draw(st.floats(0, 0.001)), 1.0]]))
    return Scene((width, height), tuple(zones), tuple(lines), ground)


@settings(max_examples=60, deadline=None)
@given(scene=scenes())
def test_a_saved_scene_is_loaded_exactly(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("scene") / "zones.toml"
    save_scene(scene, path)
    again = load_scene(path, KINDS)
    assert (again.size_px, again.zones, again.lines) == (scene.size_px, scene.zones, scene.lines)
    assert (again.ground is None) == (scene.ground is None)
    if again.ground is not None and scene.ground is not None:
        assert np.array_equal(again.ground.matrix, scene.ground.matrix)


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
    suffix=st.sampled_from([".toml", ".json"]),
)
def test_any_bytes_are_a_scene_or_a_clear_fault(data: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / f"zones{suffix}"
    path.write_bytes(data)
    with pytest.raises(BadSettings) as caught:
        load_scene(path, KINDS)
    assert str(path) in str(caught.value)


points = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)) | st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=6)
documents = st.fixed_dictionaries(
    {"size_px": st.just([100, 100]) | plain},
    optional={
        "zones": st.lists(
            st.fixed_dictionaries({"id": printable, "kind": st.sampled_from(["crowd", "bay", "nix"]), "points_px": points}), max_size=3
        )
        | plain,
        "lines": st.lists(st.fixed_dictionaries({"id": printable, "start_px": plain, "end_px": plain}), max_size=2),
        "ground": st.fixed_dictionaries(
            {},
            optional={
                "picture_px": points,
                "ground_m": points,
                "matrix": st.lists(st.lists(st.floats(-9, 9), min_size=3, max_size=3), max_size=3),
            },
        ),
    },
)


@settings(max_examples=150, deadline=None)
@given(document=documents)
def test_any_document_is_a_usable_scene_or_a_clear_fault(document: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("fuzz"), document)
    try:
        scene = load_scene(path, KINDS)
    except BadSettings as error:
        assert str(path) in str(error)
        return
    frame = shapely.box(0, 0, *scene.size_px)
    assert all(frame.covers(z.polygon) and z.area_px2 > 0 for z in scene.zones)


@given(value=plain)
def test_toml_values_are_read_back_exactly(value: object) -> None:
    assert tomllib.loads(f"v = {value_toml(value)}")["v"] == value


def test_an_empty_file_of_the_right_size_is_an_empty_scene() -> None:
    scene = scene_of(ZoneFile(size_px=(10, 20)), KINDS)
    assert scene.size_px == (10, 20) and scene.zones == () and scene.ground is None
