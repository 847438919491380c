import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features
from ibcollapse.features.nonfinite import has_nonfinite, nonfinite_rows, rows_text, unsquarable


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


@pytest.mark.parametrize(("scale", "found"), [(1e80, 2e80), (1e-80, 2e-80), (1e70, None)])
def test_only_what_leaves_the_range_of_squares_is_found(scale, found):
    assert unsquarable(np.array([[scale, -2 * scale], [0.0, scale]])) == found


def test_zeros_and_narrow_types_are_never_out_of_range():
    assert unsquarable(np.zeros((3, 2))) is None
    assert unsquarable(np.full((1, 1), np.finfo(np.float32).max, dtype=np.float32)) is None


@pytest.mark.parametrize("scale", [1e160, 1e-170])
def test_values_without_squares_are_refused_with_their_size(samples, scale):
    x, y = samples
    source = open_features((x.astype(float) * scale, y))
    with pytest.raises(FeatureFileError, match=r"values up to .*e[+-]1\d\d .*power of ten"):
        list(source.chunks())
