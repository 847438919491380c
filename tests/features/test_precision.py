"""What the stored type of features resolves, and which rows are equal."""

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.features.precision import (
    Precision,
    repeated_groups,
    row_signatures,
    stored_precision,
)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [1.0, -777.0, 3e-4])
def test_a_unit_that_flips_by_one_last_bit_is_rounding_and_ten_bits_are_not(dtype, value):
    low = dtype(value)
    neighbour, tenth = low, low
    neighbour = np.nextafter(low, dtype(0))
    for _ in range(10):
        tenth = np.nextafter(tenth, dtype(0))
    precision = Precision.of([np.dtype(dtype)])
    for other, constant in ((neighbour, True), (tenth, False)):
        flips = np.array([low, other], dtype=np.float64)
        rounding = precision.rounding(np.array([np.mean(flips**2)]))
        assert (flips.std() <= rounding[0]) == constant


def test_the_coarsest_type_counts_and_integers_are_exact():
    mixed = Precision.of([np.dtype(np.float64), np.dtype(np.float16), np.dtype(np.int8)])
    assert mixed == Precision.of([np.dtype(np.float16)])
    assert Precision.of([np.dtype(np.int8)]) == Precision.of([np.dtype(np.float64)])


def test_a_float16_source_is_read_wider_but_keeps_its_precision():
    source = ib.open_features((np.ones((4, 2), dtype=np.float16), [0, 0, 1, 1]))
    seen = {x.dtype for x, _ in source.chunks()}
    assert seen == {np.dtype(np.float32)}
    assert stored_precision(source, seen) == Precision.of([np.dtype(np.float16)])


def test_equal_rows_share_a_group_and_negative_zero_is_zero():
    rows = np.array([[1.0, 0.0], [1.0, -0.0], [0.0, 1.0], [1.0, 0.0]])
    groups, n_repeated = repeated_groups(row_signatures(rows))
    assert n_repeated == 2
    np.testing.assert_array_equal(groups, [0, 0, 1, 0])


def test_groups_are_numbered_as_they_first_occur():
    groups, n_repeated = repeated_groups(np.array([7, -3, 7, 99, -3, -8]))
    np.testing.assert_array_equal(groups, [0, 1, 0, 2, 1, 3])
    assert n_repeated == 2
