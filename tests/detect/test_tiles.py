from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sewu.detect.tiles import Piece, Tiling, cut_by_edges, pieces, whole_objects

TILINGS = st.builds(Tiling, columns=st.integers(1, 8), rows=st.integers(1, 8), overlap=st.floats(0, 0.5), whole=st.booleans())


@given(size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)), tiling=TILINGS)
def test_pieces_cover_the_whole_picture_and_stay_inside(size: tuple[int, int], tiling: Tiling) -> None:
    found = pieces(size, tiling)
    for left, top, right, bottom in (piece.box_px for piece in found):
        assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
    parts = found[1:] if tiling.whole and len(found) > 1 else found
    for axis in (0, 1):
        covered = np.zeros(size[axis], np.bool_)
        for piece in parts:
            covered[piece.box_px[axis] : piece.box_px[axis + 2]] = True
        assert covered.all()


def test_neighbours_share_the_overlap_and_know_their_inner_edges() -> None:
    whole, left, right = pieces((1920, 1080), Tiling(columns=2, rows=1, overlap=0.2))
    assert whole == Piece((0, 0, 1920, 1080))
    assert left == Piece((0, 0, 1067, 1080), (False, False, True, False))
    assert right == Piece((853, 0, 1920, 1080), (True, False, False, False))


def test_half_a_bus_goes_where_the_whole_bus_was_seen() -> None:
    piece = Piece((0, 0, 100, 100), (False, False, True, False))
    boxes = np.array([[60, 20, 100, 60], [60, 20, 160, 60], [10, 10, 30, 30]], np.float32)
    cut = np.concatenate([cut_by_edges(boxes[:1], piece, 2.0), [False, False]])
    assert cut.tolist() == [True, False, False]
    buses, origins = np.array([4, 4, 4]), np.array([1, 0, 1])
    assert whole_objects(boxes, buses, origins, cut).tolist() == [False, True, True]
    # A car before the bus is not a part of it, nor is a piece cut by itself.
    assert whole_objects(boxes, np.array([3, 4, 4]), origins, cut).all()
    assert whole_objects(boxes, buses, np.array([1, 1, 1]), cut).all()


def test_an_object_at_the_pictures_own_edge_is_not_cut() -> None:
    piece = Piece((0, 0, 100, 100), (False, False, True, False))
    assert not cut_by_edges(np.array([[0, 0, 50, 100]], np.float32), piece, 2.0).any()
