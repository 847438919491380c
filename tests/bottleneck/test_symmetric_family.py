"""What the closed form says of K-ary symmetric channels beyond single points."""

import math

import numpy as np
import pytest
from bottleneck.ground_truths import symmetric, symmetric_onset

from ibcollapse.bottleneck import Channel, certify, solve, solve_rate


@pytest.mark.parametrize("n_classes", range(3, 21))
def test_on_its_straight_segment_one_atom_more_than_classes_is_optimal(n_classes):
    a = 0.6
    onset, end = symmetric_onset(n_classes, a)
    channel = Channel.from_joint(symmetric(n_classes, a))
    halfway = solve_rate(channel, i_xt=0.5 * end[0])
    assert halfway.n_clusters == n_classes + 1
    assert halfway.beta == pytest.approx(onset, rel=1e-8)
    assert halfway.i_ty == pytest.approx(0.5 * end[1], rel=1e-6)
    assert certify(channel, halfway.p_t, halfway.p_y_given_t, halfway.beta).gap < 1e-9


def test_a_thousandth_of_errors_leaves_a_sweep_two_points_to_see():
    # From 0.206 to 0.9 of log K between beta = 1.00191 and 1.00620.
    channel = Channel.from_joint(symmetric(10, 1 - 1e-3 * 10 / 9))
    onset, end = symmetric_onset(10, 1 - 1e-3 * 10 / 9)
    assert onset == pytest.approx(1.00191, abs=6e-6)
    assert end[0] / math.log(10) == pytest.approx(0.206, abs=6e-4)
    assert solve(channel, 1.00190).i_xt == pytest.approx(0.0, abs=1e-12)
    assert solve(channel, 1.00620).i_xt == pytest.approx(0.9 * math.log(10), abs=2e-3)


def test_independent_counts_have_the_plug_in_bias():
    # (|X| − 1)(|Y| − 1) / 2N = 0.02025 nats for 10 × 10 cells and 2000 samples.
    rng = np.random.default_rng(0)
    tables = rng.multinomial(2000, np.full(100, 0.01), size=200).reshape(200, 10, 10)
    found = np.array([Channel.from_joint(table).i_xy for table in tables])
    assert found.mean() == pytest.approx(0.02025, abs=4 * found.std() / math.sqrt(200) + 4e-4)
