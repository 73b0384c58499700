from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base import boxes as base
from sewu.detect.suppression import suppress

BOX = st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(1, 100), st.integers(1, 100), st.integers(0, 5))


@settings(deadline=None)
@given(rows=st.lists(BOX, max_size=40), max_iou=st.sampled_from([0.31, 0.47, 0.83]), seed=st.integers(0, 99))
def test_it_keeps_what_the_plain_algorithm_keeps(rows: list[tuple[int, ...]], max_iou: float, seed: int) -> None:
    table = np.array(rows, np.float32).reshape(-1, 5)
    boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], axis=1)
    scores = ((np.random.default_rng(seed).permutation(len(table)) + 1) / (len(table) + 1)).astype(np.float32)
    classes = table[:, 4].astype(np.int64)
    assert suppress(boxes, scores, classes, max_iou).tolist() == base.suppress(boxes, scores, classes, max_iou).tolist()
