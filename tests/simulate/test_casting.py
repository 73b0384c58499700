from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from sewu.base.errors import BadSource
from sewu.simulate.casting import FolderLoop, cast, find_loops
from sewu.simulate.city import make_city
from sewu.simulate.testcard import TestCard, cached_card, draw


def folder_of(root: Path, name: str, sub: bool = True, about: str | None = None) -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "main.mp4").write_bytes(b"")
    if sub:
        (folder / "sub.mp4").write_bytes(b"")
    if about is not None:
        (folder / "loop.json").write_text(about)
    return folder


def test_loops_are_found_in_folders_with_what_is_known_of_them(tmp_path: Path) -> None:
    market = folder_of(tmp_path, "market-day", about=json.dumps({"duration_s": 60}))
    (market / "truth").mkdir()
    folder_of(tmp_path, "street", sub=False, about="{broken")
    (tmp_path / "empty").mkdir()
    first, second = find_loops(tmp_path)
    assert (first.folder, first.duration_s, first.truth, set(first.streams)) == (market, 60.0, market / "truth", {"main", "sub"})
    assert (second.duration_s, second.truth, set(second.streams)) == (None, None, {"main"})
    assert find_loops(market) == [first]


def test_a_folder_without_loops_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BadSource):
            find_loops(folder)


def test_cameras_play_a_loop_of_their_scene_each_at_its_own_phase(tmp_path: Path) -> None:
    loops = [FolderLoop(tmp_path / name, {"main": tmp_path / f"{name}.mp4"}, 60.0) for name in ("market-1", "street-1", "street-2")]
    entries = make_city().sample(200)
    casts = cast(entries, loops, "digest")
    for one in casts:
        if one.entry.scene in ("market", "street"):
            assert one.loop.folder.name.startswith(one.entry.scene)
        assert one.served.id == one.entry.camera.id and one.served.sub is None
        assert 0 <= one.served.phase_s < 60 and one.served.user == "viewer"
    assert len({one.served.phase_s for one in casts}) > 190
    assert len({one.served.password for one in casts}) == 200
    assert {one.loop.folder.name for one in casts if one.entry.scene == "street"} == {"street-1", "street-2"}
    assert cast(entries, loops)[0].served.user is None
    truth = casts[0].truth(1000.0, 60.0)
    assert (truth["started_at_s"], truth["duration_s"], truth["phase_s"]) == (1000.0, 60.0, casts[0].served.phase_s)


def test_loops_can_be_dealt_out_in_turn_whatever_the_register_says(tmp_path: Path) -> None:
    loops = [FolderLoop(tmp_path / name, {"main": tmp_path / name / "main.mp4"}, 10.0) for name in ("market-a", "street-b")]
    played = [one.loop.folder.name for one in cast(make_city().sample(6), loops, in_turn=True)]
    assert played == ["market-a", "street-b"] * 3


def test_a_test_card_is_encoded_once_as_it_says(tmp_path: Path) -> None:
    card = TestCard(width_px=128, height_px=72, duration_s=1.0)
    path = cached_card(card, tmp_path)
    written = path.stat().st_mtime_ns
    assert cached_card(card, tmp_path) == path and path.stat().st_mtime_ns == written
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="bgr24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == 10
    assert all(abs(frame - draw(card, index)).mean() < 12 for index, frame in enumerate(frames))
    assert cached_card(card.model_copy(update={"seed": 1}), tmp_path) != path
