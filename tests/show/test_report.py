"""The page is self-contained, escaped, bilingual, and says what it does not know."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from sewu.show.chart import chart_of
from sewu.show.mask import blur_people
from sewu.show.overlay import draw_heat, draw_paths, draw_tracks, jpeg
from sewu.show.report import EventRow, Figure, ReportData, Series, render_report
from tests.fakes import tracks


def data(**changes: Any) -> ReportData:
    values: dict[str, Any] = {
        "source": "clip.mp4",
        "camera_id": "K1",
        "started_at_s": 1_700_000_000.0,
        "duration_s": 90.0,
        "looks": 900,
        "model": "yolox-nano",
        "model_is_motion": False,
        "picked": 1.0,
        "figures": (Figure("events", "1"),),
        "series": (Series("report.series.person", "", ((0.0, 1.0), (60.0, 4.0))),),
        "events": (EventRow("gathering", "medium", 1_700_000_010.0, 1_700_000_040.0, "Plaza", 5.0, "persons", b"\xff\xd8still", "a.mp4"),),
        "analytics": ("crowd", "health"),
        "pictures": {"heat": b"\xff\xd8heat"},
    }
    return ReportData(**values | changes)


def test_nothing_is_fetched_from_anywhere() -> None:
    page = render_report(data())
    assert not re.search(r"""(src|href)=["'](?!data:|clips/)""", page)
    assert "url(" not in page
    assert "<script" not in page


def test_both_languages_are_inside_and_indonesian_comes_first() -> None:
    page = render_report(data())
    assert page.index("Laporan kamera: K1") < page.index("Camera report: K1")
    assert page.count('class="id"') == page.count('class="en"')


def test_hostile_names_are_only_text() -> None:
    page = render_report(data(source="<img src=x onerror=alert(1)>", camera_id='"><b>', faults=("<script>",)))
    assert "<img src=x" not in page
    assert "<script>" not in page
    assert "&lt;img src=x" in page


def test_motion_alone_suspension_and_faults_are_said() -> None:
    page = render_report(data(model_is_motion=True, suspended_share=0.25, stopped=True, faults=("it breaks after 3 s",)))
    for words in ("rests on motion alone", "During 25 %", "was stopped before the end", "it breaks after 3 s"):
        assert words in page


def test_every_analytic_states_its_error() -> None:
    page = render_report(data(analytics=("crowd", "traffic", "parking", "order", "health")))
    for title in ("Crowd", "Traffic", "Parking", "Public order", "Camera health"):
        assert f">{title}<" in page


def test_no_events_is_no_proof_of_quiet() -> None:
    assert "That is no proof that nothing happened" in render_report(data(events=()))


@pytest.mark.parametrize("points", [(), ((0.0, 0.0),), ((0.0, 3.0), (1.0, -2.0)), ((0.0, 1e9), (90.0, 0.001))])
def test_any_series_has_a_chart_inside_its_box(points: tuple[tuple[float, float], ...]) -> None:
    chart = chart_of(points, 90.0)
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", chart.line)]
    assert all(0 <= n <= 640 for n in numbers)
    assert chart.y_ticks
    assert chart.x_ticks


def test_a_masked_head_cannot_be_told_from_another() -> None:
    rng = np.random.default_rng(0)
    box = np.array([[40.0, 30.0, 80.0, 140.0]])
    one, other = (np.full((200, 200, 3), 100, np.uint8) for _ in range(2))
    one[34:60, 44:76] = rng.integers(0, 255, (26, 32, 3), np.uint8)
    other[34:60, 44:76] = rng.permutation(one[34:60, 44:76].reshape(-1, 3)).reshape(26, 32, 3)
    difference = np.abs(blur_people(one, box).astype(int) - blur_people(other, box).astype(int))
    assert np.abs(one.astype(int) - other.astype(int))[34:60, 44:76].mean() > 60
    assert difference[34:60, 44:76].mean() < 20
    assert np.array_equal(blur_people(one, box)[100:], one[100:])


def test_masking_survives_boxes_outside_the_picture() -> None:
    image = np.zeros((50, 50, 3), np.uint8)
    assert blur_people(image, np.array([[-100.0, -100.0, -50.0, -50.0], [40, 40, 400, 400], [5, 5, 5, 5]])).shape == image.shape


def test_drawings_keep_the_size_and_leave_the_original_alone() -> None:
    image = np.full((90, 160, 3), 90, np.uint8)
    before = image.copy()
    drawn = draw_tracks(image, tracks(0.0, (1, "car", (10, 10, 60, 60))))
    for picture in (
        drawn,
        draw_heat(image, np.zeros((9, 16))),
        draw_heat(image, np.ones((9, 16))),
        draw_paths(image, [(0, np.array([[1.0, 1], [50, 50]]))]),
    ):
        assert picture.shape == image.shape
    assert np.array_equal(image, before)
    assert not np.array_equal(drawn, image)
    assert jpeg(image)[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("kind", "peak", "unit", "indonesian", "english"),
    [
        ("gathering", 5.0, "persons", "nilai tertinggi: 5 orang", "highest value: 5 persons"),
        ("crowd_density", 1.25, "persons/m2", "nilai tertinggi: 1,2 orang/m²", "highest value: 1.2 persons/m²"),
        ("over_capacity", 1.5, "1", "nilai tertinggi: 150 %", "highest value: 150 %"),
        ("illegal_parking", 245.0, "s", "nilai tertinggi: 4:05", "highest value: 4:05"),
        ("pile", 3.0, "bags", "nilai tertinggi: 3 bags", "highest value: 3 bags"),
    ],
)
def test_a_peak_is_said_in_the_words_of_the_reader(kind: str, peak: float, unit: str, indonesian: str, english: str) -> None:
    page = render_report(data(events=(EventRow(kind, "medium", 1_700_000_010.0, 1_700_000_040.0, None, peak, unit),)))
    assert indonesian in page and english in page


def test_a_flag_has_no_peak_and_what_outlasts_the_recording_is_said() -> None:
    page = render_report(data(events=(EventRow("camera_dark", "low", 1_700_000_010.0, 1_700_000_040.0, None, 1.0, "1", to_the_end=True),)))
    assert "nilai tertinggi" not in page
    assert "masih berlangsung saat rekaman berakhir" in page and "still going on when the recording ended" in page
