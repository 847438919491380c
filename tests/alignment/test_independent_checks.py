"""Claims of the alignment's figures against code and arguments that share nothing with it."""

import itertools

import numpy as np
import pytest
from alignment.pair_material import labels_of, whole
from array_source import ArraySource
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import chisquare

from ibcollapse.alignment import align
from ibcollapse.alignment.fits import debiased_cka
from ibcollapse.alignment.moments import stream_moments
from ibcollapse.features.pairing import pair_sources
from ibcollapse.progress import SILENT


def test_p_values_are_uniform_when_networks_are_independent():
    # With 4 permutations a valid p is 1/5, ..., 5/5 with equal chances, whatever the data look
    # like: heavy tails and unequal scales here.
    rng, y = np.random.default_rng(0), labels_of(30)
    ranks = {"cca_mean_rho": [], "procrustes_cosine": [], "cka_debiased": [], "shape_angle": []}
    for seed in range(150):
        a, b = rng.standard_t(3, size=(30, 3)) * [1, 5, 0.1], rng.exponential(size=(30, 2))
        found = align((a, y), (b, y), held_out=0, n_bootstrap=0, n_permutations=4, seed=seed)
        for name, values in ranks.items():
            values.append(round(5 * found.whole.indices[name].p_value))
    for name, values in ranks.items():
        counts = np.bincount(values, minlength=6)[1:]
        assert chisquare(counts).pvalue > 1e-3, (name, counts)


def test_debiased_cka_is_zero_on_average_over_all_orders_of_the_samples():
    # Unbiased HSIC is a U-statistic: over the 120 orders of five rows its mean is 0 exactly, and
    # the denominators do not depend on the order.
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    b[:, 0] += 2 * a[:, 0]
    values = [cka_of(a, b[list(order)]) for order in itertools.permutations(range(5))]
    assert np.std(values) > 0.1
    assert np.mean(values) == pytest.approx(0.0, abs=1e-12)


def cka_of(a, b):
    nobody, y = np.zeros(len(a), bool), np.zeros(len(a), int)
    paired = pair_sources([ArraySource(a, y), ArraySource(b, y)])
    return debiased_cka(stream_moments(paired, nobody, nobody, SILENT).total.pair(0, 1))


def test_projection_weighted_cca_from_orthonormal_bases():
    # Morcos et al. 2018, eq. 2: weights Σ_j |⟨h_i, a_j⟩| of the canonical variates h_i, here from
    # QR factors; the package never sees the samples.
    rng = np.random.default_rng(2)
    a = rng.normal(size=(70, 5)) * [9, 3, 1, 1, 0.2]
    b = a @ rng.normal(size=(5, 3)) + 4 * rng.normal(size=(70, 3))
    ac, bc = a - a.mean(axis=0), b - b.mean(axis=0)
    left, rho, right = np.linalg.svd(np.linalg.qr(ac)[0].T @ np.linalg.qr(bc)[0])
    found = whole(a, b)
    for features, turn, ours in ((ac, left, found.pwcca_a), (bc, right.T, found.pwcca_b)):
        variates = np.linalg.qr(features)[0] @ turn[:, :3]
        weights = np.abs(variates.T @ features).sum(axis=1)
        assert ours.value == pytest.approx(weights @ rho / weights.sum(), rel=1e-10)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), alpha=st.sampled_from([0.0, 0.4, 1.0]))
def test_the_angular_shape_distance_is_a_metric(seed, alpha):
    # Williams et al. 2021; also among networks of different widths, for which the narrower one is
    # padded with zeros.
    rng = np.random.default_rng(seed)
    widths = rng.integers(2, 5, size=3)
    x = rng.normal(size=(25, 4))
    networks = [x[:, :w] @ rng.normal(size=(w, w)) + rng.normal(size=(25, w)) for w in widths]
    angle = np.zeros((3, 3))
    for i, j in itertools.product(range(3), repeat=2):
        angle[i, j] = whole(networks[i], networks[j], alpha=alpha).shape_angle.value
    # arccos turns rounding of 1 into 1e-8.
    np.testing.assert_allclose(angle, angle.T, atol=1e-7)
    np.testing.assert_allclose(np.diag(angle), 0.0, atol=1e-7)
    for i, j, k in itertools.permutations(range(3)):
        assert angle[i, j] <= angle[i, k] + angle[k, j] + 1e-7


def lagrangian(entries, beta, s_x, s_x_given_y):
    """I(X;T) − beta I(T;Y) in nats of T = A X + noise, for A of the given entries."""
    a = entries.reshape(-1, len(s_x))
    unit = np.eye(len(a))
    total = 0.5 * np.linalg.slogdet(a @ s_x @ a.T + unit)[1]
    left = 0.5 * np.linalg.slogdet(a @ s_x_given_y @ a.T + unit)[1]
    return total - beta * (total - left)


def test_critical_betas_are_where_brute_force_leaves_the_trivial_solution():
    rng, y = np.random.default_rng(3), labels_of(400)
    a = rng.normal(size=(400, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]])
    b = a @ np.array([[1.0, 0.3], [0.2, -1.0]]) + rng.normal(size=(400, 2)) * [0.7, 1.2]
    found = align((a, y), (b, y), held_out=0, n_permutations=0, n_bootstrap=0).bottleneck
    s = np.cov(np.column_stack([a, b]).T, bias=True)
    s_x, conditional = s[:2, :2], s[:2, :2] - s[:2, 2:] @ np.linalg.solve(s[2:, 2:], s[2:, :2])

    def best(beta, rows):
        starts = rng.normal(size=(6, rows * 2))
        arguments = (beta, s_x, conditional)
        return min(
            (minimize(lagrangian, x, arguments, tol=1e-13) for x in starts), key=lambda r: r.fun
        )

    first, second = found.critical_betas[:2]
    assert best(0.98 * first, 1).fun == pytest.approx(0.0, abs=1e-9)
    above = best(1.02 * first, 1)
    assert above.fun < -1e-6
    # One row at most helps until the second mode opens, two from there on.
    assert best(0.98 * second, 2).fun == pytest.approx(best(0.98 * second, 1).fun, abs=1e-8)
    assert best(1.02 * second, 2).fun < best(1.02 * second, 1).fun - 1e-6
    # What is opened first is the direction that is reported first.
    u = found.directions_a[:, 0]
    cosine = np.abs(above.x @ u) / np.linalg.norm(above.x) / np.linalg.norm(u)
    assert cosine == pytest.approx(1.0, abs=1e-5)
