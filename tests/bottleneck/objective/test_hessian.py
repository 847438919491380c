"""The Hessian against finite differences of the gradient, and its two forms against each other."""

import dataclasses

import numpy as np
import pytest

from ibcollapse.bottleneck.channel import prepared
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective import hessian as module
from ibcollapse.bottleneck.objective import hessian_matrix
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.solver.column_generation import solve
from ibcollapse.bottleneck.solver.newton import descend


def state(n_t: int = 4, n_classes: int = 5, n_x: int = 30):
    rng = np.random.default_rng(1)
    channel = Channel.from_joint(rng.dirichlet(np.full(n_x * n_classes, 0.5)).reshape(n_x, -1))
    mixture = Mixture.from_probabilities(
        rng.dirichlet(np.ones(n_t)), rng.dirichlet(np.ones(n_classes), n_t)
    )
    return channel, mixture


def test_products_equal_the_matrix():
    channel, mixture = state()
    there = evaluate(channel, mixture, 2.5)
    matrix = module.MatrixCurvature(channel, mixture, there, 2.5)
    products = module.ImplicitCurvature(channel, mixture, there, 2.5)
    vectors = np.random.default_rng(0).normal(size=(5, 24))
    for vector in vectors:
        np.testing.assert_allclose(products.apply(vector), matrix.apply(vector), atol=1e-12)


@pytest.mark.parametrize("n_t", [3, 7])
def test_both_sums_of_the_matrix_agree(n_t):
    channel, mixture = state(n_t=n_t, n_x=300)
    there = evaluate(channel, mixture, 2.5)
    by_features = hessian_matrix._sums_of_features(channel, mixture, there, 2.5)
    by_pairs = hessian_matrix._sums_of_pairs(channel, mixture, there, 2.5)
    np.testing.assert_allclose(by_pairs.reshape(by_features.shape), by_features, atol=1e-12)
    np.testing.assert_allclose(by_features, by_features.T, atol=1e-14)


def test_products_over_sparse_rows_leave_out_next_to_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    logits = rng.normal(scale=14.0, size=(200, 40))
    channel = Channel.from_joint(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) / 200)
    mixture = Mixture.from_probabilities(
        rng.dirichlet(np.ones(6)), rng.dirichlet(np.full(40, 0.3), 6)
    )
    there = evaluate(channel, mixture, 1.2)
    sparse = module.ImplicitCurvature(channel, mixture, there, 1.2)
    whole = module.MatrixCurvature(channel, mixture, there, 1.2)
    assert np.count_nonzero(channel.p_y_given_x > 1e-6) < 0.25 * 200 * 40
    for vector in rng.normal(size=(5, 6 * 41)):
        there, exact = sparse.apply(vector), whole.apply(vector)
        # The bound of the text is the square root of 1e-6; the entries left out are mostly smaller.
        assert 0 < np.linalg.norm(there - exact) < 1e-4 * np.linalg.norm(exact)
    asked = module.curvature(channel, mixture, evaluate(channel, mixture, 1.2), 1.2, exact=True)
    assert asked.is_exact
    assert not sparse.is_exact
    np.testing.assert_allclose(asked.apply(vector), exact, atol=1e-11)
    monkeypatch.setattr(prepared, "_NEGLIGIBLE", 0.0)
    monkeypatch.setattr(prepared, "_SPARSE", 1.0)
    # A copy has nothing prepared yet.
    channel = dataclasses.replace(channel)
    all_entries = module.ImplicitCurvature(channel, mixture, evaluate(channel, mixture, 1.2), 1.2)
    np.testing.assert_allclose(all_entries.apply(vector), exact, atol=1e-11)


def test_the_weights_block_is_the_second_derivative_of_the_free_energy():
    channel, mixture = state()
    q, beta, h = mixture.q, 2.5, 1e-4
    matrix = module.MatrixCurvature(channel, mixture, evaluate(channel, mixture, beta), beta).matrix

    def total(weights):
        moved = Mixture(mixture.log_r, np.log(weights))
        return evaluate(channel, moved, beta).free_energy + weights.sum()

    size = 1 + channel.n_classes
    for t in range(2):
        step = h * np.eye(len(q))[t]
        second = (total(q + step) - 2 * total(q) + total(q - step)) / h**2
        # Central differences: error h² times a fourth derivative, rounding 1e-16 / h² = 1e-8.
        assert second == pytest.approx(matrix[t * size, t * size] / q[t], rel=1e-4)


def test_an_indefinite_hessian_is_refused_by_both_forms():
    channel, mixture = state()
    there = evaluate(channel, mixture, 60.0)
    matrix = module.MatrixCurvature(channel, mixture, there, 60.0)
    values, vectors = np.linalg.eigh(matrix.matrix)
    assert values[0] < 0
    assert matrix.solve(vectors[:, 0], 0.0) is None
    assert module.ImplicitCurvature(channel, mixture, there, 60.0).solve(vectors[:, 0], 0.0) is None


def test_a_descent_by_products_ends_where_the_matrix_does(monkeypatch):
    channel, _ = state()
    solution = solve(channel, 3.0)
    start = Mixture.from_probabilities(
        solution.p_t, 0.98 * solution.p_y_given_t + 0.02 / channel.n_classes
    )
    by_matrix = descend(channel, start, 3.0)
    monkeypatch.setattr(module, "_MOST_VARIABLES", 0)
    by_products = descend(channel, start, 3.0)
    assert by_products.residual < 1e-18
    assert by_products.evaluation.free_energy == pytest.approx(
        by_matrix.evaluation.free_energy, abs=1e-13
    )
    assert solution.lagrangian == pytest.approx(by_products.evaluation.free_energy, abs=1e-12)


@pytest.mark.parametrize(("factor", "most"), [(1.001, 50), (1.0001, 80)])
def test_no_critical_slowing_down_on_the_binary_symmetric_channel(factor, most):
    channel = Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])
    beta = factor * 1.5625
    solution = solve(channel, beta)
    # Stationarity of Mrs Gerber's curve: beta = log((1−q)/q) / [0.8 log((1−s)/s)], s = 0.1 + 0.8 q.
    q = solution.p_y_given_t.min(axis=1)[0]
    q = (q - 0.1) / 0.8
    s = 0.1 + 0.8 * q
    closed = np.log((1 - q) / q) / (0.8 * np.log((1 - s) / s))
    # d beta/dq vanishes at the onset, so that beta pins q to about 1e-8 here.
    assert closed == pytest.approx(beta, abs=1e-10)
    assert solution.gap <= 1e-9
    assert solution.n_iterations <= most
