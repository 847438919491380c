import numpy as np
import pytest
import scipy.optimize
from bottleneck.ground_truths import random_joint
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_kl

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.solver.weights import optimise_weights


def state(n_x, n_classes, n_t, seed):
    rng = np.random.default_rng(seed)
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    p_t, r = rng.dirichlet(np.ones(n_t)), rng.dirichlet(np.ones(n_classes), n_t)
    return channel, Mixture.from_probabilities(p_t, r)


@settings(max_examples=30, deadline=None)
@given(
    n_x=st.integers(1, 20),
    n_t=st.integers(1, 25),
    beta=st.floats(0.2, 25.0),
    seed=st.integers(0, 10_000),
)
def test_weights_satisfy_the_optimality_conditions(n_x, n_t, beta, seed):
    channel, mixture = state(n_x, 4, n_t, seed)
    before = evaluate(channel, mixture, beta).free_energy
    ended = optimise_weights(channel, mixture, beta)
    evaluation = evaluate(channel, ended, beta)
    assert evaluation.free_energy <= before + 1e-13
    assert ended.q.sum() == pytest.approx(1, abs=1e-13)
    assert ended.q.min() > 0
    # Convex: Φ ≤ 1 at every atom on offer, and = 1 at those that are used, is the optimum.
    log_v = potential_weights(channel, evaluation.log_z)
    assert log_potential(channel, log_v, mixture.log_r, beta)[0].max() <= 1e-9
    used = log_potential(channel, log_v, ended.log_r, beta)[0]
    assert np.abs(used * ended.q).max() <= 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_a_generic_solver_finds_no_better_weights(seed):
    channel, mixture = state(8, 3, 6, seed)
    beta = 4.0
    e = np.exp(-beta * naive_kl(channel.p_y_given_x, mixture.r))

    def free_energy(q):
        return -float(channel.p_x @ np.log(e @ q))

    generic = scipy.optimize.minimize(
        free_energy,
        np.full(6, 1 / 6),
        method="SLSQP",
        bounds=[(1e-12, 1)] * 6,
        constraints={"type": "eq", "fun": lambda q: q.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    ended = optimise_weights(channel, mixture, beta)
    ours = free_energy(
        np.array([ended.q[np.all(ended.log_r == r, axis=1)].sum() for r in mixture.log_r])
    )
    assert ours <= generic.fun + 1e-12
    assert ours == pytest.approx(generic.fun, abs=1e-6)


def test_twins_share_a_weight_and_the_useless_lose_theirs():
    channel, _ = state(8, 3, 2, 0)
    rows = channel.p_y_given_x
    twins = Mixture.from_probabilities(
        np.full(4, 0.25), np.vstack([rows[:1], rows[:1], rows[1:2], [[1 / 3] * 3]])
    )
    alone = Mixture.from_probabilities(
        np.full(3, 1 / 3), np.vstack([rows[:1], rows[1:2], [[1 / 3] * 3]])
    )
    energies = [
        evaluate(channel, optimise_weights(channel, m, 6.0), 6.0).free_energy
        for m in (twins, alone)
    ]
    assert energies[0] == pytest.approx(energies[1], abs=1e-12)
    lonely = optimise_weights(
        channel,
        Mixture.from_probabilities(
            np.array([1e-9, 1 - 1e-9]), np.vstack([channel.p_y, [0.998, 0.001, 0.001]])
        ),
        1.01,
    )
    assert lonely.n_t == 1
    np.testing.assert_allclose(lonely.r[0], channel.p_y)


def test_one_atom_takes_all():
    channel, mixture = state(5, 3, 1, 1)
    np.testing.assert_array_equal(optimise_weights(channel, mixture, 3.0).q, [1.0])
