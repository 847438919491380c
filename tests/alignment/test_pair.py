import numpy as np
import pytest
from alignment.pair_material import labels_of, whole
from array_source import ArraySource
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes, subspace_angles
from scipy.stats import ortho_group
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from ibcollapse.alignment import align
from ibcollapse.alignment.fits import debiased_cka, linear_cka
from ibcollapse.alignment.moments import stream_moments
from ibcollapse.features import open_features
from ibcollapse.features.pairing import pair_sources
from ibcollapse.progress import SILENT


def white(n, d, seed):
    """Rows with mean zero and covariance exactly the identity."""
    x = np.random.default_rng(seed).normal(size=(n, d))
    q, _ = np.linalg.qr(x - x.mean(axis=0))
    return q * np.sqrt(n)


def test_an_invertible_map_is_seen_by_cca_and_not_by_rotations():
    # theory, collapse_and_identifiability section 2: diag(10,1,1,1,1,.1) Q on white X.
    x = white(300, 6, 0)
    b = x @ np.diag([10, 1, 1, 1, 1, 0.1]) @ ortho_group.rvs(6, random_state=1)
    found = whole(x, b)
    assert found.cca_mean_rho.value == pytest.approx(1.0, abs=1e-8)
    np.testing.assert_allclose(found.rho, 1.0, atol=1e-8)
    assert found.r2_a_to_b.value == pytest.approx(1.0, abs=1e-8)
    # Closed forms: 14.1 / sqrt(6 * 104.01) and 104.01 / (sqrt(6) * sqrt(10004.0001)).
    assert found.procrustes_cosine.value == pytest.approx(0.5644, abs=5e-5)
    assert found.cka.value == pytest.approx(0.4245, abs=5e-5)


def test_cca_of_noise_is_p_over_n_minus_one():
    # E mean rho^2 = p/(n-1) = 0.2513 at n = 200, p = 50; deviation of one draw about .007.
    rng = np.random.default_rng(1)
    found = whole(rng.normal(size=(200, 50)), rng.normal(size=(200, 50)))
    assert found.cca_mean_rho_squared.value == pytest.approx(50 / 199, abs=0.03)
    assert found.n_above_floor <= 1


def test_debiased_cka_of_noise_is_zero_where_the_biased_one_is_not():
    # n = 100, p = 1000: biased .910 +- .015, debiased 0 +- .01; CKA is defined for d > n.
    rng = np.random.default_rng(2)
    sources = [open_features((rng.normal(size=(100, 1000)), labels_of(100))) for _ in range(2)]
    nobody = np.zeros(100, bool)
    moments = stream_moments(pair_sources(sources), nobody, nobody, SILENT).total.pair(0, 1)
    assert linear_cka(moments) == pytest.approx(0.910, abs=0.015)
    assert debiased_cka(moments) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("n_samples", [2, 3])
def test_debiased_cka_of_too_few_samples_is_not_a_number(n_samples):
    # peers_and_pitfalls: a last mini-batch of 2 or 3 divides by zero elsewhere.
    x = np.random.default_rng(2).normal(size=(n_samples, 2))
    nobody, sources = np.zeros(n_samples, bool), [ArraySource(x, np.zeros(n_samples, int))] * 2
    moments = stream_moments(pair_sources(sources), nobody, nobody, SILENT).total.pair(0, 1)
    assert np.isnan(debiased_cka(moments))
    assert linear_cka(moments) == pytest.approx(1.0, rel=1e-12)


def naive_debiased_cka(a, b):
    def hsic(k, m):
        n = len(k)
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        one = np.ones(n)
        total = np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        return (total - 2 * (one @ k @ m @ one) / (n - 2)) / (n * (n - 3))

    k, m = a @ a.T, b @ b.T
    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


def test_agrees_with_dense_references():
    rng = np.random.default_rng(3)
    a = rng.normal(size=(80, 4)) @ rng.normal(size=(4, 4)) + 3
    b = a @ rng.normal(size=(4, 4)) + rng.normal(size=(80, 4)) - 5
    found = whole(a, b)
    ac, bc = a - a.mean(axis=0), b - b.mean(axis=0)
    assert found.cka_debiased.value == pytest.approx(naive_debiased_cka(a, b), rel=1e-10)
    k, m = ac @ ac.T, bc @ bc.T
    assert found.cka.value == pytest.approx(
        np.sum(k * m) / np.linalg.norm(k) / np.linalg.norm(m), rel=1e-10
    )
    rotation, nuclear = orthogonal_procrustes(ac, bc)
    cosine = nuclear / np.linalg.norm(ac) / np.linalg.norm(bc)
    assert found.procrustes_cosine.value == pytest.approx(cosine, rel=1e-10)
    assert found.shape_angle.value == pytest.approx(np.arccos(cosine), rel=1e-9)
    unscaled = 1 - np.sum((bc - ac @ rotation) ** 2) / np.sum(bc**2)
    assert found.procrustes_r2_unscaled.value == pytest.approx(unscaled, rel=1e-9)
    # Canonical correlations are cosines of the principal angles between the column spaces.
    np.testing.assert_allclose(found.rho, np.sort(np.cos(subspace_angles(ac, bc)))[::-1], rtol=1e-9)
    predicted = LinearRegression().fit(a, b).predict(a)
    expected = r2_score(b, predicted, multioutput="variance_weighted")
    assert found.r2_a_to_b.value == pytest.approx(expected, rel=1e-10)


