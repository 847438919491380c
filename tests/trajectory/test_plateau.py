import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.trajectory import accuracy_plateau, plateau_epoch, sustained_from
from ibcollapse.trajectory.plateau import _paired_noise
from ibcollapse.trajectory.statement import Statement


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_sustained_from_is_the_start_of_the_last_run(holds):
    epochs = [3 * i + 1 for i in range(len(holds))]
    starts = [e for i, e in enumerate(epochs) if all(holds[i:])]
    assert sustained_from(epochs, holds) == (starts[0] if starts else np.inf)


def test_a_dip_ends_a_plateau_and_nan_is_outside():
    assert plateau_epoch([0, 1, 2, 3], [0.99, 0.9, 0.985, 0.99], 0.01) == 2
    assert plateau_epoch([0, 1, 2], [0.99, np.nan, 0.99], 0.01) == 2
    assert plateau_epoch([0, 1], [0.5, np.nan], 0.01) == np.inf


def interval(accuracy, sizes, right=None):
    found = accuracy_plateau(
        range(len(accuracy)),
        accuracy,
        sizes,
        right=right,
        tolerance=0.01,
        confidence=0.95,
        n_draws=500,
        rng=np.random.default_rng(0),
    )
    assert found.noise == ("independent binomials" if right is None else "paired predictions")
    return found.epoch, found.low, found.high


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


def test_paired_predictions_leave_out_the_noise_that_checkpoints_share():
    # 400 samples, 40 wrong at every checkpoint and 60 more at the first: the difference of the
    # last three is exactly zero in every draw, while binomials move by 2 % and more.
    right = np.ones((4, 400), dtype=bool)
    right[:, :40] = False
    right[0, 40:100] = False
    accuracy = right.mean(axis=1)
    assert interval(accuracy, [400] * 4, right) == (1, 1, 1)
    epoch, low, high = interval(accuracy, [400] * 4)
    assert (epoch, low) == (1, 1)
    assert high == 3


def test_paired_interval_holds_the_share_of_draws_it_claims():
    # n = 100, m samples right at the last checkpoint only: flat from the first iff a binomial of
    # (100, m/100) is at most 1. At m = 1 that is .736, at m = 12 it is 4e-5, at m = 5 it is .037.
    for changed, expected in ((1, (0, 1)), (5, (0, 1)), (12, (1, 1))):
        right = np.ones((2, 100), dtype=bool)
        right[0, :changed] = False
        _, low, high = interval(right.mean(axis=1), [100, 100], right)
        assert (low, high) == expected


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_paired_noise_has_the_covariance_of_the_predictions(seed):
    rng = np.random.default_rng(seed)
    right = rng.random((3, 50)) < rng.random((3, 1))
    noise = _paired_noise(right, 4000, rng)
    # Of a mean of 50 draws: the covariance over samples / 50; 4000 draws leave
    # 1.6 to 2.2 % of noise in it.
    expected = np.cov(right, bias=True) / 50
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_array_less(np.abs(np.cov(noise.T) - expected), 0.12 * scale + 1e-12)


def test_the_same_epoch_coincides_though_the_resamples_miss_it():
    # Fashion-MNIST, cross-entropy: included at epoch 9, by its resamples at 4 to 6, flat from 9.
    found = Statement("discrete", 2.0, 0.01, 9, 9.0, 4.0, 6.0, 9.0, 9.0, 9.0, 9, ())
    assert found.coincides
    assert not dataclasses.replace(found, epoch_included=5.0).coincides
