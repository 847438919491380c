"""The preconditioner against the Hessian that it stands for, and what it saves."""

import numpy as np
import pytest
from bottleneck.ground_truths import class_odds, overlapping_classes

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective import hessian as module
from ibcollapse.bottleneck.objective import preconditioner
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.objective.preconditioner import Preconditioner, row_groups
from ibcollapse.bottleneck.solver.column_generation import solve
from ibcollapse.bottleneck.solver.support import refine
from ibcollapse.bottleneck.transitions.onset import onset_beta_local

DAMPING = 1e-4


def collapsed(n_classes=30, a_class=12):
    """Posteriors nearly one-hot, as of features in tight clusters; all classes told apart."""
    rows = class_odds(n_classes, a_class, 8.0, 4)
    return Channel.from_joint(rows / rows.sum())


def optimum(channel, beta):
    solution = solve(channel, beta)
    assert solution.converged
    mixture = Mixture.from_probabilities(solution.p_t, solution.p_y_given_t)
    return mixture, evaluate(channel, mixture, beta)


@pytest.fixture(scope="module")
def state():
    channel = collapsed()
    beta = 1 + 1.3 * (onset_beta_local(channel) - 1)
    return (channel, *optimum(channel, beta), beta)


def as_matrix(solve_with, size):
    return np.column_stack([solve_with(unit) for unit in np.eye(size)])


def test_with_every_point_a_group_it_is_the_hessian(state, monkeypatch):
    channel, mixture, there, beta = state
    monkeypatch.setattr(preconditioner, "row_groups", lambda channel, n_t: np.arange(channel.n_x))
    p = Preconditioner(channel, mixture, there, beta).damped(DAMPING)
    hessian = module.MatrixCurvature(channel, mixture, there, beta)
    vector = np.random.default_rng(0).normal(size=len(hessian.matrix))
    there_and_back = p.solve(hessian.apply(vector) + DAMPING * vector)
    # In single precision, of a matrix whose smallest eigenvalues are some 1e-4 of the largest.
    np.testing.assert_allclose(there_and_back, vector, atol=2e-3)


def test_merging_points_never_adds_curvature(state):
    channel, mixture, there, beta = state
    hessian = module.MatrixCurvature(channel, mixture, there, beta).matrix
    size = len(hessian)
    p = Preconditioner(channel, mixture, there, beta).damped(DAMPING)
    inverse = as_matrix(p.solve, size)
    np.testing.assert_allclose(inverse, inverse.T, atol=1e-7 * np.abs(inverse).max())
    root = np.linalg.cholesky(0.5 * (inverse + inverse.T))
    ratios = np.linalg.eigvalsh(root.T @ (hessian + DAMPING * np.eye(size)) @ root)
    assert ratios.min() > 1 - 1e-4
    # Most directions are those of single atoms, where it is exact.
    assert np.quantile(ratios, 0.9) < 1.1


def test_it_saves_most_products_where_classes_hardly_overlap(state, monkeypatch):
    channel, mixture, there, beta = state
    monkeypatch.setattr(module, "_MOST_BESIDE_SPARSE", 0)
    assert channel.prepared.sparse_rows is None
    hessian = module.ImplicitCurvature(channel, mixture, there, beta)
    counted = []
    apply = hessian.apply
    monkeypatch.setattr(hessian, "apply", lambda vector: (counted.append(1), apply(vector))[1])
    wanted = np.random.default_rng(1).normal(size=mixture.log_r.size + mixture.n_t)
    right = apply(wanted) + 1e-6 * wanted
    found = hessian.solve(right, 1e-6)
    error = found - wanted
    energy = np.sqrt(error @ apply(error) / (wanted @ apply(wanted)))
    assert energy < 1e-3
    assert len(counted) <= 15
    assert plain_products(apply, right, 1e-6, wanted) >= 5 * len(counted)


def plain_products(apply, right, damping, wanted):
    """Products that conjugate gradients without a preconditioner take to the same energy."""
    solution, residual = np.zeros_like(right), right.copy()
    direction, length = residual.copy(), residual @ residual
    whole = wanted @ apply(wanted)
    for n_products in range(1, 500):
        image = apply(direction) + damping * direction
        step = length / (direction @ image)
        solution, residual = solution + step * direction, residual - step * image
        error = solution - wanted
        if error @ apply(error) <= 1e-6 * whole:
            return n_products
        before, length = length, residual @ residual
        direction = residual + length / before * direction
    return 500


