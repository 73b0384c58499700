from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sewu.base.errors import BadSettings
from sewu.base.greys import pack_grey, small_grey, unpack_grey
from sewu.base.records import Image


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_a_packed_picture_comes_back_bit_for_bit(grey: Image) -> None:
    assert np.array_equal(unpack_grey(pack_grey(grey)), grey)


@given(st.text(max_size=60))
def test_any_text_is_a_picture_or_a_clear_error(text: str) -> None:
    try:
        unpack_grey(text)
    except BadSettings as error:
        assert error.advice


def test_a_picture_cut_short_is_refused_or_decoded_never_a_crash() -> None:
    packed = pack_grey(np.arange(400, dtype=np.uint8).reshape(20, 20))
    with pytest.raises(BadSettings):
        unpack_grey(packed[: len(packed) // 2 // 4 * 4][:20])


@given(st.integers(1, 2000), st.integers(1, 1200))
def test_small_pictures_keep_the_shape_and_the_level(width: int, height: int) -> None:
    small = small_grey(np.full((height, width, 3), 77, np.uint8), 160)
    assert small.shape == (max(1, round(height * min(width, 160) / width)), min(width, 160))
    assert small.dtype == np.uint8 and small.min() >= 76 and small.max() <= 78
