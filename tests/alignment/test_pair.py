import numpy as np
import pytest
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
from ibcollapse.errors import InputError
from ibcollapse.features import FeatureWriter, open_features
from ibcollapse.features.pairing import pair_sources
from ibcollapse.geometry import simplex_vertices
from ibcollapse.progress import SILENT
from ibcollapse.serialize import from_dict, to_dict


def labels_of(n, n_classes=2):
    return np.arange(n) % n_classes


def whole(a, b, **options):
    for name, value in {"n_permutations": 0, "n_bootstrap": 0, "held_out": 0.0}.items():
        options.setdefault(name, value)
    y = labels_of(len(a))
    return align((a, y), (b, y), **options).whole


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


def test_related_networks_stand_out_of_the_null():
    rng = np.random.default_rng(10)
    a = rng.normal(size=(100, 4))
    b = a @ rng.normal(size=(4, 4)) + 0.5 * rng.normal(size=(100, 4))
    y = labels_of(100)
    found = align((a, y), (b, y), n_bootstrap=0).whole
    for name, index in found.indices.items():
        assert index.p_value == pytest.approx(1 / 21), name
        assert abs(index.z) > 4, name
    assert found.shape_angle.z < 0


def collapsed_pair(n_classes, sigma_x, sigma_y, per_class):
    """Two networks with ETF means of norm 1 in rotated spaces and independent isotropic noise."""
    rng = np.random.default_rng(12)
    y = np.repeat(np.arange(n_classes), per_class)
    means = simplex_vertices(n_classes)
    turn = ortho_group.rvs(n_classes - 1, random_state=3)
    noise = rng.normal(size=(2, len(y), n_classes - 1))
    return (means[y] + sigma_x * noise[0], y), ((means @ turn)[y] + sigma_y * noise[1], y)


def test_population_betas_of_two_collapsed_networks():
    # information_bottleneck section 5: K = 10, sigma .3 and .5 -> nine equal 5.8825.
    a, b = collapsed_pair(10, 0.3, 0.5, 3000)
    found = align(a, b, n_permutations=0, n_bootstrap=50).bottleneck
    assert found.n_resolved == 9
    # A correlation of .41 has deviation (1 - rho^2)/sqrt(n) = .005 at 30 000 samples, its beta
    # .14; nine equal ones repel each other to about +-sqrt(9) times that and more at the ends.
    np.testing.assert_allclose(found.critical_betas, 5.8825, atol=0.8)
    assert 1 / np.mean(found.rho**2) == pytest.approx(5.8825, rel=0.02)
    assert np.all(found.beta_low < found.critical_betas)
    assert np.all(found.critical_betas < found.beta_high)
    width = (found.beta_high - found.beta_low) / found.critical_betas
    # 95 % of a normal: 2 * 1.96 * 2 (1 - rho^2) / (rho sqrt(n)).
    expected = 7.84 * (1 - found.rho**2) / found.rho / np.sqrt(30000)
    np.testing.assert_allclose(width, expected, rtol=0.4)
    assert (found.directions_a.shape, found.loadings_b.shape) == ((9, 9), (9, 9))


def test_identified_space_is_aligned_where_the_complement_is_not():
    rng = np.random.default_rng(13)
    y = np.repeat(np.arange(4), 60)
    means = simplex_vertices(4)
    signal = means[y] + 0.1 * rng.normal(size=(240, 3))
    noise = 0.3 * rng.normal(size=(2, 240, 5))
    a = np.column_stack([signal, noise[0]])
    b = np.column_stack([signal @ ortho_group.rvs(3, random_state=0), noise[1]])
    found = align((a, y), (b, y), n_bootstrap=0)
    assert (found.identified_rank_a, found.identified_rank_b) == (3, 3)
    assert found.identified.cca_mean_rho.value > 0.95
    assert found.complement.cca_mean_rho.value < 0.3
    assert found.complement.cca_mean_rho.p_value > 0.02
    assert np.isnan(found.identified.cka_debiased.value)


