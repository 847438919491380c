import numpy as np
import pytest
from bottleneck import zoo
from bottleneck.ground_truths import binary_symmetric, binary_symmetric_point, random_joint
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck import Channel, solve
from ibcollapse.bottleneck.kernels.decoders import ABSENT, floored_log
from ibcollapse.bottleneck.objective.hessian import curvature as bending_at
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.solver.newton import (
    descend,
    inverse_curvature,
    moved_masses,
    scales,
    unscaled,
)
from ibcollapse.errors import NumericalError


def state(n_x, n_classes, n_t, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    p_t, r = rng.dirichlet(np.ones(n_t)), rng.dirichlet(np.full(n_classes, spread), n_t)
    return channel, Mixture.from_probabilities(p_t, r), rng


def shifted(mixture, direction, step):
    """The state whose masses q and logits have moved along (dq, dl), weights not renormalised.

    The Newton model counts F + Σ q − 1, for which the weights are free.
    """
    weights, logits = direction
    log_r = mixture.log_r + step * logits
    log_r = log_r - np.log(np.exp(log_r).sum(axis=1, keepdims=True))
    return Mixture(log_r, np.log(mixture.q + step * weights))


def objective(channel, mixture, beta):
    return evaluate(channel, mixture, beta).free_energy + mixture.q.sum() - 1


def directional(channel, mixture, direction, beta, step):
    ahead, back = (objective(channel, shifted(mixture, direction, s), beta) for s in (step, -step))
    return (ahead - back) / (2 * step)


@settings(max_examples=25, deadline=None)
@given(
    n_classes=st.integers(2, 5),
    n_t=st.integers(1, 4),
    beta=st.floats(0.5, 12.0),
    seed=st.integers(0, 10_000),
)
def test_the_residual_is_the_squared_finite_difference_gradient(n_classes, n_t, beta, seed):
    channel, mixture, _ = state(6, n_classes, n_t, seed, spread=2.0)
    # One sweep allowed: the descent hands back where it began, with its gradient's length.
    residual = descend(channel, mixture, beta, max_sweeps=1).residual
    root_q, scale = scales(mixture, beta)
    squared = 0.0
    for t in range(n_t):
        weights, logits = np.zeros(n_t), np.zeros((n_t, n_classes))
        weights[t] = mixture.q[t]
        slope = directional(channel, mixture, (weights, logits), beta, 1e-5) / mixture.q[t]
        squared += (slope * root_q[t]) ** 2
        for y in range(n_classes):
            logits[:] = 0
            logits[t, y] = 1.0
            slope = directional(channel, mixture, (0 * weights, logits), beta, 1e-5)
            squared += (slope / scale[t, y]) ** 2
    # Differences of step 1e-5 leave 1e-9 in each slope, divided by scales of 1e-2 and more.
    assert residual == pytest.approx(squared, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("beta", [2.0, 3.0, 6.0])
def test_the_inverse_hessian_undoes_second_differences(beta):
    channel = Channel.from_joint(binary_symmetric(0.1))
    start = Mixture.from_probabilities(np.full(2, 0.5), np.array([[0.8, 0.2], [0.3, 0.7]]))
    ended = descend(channel, start, beta)
    root_q, scale = scales(ended.mixture, beta)
    hessian = bending_at(channel, ended.mixture, ended.evaluation, beta)
    rng = np.random.default_rng(0)
    for vector in rng.standard_normal((4, 6)):
        step = inverse_curvature(hessian, vector)
        growth, logits = unscaled(step, root_q, scale)
        h = 1e-3 / max(np.abs(growth).max(), np.abs(logits).max())
        direction = (ended.mixture.q * growth, logits)
        there = [
            objective(channel, shifted(ended.mixture, direction, s * h), beta) for s in (-1, 1)
        ]
        curvature = (sum(there) - 2 * objective(channel, ended.mixture, beta)) / h**2
        # A constant added to all logits changes no decoder: there the Hessian is lifted to one.
        gauge = np.sum(ended.mixture.r * logits, axis=1)
        curvature += beta * float(ended.mixture.q @ gauge**2)
        # dz = H⁻¹ g, so dz·H·dz = dz·g; differences over 1e-3 leave their fourth order, 1e-6.
        assert curvature == pytest.approx(float(step @ vector), rel=1e-4)


def test_a_decoder_entry_that_is_far_too_small_comes_back():
    channel, beta = Channel.from_joint(random_joint(12, 4, 8096)), 4.0
    r = np.array([[0.14, 0.22, 0.15, 0.49], [0.3, 0.09, 0.52, 0.09], [0.03, 0.97, 1e-18, 1e-63]])
    r /= r.sum(axis=1, keepdims=True)
    start = Mixture.from_probabilities(np.array([0.41, 0.58, 0.01]), r)
    ended = descend(channel, start, beta, max_sweeps=300)
    assert ended.residual <= 1e-20


@settings(max_examples=40, deadline=None)
@given(
    n_x=st.integers(1, 25),
    n_classes=st.integers(1, 5),
    n_t=st.integers(1, 6),
    beta=st.floats(0.1, 40.0),
    max_sweeps=st.integers(1, 40),
    seed=st.integers(0, 10_000),
)
def test_descent_never_raises_the_free_energy(n_x, n_classes, n_t, beta, max_sweeps, seed):
    channel, mixture, _ = state(n_x, n_classes, n_t, seed, spread=0.4)
    before = evaluate(channel, mixture, beta).free_energy
    ended = descend(channel, mixture, beta, max_sweeps=max_sweeps)
    assert ended.evaluation.free_energy <= before + 1e-14 * (1 + abs(before))
    assert ended.n_sweeps <= max(max_sweeps, 1)
    assert ended.mixture.q.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(ended.mixture.r.sum(axis=1), 1, atol=1e-12)
    again = evaluate(channel, ended.mixture, beta)
    assert again.free_energy == pytest.approx(ended.evaluation.free_energy, abs=1e-13)


@settings(max_examples=15, deadline=None)
@given(beta=st.floats(1.2, 10.0), seed=st.integers(0, 10_000))
def test_what_it_ends_at_blahut_arimoto_does_not_move(beta, seed):
    channel, mixture, _ = state(12, 4, 3, seed)
    ended = descend(channel, mixture, beta, max_sweeps=500)
    # An atom whose weight underflows stalls the others; `refine` takes dying atoms out before.
    assume(ended.mixture.q.min() > 1e-100)
    step = ended.evaluation.joint - ended.mixture.q[:, None] * ended.mixture.r
    assert np.abs(step).max() < 1e-6


@pytest.mark.parametrize("distance", [1e-1, 1e-2, 1e-3, 1e-4])
def test_there_is_no_critical_slowing_down(distance):
    # Plain Blahut–Arimoto needs 72, 774, 7303 and 67429 maps to 1e-8 here.
    channel, beta = Channel.from_joint(binary_symmetric(0.1)), 1.5625 * (1 + distance)
    r = np.array([[0.55, 0.45], [0.45, 0.55]])
    ended = descend(channel, Mixture.from_probabilities(np.full(2, 0.5), r), beta)
    i_xt, i_ty = binary_symmetric_point(0.1, beta)
    assert ended.evaluation.free_energy == pytest.approx(i_xt - beta * i_ty, abs=1e-14)
    assert ended.n_sweeps <= 40


def test_a_fixed_point_is_left_alone():
    channel, beta = Channel.from_joint(binary_symmetric(0.1)), 3.0
    first = descend(
        channel,
        Mixture.from_probabilities(np.full(2, 0.5), np.array([[0.9, 0.1], [0.1, 0.9]])),
        beta,
    )
    again = descend(channel, first.mixture, beta)
    assert again.n_sweeps <= 3
    np.testing.assert_allclose(again.mixture.r, first.mixture.r, atol=1e-10)


def test_zero_entries_of_a_decoder_stay_zero():
    channel = Channel.from_joint([[0.3, 0.1, 0.0], [0.1, 0.3, 0.0], [0.0, 0.0, 0.2]])
    r = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    ended = descend(channel, Mixture.from_probabilities(np.array([0.8, 0.2]), r), 1.5)
    np.testing.assert_array_equal(ended.mixture.r[0, 2], 0.0)
    np.testing.assert_array_equal(ended.mixture.r[1, :2], 0.0)
    assert np.isfinite(ended.evaluation.free_energy)


def test_masses_move_along_straight_lines():
    _, mixture, rng = state(12, 4, 3, 5)
    masses = mixture.q[:, None] * mixture.r
    change = 0.2 * rng.uniform(-1, 1, masses.shape) * masses
    # The same change as relative growth of the weights and of the logits.
    growth = change.sum(axis=1) / mixture.q
    moved = moved_masses(mixture, growth, change / masses)
    expected = masses + change
    np.testing.assert_allclose(
        moved.q[:, None] * moved.r, expected / expected.sum(), rtol=1e-12, atol=1e-16
    )


def test_a_mass_that_would_turn_negative_only_shrinks():
    _, mixture, _ = state(12, 4, 3, 5)
    logits = np.zeros((3, 4))
    logits[1, 2] = -30.0
    moved = moved_masses(mixture, np.zeros(3), logits)
    assert 0 < moved.r[1, 2] < 1e-3 * mixture.r[1, 2]
    np.testing.assert_allclose(moved.r[[0, 2]], mixture.r[[0, 2]], rtol=1e-12)


def test_a_state_that_is_not_finite_is_an_error_and_never_at_rest():
    channel, mixture, _ = state(20, 4, 3, seed=0)
    broken = Mixture(mixture.log_r, np.array([np.nan, -1.0, -1.0]))
    with pytest.raises(NumericalError, match="3 clusters at beta = 3 is not finite"):
        descend(channel, broken, 3.0)


def test_entries_next_to_nothing_take_their_image_or_are_zero():
    """A structural zero drives them to 1e-291 otherwise, where scales overflow."""
    rng = np.random.default_rng(7)
    table = rng.multinomial(5000, rng.dirichlet(np.full(400, 0.1))).reshape(40, 10)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    channel = Channel.from_joint(table)
    p_t, r = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(channel.n_classes), 6)
    r[:3, 0] = 1e-291
    start = Mixture.from_probabilities(p_t, r / r.sum(axis=1, keepdims=True))
    ended = descend(channel, start, 40.0)
    r = ended.mixture.r
    assert np.isfinite(ended.evaluation.free_energy)
    assert ended.residual < 1e-15
    assert ((r == 0) | (r >= ABSENT)).all()
    assert (r == 0).any()
    # What every row of the class has a say in came back.
    image = ended.evaluation.joint / ended.evaluation.p_t[:, None]
    np.testing.assert_allclose(r, image, atol=1e-10)


def test_an_entry_far_off_that_nobody_sees_hides_no_other_direction():
    # Classes in a row; an entry of e^-112 whose image is e^-90 has a curvature of -2e4.
    joint = zoo.member("regression/12x4/11").joint
    channel, beta = Channel.from_joint(joint).reduce(), 1.3861
    best = solve(joint, beta, tol=1e-13)
    order = np.argsort(best.p_t)
    log_r = floored_log(best.p_y_given_t[order])
    np.testing.assert_allclose(best.p_t[order[:2]], 1 / 12, rtol=1e-6)
    log_r[:2] = np.where(log_r[:2] < -80, -112.0, log_r[:2])
    # The two halves of the middle, moved along their soft direction.
    log_r[2:, 1:3] += 0.001 * np.sign(log_r[2:, 1:2] - log_r[2:, 2:3]) * np.array([1.0, -1.0])
    log_r -= np.log(np.exp(log_r).sum(axis=1, keepdims=True))
    ended = descend(channel, Mixture(log_r, np.log(best.p_t[order])), beta)
    assert ended.residual <= 1e-24
    assert ended.evaluation.free_energy == pytest.approx(best.lagrangian, abs=1e-13)