def test_full_partial_whitening_is_the_angle_of_the_canonical_correlations():
    rng = np.random.default_rng(4)
    a = rng.normal(size=(60, 3))
    b = a @ rng.normal(size=(3, 3)) + rng.normal(size=(60, 3))
    found = whole(a, b, alpha=0.0)
    assert found.shape_angle.value == pytest.approx(np.arccos(found.rho.mean()), rel=1e-9)
    between = whole(a, b, alpha=0.5).shape_angle.value
    assert min(found.shape_angle.value, whole(a, b).shape_angle.value) * 0.5 < between


def test_held_out_values_are_those_of_a_split():
    rng = np.random.default_rng(5)
    a = rng.normal(size=(100, 5))
    b = a @ rng.normal(size=(5, 5)) + rng.normal(size=(100, 5))
    y = labels_of(100)
    found = align((a, y), (b, y), held_out=0.3, n_permutations=0, n_bootstrap=0, seed=11)
    assert found.n_held_out == 30
    tested = np.zeros(100, bool)
    tested[np.random.default_rng(11).permutation(100)[:30]] = True
    model = LinearRegression().fit(a[~tested], b[~tested])
    expected = r2_score(b[tested], model.predict(a[tested]), multioutput="variance_weighted")
    assert found.whole.r2_a_to_b.held_out == pytest.approx(expected, rel=1e-10)
    centred = a[~tested] - a[~tested].mean(axis=0), b[~tested] - b[~tested].mean(axis=0)
    rotation, _ = orthogonal_procrustes(*centred)
    test = a[tested] - a[tested].mean(axis=0), b[tested] - b[tested].mean(axis=0)
    cosine = (
        np.sum((test[0] @ rotation) * test[1]) / np.linalg.norm(test[0]) / np.linalg.norm(test[1])
    )
    assert found.whole.procrustes_cosine.held_out == pytest.approx(cosine, rel=1e-10)
    assert len(found.whole.held_out_rho) == 5


def test_overfitting_shows_in_the_held_out_value():
    rng = np.random.default_rng(6)
    y = labels_of(120)
    found = align(
        (rng.normal(size=(120, 40)), y), (rng.normal(size=(120, 40)), y), n_permutations=0
    ).whole
    assert found.cca_mean_rho.value > 0.4
    assert abs(found.cca_mean_rho.held_out) < 0.15
    assert found.r2_a_to_b.held_out < 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_invariances(seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(50, 4))
    b = a[:, :3] + rng.normal(size=(50, 3))
    before = whole(a, b)
    mapped = whole(a @ (rng.normal(size=(4, 4)) + 3 * np.eye(4)) + 7, b)
    np.testing.assert_allclose(mapped.rho, before.rho, rtol=1e-6)
    assert mapped.r2_a_to_b.value == pytest.approx(before.r2_a_to_b.value, rel=1e-6)
    turned = whole(1e3 * a @ ortho_group.rvs(4, random_state=seed), b - 2)
    for name in ("procrustes_cosine", "cka", "cka_debiased", "shape_angle", "cca_mean_rho"):
        expected = getattr(before, name).value
        assert getattr(turned, name).value == pytest.approx(expected, rel=1e-8), name
    swapped = whole(b, a)
    assert swapped.r2_b_to_a.value == pytest.approx(before.r2_a_to_b.value, rel=1e-9)
    assert swapped.pwcca_a.value == pytest.approx(before.pwcca_b.value, rel=1e-9)


def test_cca_does_not_depend_on_units():
    # peers_and_pitfalls: absolute clips change CCA at units of 1e-5 and 1e-7.
    rng = np.random.default_rng(7)
    a = rng.normal(size=(60, 3))
    b = a @ rng.normal(size=(3, 3)) + rng.normal(size=(60, 3))
    small = whole(a * np.array([1e-5, 1.0, 1e-7]), 1e-7 * b)
    np.testing.assert_allclose(small.rho, whole(a, b).rho, rtol=1e-9)


def test_distance_to_itself_is_zero_in_float32():
    # peers_and_pitfalls: a float32 norm gives -.0055; arccos of 1 - 1e-16 is 1.5e-8.
    x = (np.random.default_rng(21).normal(size=(5000, 16)) + 5).astype(np.float32)
    found = whole(x, x)
    assert 0 <= found.shape_angle.value < 1e-7
    assert found.procrustes_r2_unscaled.value == pytest.approx(1.0, abs=1e-12)


def test_redundant_and_constant_features_change_nothing():
    rng = np.random.default_rng(8)
    a = rng.normal(size=(60, 3))
    b = a @ rng.normal(size=(3, 3)) + rng.normal(size=(60, 3))
    wider = np.column_stack([a, a[:, 0] - a[:, 1], a[:, 2], np.full(60, 0.3)])
    found = whole(wider, b)
    assert found.rank_a == 3
    np.testing.assert_allclose(found.rho, whole(a, b).rho, rtol=1e-9)


def test_noise_at_its_null_floor():
    # peers_and_pitfalls: N = 2000, d = 512 has rho_max = 2 sqrt(c(1-c)) = .873 by chance; here
    # the same c = .256 at N = 250, d = 64 (edge fluctuations of about N^(-2/3)).
    rng = np.random.default_rng(9)
    y = labels_of(250)
    found = align(
        (rng.normal(size=(250, 64)), y), (rng.normal(size=(250, 64)), y), held_out=0, n_bootstrap=0
    )
    assert np.sqrt(found.whole.null_floor) == pytest.approx(0.8729, abs=1e-4)
    assert found.whole.rho[0] == pytest.approx(0.873, abs=0.05)
    assert found.whole.cca_mean_rho.p_value > 0.05
    assert abs(found.whole.cka_debiased.z) < 4
    assert found.bottleneck.n_resolved <= 1
