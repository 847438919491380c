"""Growing many atoms at once, against the solver without it and against hills above all rows."""

import numpy as np
import pytest
from bottleneck.ground_truths import overlapping_classes, random_joint

from ibcollapse.bottleneck import deadline
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate, is_crowded, trivial_mixture
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.pricing.ascent import climb
from ibcollapse.bottleneck.solver import column_generation as solver
from ibcollapse.bottleneck.solver import growth
from ibcollapse.bottleneck.solver.column_generation import solve
from ibcollapse.bottleneck.solver.growth import grown
from ibcollapse.bottleneck.transitions.onset import onset_beta_local

CROWDED = [
    (overlapping_classes(), 2.5),
    (overlapping_classes(24, 12, 1.5), 2.5),
    (random_joint(160, 20, 5), 1.3),
]


@pytest.fixture(scope="module", params=CROWDED, ids=["soft", "softer", "table"])
def problem(request):
    joint, times = request.param
    channel = Channel.from_joint(joint)
    return channel, times * onset_beta_local(channel)


def test_hardly_any_hill_above_a_row_is_left(problem):
    channel, beta = problem
    mixture, _ = grown(channel, trivial_mixture(channel), beta, 1.0, np.random.default_rng(0))
    there = evaluate(channel, mixture, beta)
    assert there.free_energy < 0
    log_v = potential_weights(channel, there.log_z)
    found = climb(channel, log_v, channel.log_p_y_given_x, beta)
    assert (found.log_phi > 2e-2).sum() <= 0.05 * mixture.n_t + 1


def test_it_ends_near_the_optimum(problem):
    channel, beta = problem
    best = solve(channel, beta)
    assert best.converged
    assert is_crowded(channel, best.n_clusters)
    mixture, _ = grown(channel, trivial_mixture(channel), beta, 1.0, np.random.default_rng(0))
    above = evaluate(channel, mixture, beta).free_energy - best.lagrangian
    assert -1e-12 <= above <= 1e-3 * abs(best.lagrangian)


def test_the_optimum_is_that_of_the_solver_without_it(problem, monkeypatch):
    channel, beta = problem
    called = []
    monkeypatch.setattr(
        solver, "grown", lambda *given: (called.append(len(given)), grown(*given))[1]
    )
    found = solve(channel, beta)
    assert called
    monkeypatch.setattr(solver, "_MANY_VARIABLES", np.inf)
    slowly = solve(channel, beta, seed=1)
    assert found.converged
    assert slowly.converged
    assert found.lagrangian == pytest.approx(slowly.lagrangian, abs=2e-9)
    assert found.n_clusters == slowly.n_clusters


def test_the_optimum_has_no_hill_between_its_rows(problem):
    channel, beta = problem
    best = solve(channel, beta)
    mixture = Mixture.from_probabilities(best.p_t, best.p_y_given_t)
    log_v = potential_weights(channel, evaluate(channel, mixture, beta).log_z)
    rng = np.random.default_rng(8)
    shares = rng.dirichlet(np.full(channel.n_x, 3.0 / channel.n_x), 500)
    starts = np.log(shares @ channel.p_y_given_x)
    found = climb(channel, log_v, starts, beta, hints=mixture.log_r)
    assert found.log_phi.max() <= 1e-8


def test_it_stops_at_a_moment_that_is_past(problem, monkeypatch):
    channel, beta = problem
    rounds = []
    monkeypatch.setattr(growth, "enlarged", lambda *given: rounds.append(given))
    rng = np.random.default_rng(0)
    with deadline.kept(1e-9), pytest.raises(deadline.OutOfTimeError):
        grown(channel, trivial_mixture(channel), beta, 1.0, rng)
    assert not rounds
