"""MOTChallenge files are read, written, and refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadInput
from sewu.evaluate.mot_files import Boxes, parse_boxes, read_boxes, read_sequence, read_truth, write_boxes


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    corners = np.array([[1.5, 2.0, 11.25, 22.0], [3.0, 4.0, 5.0, 6.0]])
    rows = Boxes(np.array([1, 2]), np.array([7, 8]), corners, np.array([0.5, 1.0]))
    write_boxes(rows, tmp_path / "out.txt")
    again = read_boxes(tmp_path / "out.txt")
    assert again.frames.tolist() == [1, 2]
    assert again.ids.tolist() == [7, 8]
    assert np.allclose(again.boxes_px, corners, atol=1e-3)
    assert again.scores.tolist() == [0.5, 1.0]


def test_rows_come_in_order_of_frame_and_empty_frames_are_empty() -> None:
    rows = parse_boxes("3,1,0,0,5,5,1\n\n1,2,0,0,5,5,1\n", "text")
    assert rows.frames.tolist() == [1, 3]
    assert [len(part) for part in rows.by_frame(np.arange(1, 5))] == [1, 0, 1, 0]


def test_truth_leaves_out_what_is_to_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "gt.txt").write_text("1,1,0,0,5,5,1\n1,2,0,0,5,5,0\n")
    assert read_truth(tmp_path / "gt.txt").ids.tolist() == [1]


def test_truth_with_one_object_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gt.txt").write_text("1,1,0,0,5,5,1\n1,1,9,9,5,5,1\n")
    with pytest.raises(BadInput, match="twice"):
        read_truth(tmp_path / "gt.txt")


@pytest.mark.parametrize(
    "line",
    [
        "1,2,3",
        "a,1,0,0,5,5,1",
        "1,1,0,0,-5,5,1",
        "0,1,0,0,5,5,1",
        "1.5,1,0,0,5,5,1",
        "1,1,nan,0,5,5,1",
        "1,1,0,0,1e300,5,1",
        "1,1,0,0,5,inf",
    ],
)
def test_a_bad_line_is_named(line: str) -> None:
    with pytest.raises(BadInput, match="line 2"):
        parse_boxes(f"1,1,0,0,5,5,1\n{line}\n", "some.txt")


@given(st.text(alphabet="0123456789.,-+einfa \n\r\t\x00é", max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        rows = parse_boxes(text, "text")
    except BadInput as error:
        assert "line" in str(error)
    else:
        assert np.all(np.isfinite(rows.boxes_px))
        assert np.all(np.diff(rows.frames) >= 0)


def test_missing_and_binary_files_are_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "clip.txt").write_bytes(b"\xff\xfe\x00\x81")
    for path in (tmp_path / "none.txt", tmp_path / "clip.txt"):
        with pytest.raises(BadInput, match=path.name):
            read_boxes(path)


def test_a_sequence_description_is_read_or_refused(tmp_path: Path) -> None:
    good = "[Sequence]\nname=A\nframeRate=25\nseqLength=10\nimWidth=640\nimHeight=480\n"
    (tmp_path / "seqinfo.ini").write_text(good)
    sequence = read_sequence(tmp_path / "seqinfo.ini")
    assert (sequence.name, sequence.rate_fps, sequence.length, sequence.size_px) == ("A", 25.0, 10, (640, 480))
    for bad in (good.replace("25", "0"), good.replace("25", "nan"), good.replace("seqLength=10", ""), "nonsense", good.replace("640", "x")):
        (tmp_path / "seqinfo.ini").write_text(bad)
        with pytest.raises(BadInput):
            read_sequence(tmp_path / "seqinfo.ini")
