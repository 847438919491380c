"""Growing many atoms at once, against the solver without it and against hills above all rows."""

import numpy as np
import pytest

from ibcollapse.bottleneck import certificate, growth, solver
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.growth import grown
from ibcollapse.bottleneck.mixture import Mixture, evaluate, is_crowded, trivial_mixture
from ibcollapse.bottleneck.solver import solve
from ibcollapse.bottleneck.stability import onset_beta_local


def soft(n_classes=20, a_class=20, scale=1.0, seed=3):
    """Posteriors of overlapping Gaussian classes."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n_classes * a_class, n_classes))
    logits[np.arange(len(logits)), np.repeat(np.arange(n_classes), a_class)] += 3.0
    rows = np.exp(scale * logits)
    return Channel.from_joint(rows / rows.sum(axis=1, keepdims=True) / len(rows))


def table(n_x=160, n_classes=20, seed=5):
    rows = np.random.default_rng(seed).dirichlet(np.full(n_x * n_classes, 0.5))
    return Channel.from_joint(rows.reshape(n_x, n_classes))


CROWDED = [(soft(), 2.5), (soft(24, 12, 1.5), 2.5), (table(), 1.3)]


@pytest.fixture(scope="module", params=CROWDED, ids=["soft", "softer", "table"])
def problem(request):
    channel, times = request.param
    return channel, times * onset_beta_local(channel)


def test_hardly_any_hill_above_a_row_is_left(problem):
    channel, beta = problem
    mixture = grown(channel, trivial_mixture(channel), beta, 1.0, np.random.default_rng(0))
    there = evaluate(channel, mixture, beta)
    assert there.free_energy < 0
    log_v = certificate.potential_weights(channel, there.log_z)
    found = certificate.climb(channel, log_v, channel.log_p_y_given_x, beta)
    assert (found.log_phi > 2e-2).sum() <= 0.05 * mixture.n_t + 1


def test_it_ends_near_the_optimum(problem):
    channel, beta = problem
    best = solve(channel, beta)
    assert best.converged
    assert is_crowded(channel, best.n_clusters)
    mixture = grown(channel, trivial_mixture(channel), beta, 1.0, np.random.default_rng(0))
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
    log_v = certificate.potential_weights(channel, evaluate(channel, mixture, beta).log_z)
    rng = np.random.default_rng(8)
    shares = rng.dirichlet(np.full(channel.n_x, 3.0 / channel.n_x), 500)
    starts = np.log(shares @ channel.p_y_given_x)
    found = certificate.climb(channel, log_v, starts, beta, hints=mixture.log_r)
    assert found.log_phi.max() <= 1e-8


def test_it_stops_at_a_moment_that_is_past(problem, monkeypatch):
    channel, beta = problem
    rounds = []
    monkeypatch.setattr(growth, "enlarged", lambda *given: rounds.append(given))
    rng = np.random.default_rng(0)
    assert grown(channel, trivial_mixture(channel), beta, 1.0, rng, until=0.0).n_t == 1
    assert not rounds
