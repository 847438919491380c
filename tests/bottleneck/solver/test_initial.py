import numpy as np
import pytest
from bottleneck.ground_truths import binary_symmetric, eight_by_five, erasure, random_joint
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck import Channel, solve
from ibcollapse.bottleneck.objective.mixture import evaluate, trivial_mixture
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.solver.column_generation import solve_state
from ibcollapse.bottleneck.solver.initial import first_guess


@settings(max_examples=20, deadline=None)
@given(
    n_x=st.integers(2, 60),
    n_classes=st.integers(2, 6),
    beta=st.floats(0.5, 20.0),
    seed=st.integers(0, 10_000),
)
def test_a_guess_is_never_worse_than_the_trivial_state(n_x, n_classes, beta, seed):
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    guess, _ = first_guess(channel, beta)
    assert evaluate(channel, guess, beta).free_energy <= 1e-15
    assert guess.n_t <= n_classes + 1
    assert guess.q.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("joint", "beta"),
    [
        (eight_by_five(), 3.0),
        (eight_by_five(), 12.0),
        (binary_symmetric(0.1), 1.57),
        (erasure(3, 0.3), 1.5),
        (random_joint(80, 4, 5), 3.0),
    ],
)
def test_from_the_trivial_state_the_same_optimum_is_reached(joint, beta):
    channel = Channel.from_joint(joint)
    rng = np.random.default_rng(0)
    slow = solve_state(channel, beta, trivial_mixture(channel), Options(), rng)
    fast = solve(channel, beta)
    assert fast.lagrangian == pytest.approx(slow.evaluation.free_energy, abs=2e-9)
    assert fast.n_clusters == slow.mixture.n_t


@pytest.mark.parametrize("beta", [0.0, 1.0, 1.5])
def test_below_the_onset_nothing_is_guessed(beta):
    channel = Channel.from_joint(binary_symmetric(0.1))
    assert first_guess(channel, beta)[0].n_t == 1
