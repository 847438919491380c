import numpy as np
import pytest
from bottleneck.ground_truths import eight_by_five

from ibcollapse.bottleneck import Channel, solve
from ibcollapse.bottleneck.continuation.branch import growth_slope, potential_slope
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate, information
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.objective.stability import split_directions
from ibcollapse.bottleneck.solver.support import refine
from ibcollapse.bottleneck.solver.tangent import tangent

BETA, STEP = 3.1, 1e-5


@pytest.fixture(scope="module")
def branch():
    """The branch of four atoms a step below, at and above beta, and its channel."""
    channel = Channel.from_joint(eight_by_five())
    solution = solve(channel, BETA)
    start = Mixture.from_probabilities(solution.p_t, solution.p_y_given_t)
    ended = [refine(channel, start, BETA + s * STEP) for s in (-1, 0, 1)]
    assert [e.mixture.n_t for e in ended] == [4, 4, 4]
    return channel, ended


def test_the_tangent_is_the_branchs_finite_difference(branch):
    channel, (below, here, above) = branch
    slope = tangent(channel, here.mixture, here.evaluation, BETA)

    def difference(of):
        return (of(above) - of(below)) / (2 * STEP)

    # The states are stationary to 1e-13, of which a difference over 2e-5 keeps eight digits less a
    # soft mode's condition: four are left.
    np.testing.assert_allclose(slope.log_q, difference(lambda e: e.mixture.log_q), rtol=2e-4)
    weight = here.mixture.r
    moved = difference(lambda e: e.mixture.log_r)
    np.testing.assert_allclose(weight * slope.log_r, weight * moved, atol=1e-4)
    np.testing.assert_allclose(
        slope.i_ty,
        difference(lambda e: information(channel, e.evaluation.joint, e.evaluation.p_t_given_x)[1]),
        rtol=2e-4,
    )


def test_the_potentials_slope_is_its_finite_difference(branch):
    channel, (below, here, above) = branch
    slope = tangent(channel, here.mixture, here.evaluation, BETA)
    candidate = np.log(np.random.default_rng(0).dirichlet(np.ones(5)))
    values = []
    for ended, beta in ((below, BETA - STEP), (above, BETA + STEP)):
        evaluation = evaluate(channel, ended.mixture, beta)
        log_v = potential_weights(channel, evaluation.log_z)
        values.append(log_potential(channel, log_v, candidate[None], beta)[0][0])
    found = potential_slope(channel, here.evaluation, slope, candidate, BETA)
    assert found == pytest.approx((values[1] - values[0]) / (2 * STEP), rel=1e-5, abs=1e-6)


def test_the_growths_slope_is_its_finite_difference(branch):
    channel, (below, here, above) = branch
    slope = tangent(channel, here.mixture, here.evaluation, BETA)
    splits = split_directions(channel, here.mixture, here.evaluation, BETA)
    growth = [
        split_directions(channel, ended.mixture, ended.evaluation, beta).growth
        for ended, beta in ((below, BETA - STEP), (above, BETA + STEP))
    ]
    for atom, difference in enumerate((growth[1] - growth[0]) / (2 * STEP)):
        found = growth_slope(channel, here.mixture, here.evaluation, slope, splits, atom, BETA)
        assert found == pytest.approx(difference, rel=1e-4, abs=1e-6)
