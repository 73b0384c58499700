"""Both pipelines see the same packets, and sampling costs what it must: a short fault is missed by a long interval."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from sewu.base.errors import BadSettings
from sewu.bench.faulty import faulty_loop
from sewu.detect.motion import MotionDetector
from sewu.evaluate.happenings import Happening
from sewu.wiring.recalling import CITY, START_S, RecallBench, TruthLoop, real_loops
from tests.fakes import labelled_data

SECONDS = 40.0
DARK_S = (0.3 * SECONDS, 0.85 * SECONDS)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> TruthLoop:
    """Forty seconds of rough ground, dark for 22 of them."""
    folder = tmp_path_factory.mktemp("loop")
    rng = np.random.default_rng(0)
    rough = np.repeat(np.repeat(rng.integers(60, 200, (23, 40, 3), np.uint8), 8, axis=0), 8, axis=1)[:180]
    with av.open(str(folder / "good.mp4"), "w") as film:
        stream = film.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 180, "yuv420p", 400_000
        stream.codec_context.time_base = Fraction(1, 10)
        for index in range(int(SECONDS * 10)):
            grain = rng.normal(0, 2, (180, 320, 1))
            frame = av.VideoFrame.from_ndarray(np.clip(rough + grain, 0, 255).astype(np.uint8), format="bgr24")
            frame.pts = index
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    path = faulty_loop(folder / "good.mp4", "dark", SECONDS, folder / "dark.mp4")
    zones = folder / "scene.toml"
    zones.write_text('size_px = [320, 180]\n\n[[zones]]\nid = "a"\nkind = "crowd"\npoints_px = [[1, 1], [99, 1], [99, 99]]\n')
    truth = Happening("camera_dark", START_S + DARK_S[0], START_S + DARK_S[1], None, "dark")
    return TruthLoop("dark", path, zones, SECONDS, (truth,))


def test_the_curve_has_the_exhaustive_pass_and_one_per_interval(loop: TruthLoop) -> None:
    said: list[str] = []
    curve = RecallBench([loop], MotionDetector).curve([2.0, 100.0], lambda one: said.append(one.name))
    full, close, far = curve.passes
    assert said == ["exhaustive", "watch", "watch"]
    assert [one.total.found for one in curve.passes] == [1, 1, 0]
    assert full.looks == pytest.approx(SECONDS * 5, abs=2)
    assert close.looks == pytest.approx(SECONDS / 2, abs=1)
    assert far.looks == 1
    assert close.cpu_s < full.cpu_s
    assert curve.relative(far) == 0.0


def test_the_city_has_every_scripted_kind_and_renders_small() -> None:
    happenings = [kind for recipe in CITY for kind in recipe.happenings]
    assert set(happenings) == {"illegal_parking", "gathering", "abandoned_bag", "loitering", "intrusion", "queue"}
    assert {recipe.size_px for recipe in CITY} == {(640, 360)}
    assert len({recipe.name for recipe in CITY}) == len(CITY)


def test_without_the_labelled_data_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="labelled data"):
        real_loops(tmp_path, tmp_path / "cache")


def test_the_real_clips_come_with_what_happens_on_them(tmp_path: Path) -> None:
    bag, zoom = real_loops(labelled_data(), tmp_path)
    assert (bag.truth[0].kind, zoom.truth[0].kind) == ("object_left", "camera_moved")
    for loop in (bag, zoom):
        assert START_S < loop.truth[0].start_s < START_S + loop.duration_s
        keys = [packet.at_s for packet in loop.packets() if packet.is_keyframe]
        np.testing.assert_allclose(np.diff(keys), 2.0, atol=0.06)