def test_the_span_of_the_classifiers_is_identified_up_to_a_linear_map(tmp_path):
    # logits W f = W' f' for f' = A' f and W' = W A^-T: the same functions span both spaces.
    rng = np.random.default_rng(20)
    y, x = labels_of(80, 3), rng.normal(size=(80, 5))
    weight, mapping = rng.normal(size=(3, 5)), rng.normal(size=(5, 5)) + 2 * np.eye(5)
    for name, features, rows in (
        ("a.h5", x, weight),
        ("b.h5", x @ mapping, np.linalg.solve(mapping, weight.T).T),
    ):
        with FeatureWriter(tmp_path / name) as writer:
            writer.append({"head": features}, y, epoch=0, split="train")
            writer.classifier(rows, layer="head", epoch=0)
    found = align(
        tmp_path / "a.h5", tmp_path / "b.h5", span="classifier", n_permutations=0, n_bootstrap=0
    )
    np.testing.assert_allclose(found.identified.rho, 1.0, rtol=1e-9)
    assert found.identified_rank_a == 2
    with pytest.raises(InputError, match="no classifier is stored with network 1"):
        align((x, y), (x, y), span="classifier", n_permutations=0, n_bootstrap=0)


def test_points_have_no_complement():
    y = np.repeat(np.arange(3), 20)
    x = np.eye(3)[y]
    found = align((x, y), (2 * x, y), n_permutations=0, n_bootstrap=0)
    assert found.complement is None
    assert found.identified.procrustes_cosine.value == pytest.approx(1.0, rel=1e-12)


def test_shuffled_files_are_paired_by_their_ids(tmp_path):
    rng = np.random.default_rng(14)
    x, y, order = rng.normal(size=(40, 3)), labels_of(40), rng.permutation(40)
    for name, rows in (("a.h5", np.arange(40)), ("b.h5", order)):
        with FeatureWriter(tmp_path / name) as writer:
            writer.append({"head": x[rows]}, y[rows], epoch=1, split="train", ids=rows)
    found = align(tmp_path / "a.h5", tmp_path / "b.h5", n_permutations=0, n_bootstrap=0)
    assert found.matched_by == "ids"
    assert found.whole.procrustes_cosine.value == pytest.approx(1.0, abs=1e-7)


def test_more_features_than_samples_are_refused_or_regularised():
    # peers_and_pitfalls: CCA of noise at N = 100 < d = 200 gives rho = 1.
    rng = np.random.default_rng(15)
    a, b = rng.normal(size=(100, 200)), rng.normal(size=(100, 200))
    with pytest.raises(InputError, match="200 features and 100 samples to fit"):
        whole(a, b)
    regular = whole(a, b, ridge=0.5, shrinkage=0.5)
    assert regular.cca_mean_rho.value < 1.0
    assert regular.null_floor == 1.0
    assert regular.n_above_floor == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ridge": -1.0}, "ridge"),
        ({"shrinkage": 2.0}, "shrinkage"),
        ({"alpha": -0.1}, "alpha"),
        ({"held_out": 1.0}, "held_out"),
        ({"held_out": 0.05}, "2 held out"),
        ({"n_permutations": 1}, "n_permutations"),
        ({"n_permutations": 2, "null_samples": 3}, "null_samples"),
        ({"confidence": 1.0}, "confidence"),
        ({"span": "means"}, "span"),
        ({"rank_tolerance": 0.0}, "rank_tolerance"),
        ({"n_bootstrap": -1}, "n_bootstrap"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    x = np.random.default_rng(16).normal(size=(40, 3))
    with pytest.raises(InputError, match=message):
        whole(x, x, **options)


def test_constant_networks_are_refused():
    x = np.random.default_rng(17).normal(size=(40, 3))
    with pytest.raises(InputError, match="coincide"):
        whole(x, np.full((40, 3), 0.1))


def test_alignment_round_trips():
    x = np.random.default_rng(18).normal(size=(40, 3))
    y = labels_of(40)
    found = align((x, y), (x + 1, y), n_permutations=2, n_bootstrap=4)
    again = from_dict(to_dict(found))
    assert again.whole.cka == found.whole.cka
    np.testing.assert_array_equal(again.bottleneck.beta_low, found.bottleneck.beta_low)
    assert again.matched_by == "order"
