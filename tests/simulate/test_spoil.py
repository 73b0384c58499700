"""Faults of the picture: what they do, and exactly when."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadSettings, BadSource
from sewu.base.records import Image
from sewu.simulate.spoil import DRIFT_SHARE, SPOIL_KINDS, Spoiled, Spoiler, SpoilKind, spoiled
from sewu.simulate.spoil_clip import faults_jsonl, spoil_clip
from sewu.simulate.testcard import TestCard, cached_card

FPS = 25


def picture(number: int) -> Image:
    """Noise and edges; no two alike."""
    image = np.random.default_rng(number).integers(0, 60, (96, 160, 3), dtype=np.uint8)
    cv2.rectangle(image, (20 + number % 60, 20), (60 + number % 60, 70), (230, 200, 120), -1)
    return image


def run(kind: SpoilKind, start_s: float = 1.0, end_s: float = 3.0, seconds: int = 5) -> tuple[Spoiler, dict[int, tuple[Image, float]]]:
    """Pictures by their number, with their time stamps."""
    spoiler = Spoiler([Spoiled(kind, start_s, end_s)], FPS, seconds)
    rows = {n: list(spoiler.pictures(picture(n), n / FPS)) for n in range(seconds * FPS)}
    return spoiler, {n: row[0] for n, row in rows.items() if row}


@pytest.mark.parametrize("kind", SPOIL_KINDS)
def test_pictures_are_whole_before_and_after_and_only_then(kind: SpoilKind) -> None:
    spoiler, shown = run(kind, 1.03, 2.97)
    (truth,) = spoiler.truth
    assert (truth.start_s, truth.end_s) == (1.04, 3.0)
    for number in range(5 * FPS):
        inside = truth.start_s <= number / FPS < truth.end_s
        untouched = number in shown and np.array_equal(shown[number][0], picture(number)) and shown[number][1] == number / FPS
        if not inside and kind != "clock_drift":
            assert untouched
    changed = [n for n in range(26, 75) if n not in shown or not np.array_equal(shown[n][0], picture(n)) or shown[n][1] != n / FPS]
    assert len(changed) >= 20 and changed[0] - 26 <= 1


def test_a_frozen_camera_sends_the_last_good_picture_at_the_usual_times() -> None:
    _, shown = run("frozen")
    assert all(np.array_equal(shown[n][0], picture(24)) and shown[n][1] == n / FPS for n in range(25, 75))


def test_looks_of_the_faults() -> None:
    def sharpness(image: Image) -> float:
        return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())

    good = picture(50)
    assert run("dark")[1][50][0].mean() < 0.06 * good.mean()
    assert sharpness(run("blurred")[1][50][0]) < 0.1 * sharpness(good)
    assert run("covered")[1][50][0].std() < 15 and sharpness(run("covered")[1][50][0]) < 0.1 * sharpness(good)
    moved = run("moved")[1][50][0]
    assert np.abs(moved.astype(float) - good).mean() > 10 and 0.5 < moved.std() / good.std() < 2
    starved = run("bitrate_collapse")[1][60][0]
    assert starved.shape == good.shape and sharpness(starved) < 0.5 * sharpness(good)


def test_lost_pictures_leave_gaps() -> None:
    assert not [n for n in run("offline")[1] if 25 <= n < 75]
    collapsed = [n for n in run("rate_collapse", 1.0, 5.0)[1] if n >= 25]
    assert collapsed == [25, 75]
    flapping = run("flapping", 1.0, 5.0)[1]
    assert [n for n in range(25, 125) if n not in flapping] == list(range(25, 75))


def test_a_drifting_clock_runs_ahead_and_stays_ahead() -> None:
    _, shown = run("clock_drift", 1.0, 3.0)
    stamps = [shown[n][1] for n in range(5 * FPS)]
    assert (np.diff(stamps) > 0).all()
    assert stamps[20] == 20 / FPS and np.isclose(stamps[50] - 2.0, DRIFT_SHARE) and np.isclose(stamps[124] - 124 / FPS, 2 * DRIFT_SHARE)


@given(st.text(max_size=40))
def test_any_text_is_a_fault_or_refused(text: str) -> None:
    try:
        fault = spoiled(text)
    except BadSettings:
        return
    assert fault.kind in SPOIL_KINDS and 0 <= fault.start_s < fault.end_s


@given(st.sampled_from(SPOIL_KINDS), st.integers(0, 9000), st.integers(1, 900))
def test_a_fault_reads_back(kind: SpoilKind, start: int, lasts: int) -> None:
    assert spoiled(f"{kind}@{start / 10}-{(start + lasts) / 10}") == Spoiled(kind, start / 10, (start + lasts) / 10)


@pytest.mark.parametrize("text", ["frozen", "frozen@9-3", "frozen@3-3", "melted@1-2", "dark@-1-2", "dark@1e3-2e3", "dark@1-2 3"])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(BadSettings):
        spoiled(text)


def test_two_faults_at_a_time_or_after_the_end_are_refused() -> None:
    with pytest.raises(BadSettings, match="overlap"):
        Spoiler([Spoiled("dark", 1, 3), Spoiled("frozen", 2, 4)], FPS, 10)
    with pytest.raises(BadSettings, match="after"):
        Spoiler([Spoiled("dark", 11, 13)], FPS, 10)


def test_a_clip_is_spoiled_as_its_truth_says(tmp_path: Path) -> None:
    card = cached_card(TestCard(width_px=128, height_px=72, duration_s=4.0), tmp_path)
    truth = spoil_clip(card, tmp_path / "bad.mp4", [Spoiled("dark", 0.5, 1.0), Spoiled("offline", 2.0, 3.0)])
    assert [json.loads(line) for line in faults_jsonl(truth).splitlines()] == [
        {"kind": "dark", "start_s": 0.5, "end_s": 1.0}, {"kind": "offline", "start_s": 2.0, "end_s": 3.0},
    ]  # fmt: skip
    with av.open(str(tmp_path / "bad.mp4")) as bad:
        rows = [(float(f.pts * f.time_base), f.to_ndarray(format="rgb24").mean()) for f in bad.decode(video=0)]  # type: ignore[operator]
    times = np.asarray([t for t, _ in rows])
    assert not ((times > 1.99) & (times < 2.99)).any() and times.max() > 3.5 and (np.diff(times) > 0).all()
    light = [m for t, m in rows if not 0.49 < t < 0.99]
    assert max(m for t, m in rows if 0.49 < t < 0.99) < 0.3 * min(light)


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"not a clip")
    with pytest.raises(BadSource):
        spoil_clip(tmp_path / "no.mp4", tmp_path / "bad.mp4", [Spoiled("dark", 0, 1)])