def test_it_stays_positive_where_the_hessian_is_not():
    channel = collapsed(8, 5)
    # Undecided atoms, far beyond their stability.
    decoders = 0.9 * channel.p_y + 0.1 * np.random.default_rng(2).dirichlet(np.ones(8), 3)
    mixture = Mixture.from_probabilities(np.full(3, 1 / 3), decoders)
    there = evaluate(channel, mixture, 40.0)
    assert np.linalg.eigvalsh(module.MatrixCurvature(channel, mixture, there, 40.0).matrix)[0] < 0
    p = Preconditioner(channel, mixture, there, 40.0).damped(DAMPING)
    inverse = as_matrix(p.solve, 27)
    assert np.linalg.eigvalsh(0.5 * (inverse + inverse.T)).min() > 0


def test_groups_grow_with_the_atoms_and_are_found_once(state):
    channel = state[0]
    few, many = row_groups(channel, 5), row_groups(channel, 100)
    assert few.max() + 1 == 30
    assert many.max() + 1 == 120
    assert row_groups(channel, 20) is few


def moved(mixture, by):
    """Every logit moved by about `by`, as a step along the curve does."""
    steps = np.random.default_rng(6).normal(size=mixture.log_r.shape)
    log_r = mixture.log_r + by * steps
    return Mixture(log_r - np.log(np.exp(log_r).sum(axis=1, keepdims=True)), mixture.log_q)


def products_with(preconditioner, channel, mixture, there, beta):
    """Products that conjugate gradients take with it for the Hessian of a state."""
    hessian = module.ImplicitCurvature(channel, mixture, there, beta)
    counted, apply = [], hessian.apply
    hessian.apply = lambda vector: (counted.append(1), apply(vector))[1]
    right = np.random.default_rng(1).normal(size=mixture.log_r.size + mixture.n_t)
    assert hessian._iterate(right, 1e-6, preconditioner.damped(1e-6), module._MOST_PRODUCTS)[1]
    return len(counted)


def test_a_state_a_step_away_borrows_what_is_within_atoms_only(state):
    channel, mixture, there, beta = state
    known = Preconditioner(channel, mixture, there, beta)
    ahead = 1 + 1.01 * (beta - 1)
    ended = refine(channel, mixture, ahead)
    elsewhere = (channel, ended.mixture, ended.evaluation, ahead)
    found = Preconditioner.near(known, *elsewhere)
    assert found is not known
    assert found.within is known.within
    least = products_with(Preconditioner(*elsewhere), *elsewhere)
    assert products_with(found, *elsewhere) <= 1.5 * least
    assert products_with(known, *elsewhere) >= 3 * least


@pytest.fixture(scope="module")
def decided():
    channel = Channel.from_joint(overlapping_classes())
    beta = 2.5 * onset_beta_local(channel)
    return (channel, *optimum(channel, beta), beta)


def test_where_rows_know_their_atoms_it_is_the_diagonal_blocks(decided, monkeypatch):
    monkeypatch.setattr(preconditioner, "_DECIDED", 0.0)
    channel, mixture, there, beta = decided
    assert mixture.n_t > 1.2 * channel.n_classes
    hessian = module.MatrixCurvature(channel, mixture, there, beta).matrix
    size = 1 + channel.n_classes
    blocks = np.zeros_like(hessian)
    for start in range(0, len(hessian), size):
        here = slice(start, start + size)
        blocks[here, here] = hessian[here, here] + DAMPING * np.eye(size)
    p = Preconditioner(channel, mixture, there, beta).damped(DAMPING)
    vector = np.random.default_rng(0).normal(size=len(hessian))
    np.testing.assert_allclose(p.solve(blocks @ vector), vector, atol=1e-2)


def test_where_rows_know_their_atoms_groups_of_rows_would_take_more_products(decided, monkeypatch):
    found = products_with(Preconditioner(*decided), *decided)
    monkeypatch.setattr(preconditioner, "_AGREEMENT", 2.0)
    assert products_with(Preconditioner(*decided), *decided) >= 2 * found


def test_how_far_a_preconditioner_serves(state):
    channel, mixture, there, beta = state
    known = Preconditioner(channel, mixture, there, beta)
    for by, borrows in ((1e-3, True), (3.0, False)):
        at = moved(mixture, by * np.sqrt(beta - 1))
        found = Preconditioner.near(known, channel, at, evaluate(channel, at, beta), beta)
        assert (found is known) == borrows
        assert (found.within is known.within) == borrows
    fewer = mixture.take(np.arange(mixture.n_t - 1))
    found = Preconditioner.near(known, channel, fewer, evaluate(channel, fewer, beta), beta)
    assert found.within is not known.within
