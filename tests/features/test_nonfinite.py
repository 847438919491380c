import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ibcollapse.features.nonfinite import has_nonfinite, nonfinite_rows, rows_text


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(width=32),
    )
)
def test_screening_agrees_with_isfinite(x):
    assert has_nonfinite(x) == (not np.isfinite(x).all())


def test_a_sum_that_overflows_is_no_finding():
    assert not has_nonfinite(np.full((2, 2), np.finfo(np.float32).max, dtype=np.float32))


def test_inf_and_minus_inf_do_not_cancel():
    assert has_nonfinite(np.array([[np.inf, -np.inf]]))


def test_rows_are_counted_across_blocks_and_only_where_kept():
    blocks = [np.zeros((2, 2)), np.array([[0.0, np.nan], [0.0, 0.0], [np.inf, 0.0]])]
    keep = np.array([True, True, True, True, False])
    np.testing.assert_array_equal(nonfinite_rows(blocks, keep), [2])
    np.testing.assert_array_equal(nonfinite_rows(blocks, np.ones(5, dtype=bool)), [2, 4])


@pytest.mark.parametrize(
    ("rows", "text"), [([7], "row 7"), ([1, 2], "rows 1, 2"), (range(9), "rows 0, 1, 2, 3, 4, ...")]
)
def test_rows_text_lists_the_first(rows, text):
    assert rows_text(np.array(rows)) == text
