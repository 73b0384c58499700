"""Signal heads show what the traffic obeys."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from sewu.simulate.scenes.render import NOTHING
from sewu.simulate.scenes.signals import HEADS, LAMPS, Signals, lit, poles
from sewu.simulate.scenes.traffic import CYCLE_S, SignalColour, Traffic
from tests.simulate.scenes.places import place


@pytest.fixture
def traffic() -> Traffic:
    return Traffic("junction", [], np.random.default_rng(1), [1])


def test_green_turns_amber_then_red_and_never_green_for_both_phases(traffic: Traffic) -> None:
    for phase in (0, 1):
        colours = [traffic.colour(phase, t_s) for t_s in np.arange(0, CYCLE_S, 0.25)]
        order = [colour for colour, before in zip(colours, [None, *colours], strict=False) if colour != before]
        start = order.index("green")
        assert (order[start:] + order[:start])[:3] == ["green", "amber", "red"]
    for t_s in np.arange(0, 2 * CYCLE_S, 0.25):
        both = {traffic.colour(0, t_s), traffic.colour(1, t_s)}
        assert "green" not in both or "red" in both


def test_a_phase_that_is_held_red_shows_red(traffic: Traffic) -> None:
    traffic.red = [(0, 0.0, 100.0)]
    assert {traffic.colour(0, t_s) for t_s in np.arange(4.0, 100.0, 1.0)} == {"red"}


@pytest.mark.parametrize("colour", LAMPS)
def test_one_lamp_of_each_head_is_lit_at_its_own_height(colour: SignalColour) -> None:
    heads = HEADS["junction"]
    drawn = lit(NOTHING, heads, [colour] * len(heads))
    assert (drawn.vertices[:, 11] == 0).all(), "lamps are not in the truth"
    per_head = drawn.vertices.reshape(len(heads), -1, 12)
    for head, vertices in zip(heads, per_head, strict=True):
        middle = (vertices[:, :3].min(axis=0) + vertices[:, :3].max(axis=0)) / 2
        assert np.allclose(middle[:2], (head.x_m, head.y_m), atol=0.25)
        assert abs(middle[2] - head.middle_m - LAMPS[colour][0]) < 0.02
    assert drawn.faces.max() < len(drawn.vertices)
    assert len(poles(heads)) == 2 * len(heads)


def test_the_heads_stand_where_the_lanes_stop() -> None:
    layout = place("junction")
    for phase in {lane.phase for lane in layout.lanes if lane.stop_m is not None}:
        assert any(head.phase == phase for head in HEADS["junction"])


def test_spans_of_colours_are_written_without_gaps(tmp_path: Path, traffic: Traffic) -> None:
    shown = Signals()
    for index in range(1500):
        shown.add(index / 25, {phase: traffic.colour(phase, index / 25) for phase in (0, 1)})
    shown.write(tmp_path, 60.0)
    rows = [json.loads(line) for line in (tmp_path / "signals.jsonl").read_text().splitlines()]
    for phase in (0, 1):
        spans = [row for row in rows if row["phase"] == phase]
        assert spans[0]["start_s"] == 0 and spans[-1]["end_s"] == 60
        assert all(a["end_s"] == b["start_s"] and a["colour"] != b["colour"] for a, b in itertools.pairwise(spans))
    Signals().write(tmp_path / "none", 60.0)
    assert not (tmp_path / "none").exists()
