import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibcollapse.trajectory import accuracy_plateau, plateau_epoch, sustained_from


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_sustained_from_is_the_start_of_the_last_run(holds):
    epochs = [3 * i + 1 for i in range(len(holds))]
    starts = [e for i, e in enumerate(epochs) if all(holds[i:])]
    assert sustained_from(epochs, holds) == (starts[0] if starts else np.inf)


def test_a_dip_ends_a_plateau_and_nan_is_outside():
    assert plateau_epoch([0, 1, 2, 3], [0.99, 0.9, 0.985, 0.99], 0.01) == 2
    assert plateau_epoch([0, 1, 2], [0.99, np.nan, 0.99], 0.01) == 2
    assert plateau_epoch([0, 1], [0.5, np.nan], 0.01) == np.inf


def interval(accuracy, sizes):
    return accuracy_plateau(
        range(len(accuracy)),
        accuracy,
        sizes,
        tolerance=0.01,
        confidence=0.95,
        n_draws=500,
        rng=np.random.default_rng(0),
    )


def test_interval_is_a_point_for_many_samples_and_wide_for_few():
    accuracy = [0.5, 0.8, 0.951, 0.955, 0.955]
    assert interval(accuracy, [10**7] * 5) == (2, 2, 2)
    epoch, low, high = interval(accuracy, [100] * 5)
    assert epoch == 2
    assert low <= 2 < high == 4


def test_perfect_accuracy_has_no_noise():
    assert interval([0.1, 1.0, 1.0], [20] * 3) == (1, 1, 1)


def test_interval_holds_the_share_of_draws_it_claims():
    # Two checkpoints: flat from the first iff two binomial shares differ by at most 0.01. For
    # n = 100 and p = 1/2 that is |difference of counts| ≤ 1, probability about 0.17.
    _, low, high = interval([0.5, 0.5], [100, 100])
    assert (low, high) == (0, 1)
    assert interval([0.5, 0.5], [10**6, 10**6])[1:] == pytest.approx((0, 0))
