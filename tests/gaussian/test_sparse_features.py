"""Counting the rows on which a feature is off its ordinary value, by part and class."""

import numpy as np
import pytest

from ibcollapse.features.precision import Precision
from ibcollapse.gaussian.sparse_features import MIN_ACTIVE_ROWS, ActiveRows

DOUBLE = Precision.of([np.dtype(np.float64)])


def few_of(x, y, parts=None, *, blocks=1):
    n_parts = 1 if parts is None else int(parts.max()) + 1
    parts = np.zeros(len(y), dtype=np.int64) if parts is None else parts
    counted = ActiveRows(n_parts, int(y.max()) + 1, x.shape[1])
    for rows in np.array_split(np.arange(len(y)), blocks):
        counted.add(x[rows], y[rows], parts[rows], DOUBLE)
    return counted


@pytest.mark.parametrize("ordinary", [0.0, -2.5])
@pytest.mark.parametrize("blocks", [1, 3])
def test_counts_are_those_of_a_loop(ordinary, blocks):
    rng = np.random.default_rng(0)
    n = 3000
    y, parts = rng.integers(0, 3, n), rng.integers(0, 4, n)
    x = np.where(rng.random((n, 6)) < [0.0, 0.002, 0.01, 0.05, 0.3, 1.0], 1.0, ordinary)
    x[:, 5] = rng.standard_normal(n)
    counted = few_of(x, y, parts, blocks=blocks)
    for chosen in ([0, 1, 2, 3], [0, 2]):
        in_class, rare = counted.few(np.array(chosen))
        kept = np.isin(parts, chosen)
        active = np.array(
            [[np.sum(x[kept & (y == c), j] != ordinary) for j in range(6)] for c in range(3)]
        )
        np.testing.assert_array_equal(in_class, active < MIN_ACTIVE_ROWS)
        np.testing.assert_array_equal(rare, active.sum(axis=0) < MIN_ACTIVE_ROWS)


def test_a_unit_active_on_half_of_a_small_class_has_a_variance_there():
    y = np.repeat([0, 1], [100, 6])
    x = np.where((y == 1) & (np.arange(106) % 2 == 0), 1.0, 0.0)[:, None]
    in_class, rare = few_of(x, y).few(np.array([0]))
    np.testing.assert_array_equal(in_class[:, 0], [True, False])
    assert not rare[0]


def test_few_active_rows_of_few_rows_are_not_rare():
    y = np.arange(40) % 2
    x = np.where(np.arange(40)[:, None] % 13 == 0, 1.0, 0.0)
    in_class, rare = few_of(x, y).few(np.array([0]))
    assert in_class.all()
    assert not rare[0]


def test_the_median_of_continuous_rows_is_no_ordinary_value():
    # The first rows are of one class, in which the unit always fires.
    y = np.repeat([0, 1], [2000, 3000])
    x = np.where(y == 0, np.random.default_rng(1).random(5000) + 1, 0.0)[:, None]
    in_class, _ = few_of(x, y).few(np.array([0]))
    np.testing.assert_array_equal(in_class[:, 0], [False, True])
