"""The tracker-alone protocol on a tiny sequence made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadInput
from sewu.evaluate.tracker_alone import public_looks, to_probabilities, tracker_alone
from sewu.follow import ByteOcTracker


def write_sequence(data: Path) -> Path:
    """One walker in 40 frames at 10 fps, found with raw score 60, in frame 20 not at all."""
    folder = data / "tracking" / "A"
    folder.mkdir(parents=True)
    (folder / "seqinfo.ini").write_text("[Sequence]\nname=A\nframeRate=10\nseqLength=40\nimWidth=640\nimHeight=480\n")
    rows = [(frame, 10 + 3 * frame) for frame in range(1, 41)]
    (folder / "gt.txt").write_text("".join(f"{frame},1,{x},50,30,80,1,-1,-1,-1\n" for frame, x in rows))
    (folder / "det.txt").write_text("".join(f"{frame},-1,{x},50,30,80,60,-1,-1,-1\n" for frame, x in rows if frame != 20))
    return folder


def test_frames_without_detections_are_looks_too(tmp_path: Path) -> None:
    looks = public_looks(write_sequence(tmp_path))
    assert [len(look) for look in looks] == [1] * 19 + [0] + [1] * 20
    assert looks[1].at_s - looks[0].at_s == pytest.approx(0.1)
    assert looks[0].scores.tolist() == [1.0]


def test_a_walker_is_scored_for_each_tracker(tmp_path: Path) -> None:
    write_sequence(tmp_path)
    rows = tracker_alone(tmp_path, {"a": lambda sequence: ByteOcTracker(size_px=sequence.size_px), "b": lambda sequence: ByteOcTracker()})
    assert [(row.sequence, row.tracker, row.looks, row.objects) for row in rows] == [("A", "a", 40, 40), ("A", "b", 40, 40)]
    score = rows[0].score
    assert (score.clear.switches, score.clear.false_positives) == (0, 0)
    # One look until it is confirmed, and the one without a detection: what is only predicted does not count.
    assert score.clear.misses == 2


def test_a_folder_without_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no sequence"):
        tracker_alone(tmp_path, {})


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=10))
def test_raw_scores_become_probabilities_in_the_same_order(raw: list[float]) -> None:
    ordered = to_probabilities(np.sort(np.array(raw)))
    assert np.all((ordered >= 0) & (ordered <= 1))
    assert np.all(np.diff(ordered) >= 0)
