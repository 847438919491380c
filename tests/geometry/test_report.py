import numpy as np
import pytest
from array_source import ArraySource
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from ibcollapse.bottleneck.gaussian_ib.gaussian_ib import GaussianIB
from ibcollapse.errors import InputError
from ibcollapse.features.source import Classifier
from ibcollapse.geometry import collapse_geometry, simplex_vertices
from ibcollapse.serialize import from_dict, to_dict


def symmetric_noise(rng, means, per_class, sigma):
    """Samples whose class means are `means` exactly: every deviation appears with both signs."""
    half = sigma * rng.normal(size=(len(means), per_class // 2, means.shape[1]))
    samples = means[:, None, :] + np.concatenate([half, -half], axis=1)
    return samples.reshape(-1, means.shape[1]), np.repeat(np.arange(len(means)), per_class)


def naive(x, y, weighting="class"):
    """NC1 with a d x d pseudo-inverse, trace ratio and CDNV, from their definitions."""
    codes, counts = np.unique(y, return_counts=True)
    means = np.stack([x[y == c].mean(axis=0) for c in codes])
    covariances = [np.atleast_2d(np.cov(x[y == c].T, bias=True)) for c in codes]
    by_class, by_sample = np.full(len(codes), 1 / len(codes)), counts / counts.sum()
    w_within = by_class if weighting == "class" else by_sample
    w_between = by_sample if weighting == "sample" else by_class
    centred = means - w_within @ means
    between = sum(w * np.outer(m, m) for w, m in zip(w_between, centred, strict=True))
    within = sum(w * c for w, c in zip(w_within, covariances, strict=True))
    pairs = [(i, j) for i in range(len(codes)) for j in range(i)]
    cdnv = np.mean(
        [
            np.trace(covariances[i] + covariances[j]) / (2 * np.sum((means[i] - means[j]) ** 2))
            for i, j in pairs
        ]
    )
    nc1 = np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / len(codes)
    return nc1, np.trace(within) / np.trace(between), cdnv


def test_population_values_of_a_shifted_simplex():
    # theory, collapse_and_identifiability section 1; float32 with an offset of 5.
    rng = np.random.default_rng(0)
    means = simplex_vertices(10) @ ortho_group.rvs(64, random_state=1)[:9]
    y = np.repeat(np.arange(10), 2000)
    x = (means[y] + 0.1 * rng.normal(size=(20000, 64)) + 5.0).astype(np.float32)
    report = collapse_geometry((x, y))
    assert report.nc1 == pytest.approx(0.081, rel=0.01)
    assert report.nc1_trace_ratio == pytest.approx(0.64, rel=0.01)
    assert report.cdnv == pytest.approx(0.288, rel=0.01)
    gram = report.gram / np.diag(report.gram).mean()
    assert gram[np.triu_indices(10, 1)].mean() == pytest.approx(-1 / 9, rel=0.01)
    assert report.rank_between == 9
    assert report.etf_distance < 0.02
    assert report.simplex_fit.radius == pytest.approx(1.0, rel=0.01)


# Simplex values of 1 - arccos(-1/(K-1))/pi: theory section 1.
@pytest.mark.parametrize(("n_classes", "similarity"), [(10, 0.4645591), (100, 0.4967847)])
def test_exact_collapse(n_classes, similarity):
    x = np.repeat(simplex_vertices(n_classes), 2, axis=0)
    y = np.repeat(np.arange(n_classes), 2)
    report = collapse_geometry((x, y))
    assert report.nc1 == pytest.approx(0.0, abs=1e-25)
    assert report.mean_similarity == pytest.approx(similarity, abs=5e-8)
    # arccos near 1 turns rounding of 1e-16 into 1e-8.
    assert report.own_mean_similarity == pytest.approx(1.0, abs=1e-7)
    assert report.uniformity == pytest.approx(
        -0.5 * np.log(2 * n_classes / (n_classes - 1)), rel=1e-9
    )
    assert report.equinorm_cv == pytest.approx(0.0, abs=1e-12)
    assert report.equiangular_deviation == pytest.approx(0.0, abs=1e-12)
    assert report.etf_distance == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("weighting", ["class", "sample", "mixed"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_agrees_with_the_definitions(weighting, dtype):
    rng = np.random.default_rng(2)
    y = np.repeat(np.arange(4), [40, 5, 20, 11])
    x = (rng.normal(size=(4, 7))[y] + rng.normal(size=(len(y), 7))).astype(dtype)
    report = collapse_geometry((x, y), weighting=weighting)
    nc1, ratio, cdnv = naive(x.astype(np.float64), y, weighting)
    rtol = 1e-11 if dtype == np.float64 else 1e-5
    assert report.nc1 == pytest.approx(nc1, rel=rtol)
    assert report.nc1_trace_ratio == pytest.approx(ratio, rel=rtol)
    assert report.cdnv == pytest.approx(cdnv, rel=rtol)


# peers_and_pitfalls, row 1: .00305 where the weights of the two covariances are mixed, which is
# .01/1.64/2 about the global mean −.8.
@pytest.mark.parametrize(
    ("weighting", "nc1"),
    [("class", 0.005), ("sample", 0.01 / 0.36 / 2), ("mixed", 0.01 / 1.64 / 2)],
)
def test_weighting_of_unbalanced_classes(weighting, nc1):
    y = np.repeat([0, 1], [900, 100])
    sign = np.where(np.arange(1000) % 2 == 0, 1.0, -1.0)
    x = (np.where(y == 0, -1.0, 1.0) + 0.1 * sign)[:, None]
    report = collapse_geometry((x, y), weighting=weighting)
    assert report.nc1 == pytest.approx(nc1, rel=1e-12)


@pytest.mark.parametrize("weighting", ["class", "sample", "mixed"])
@pytest.mark.parametrize("n_classes", [3, 6, 7, 10, 49])
def test_shares_that_are_all_or_nothing_are_exactly_one_or_zero(weighting, n_classes):
    # Forty-nine weights of 1/49, or seven of n_c/n, sum to more or less than one by rounding.
    y = np.repeat(np.arange(n_classes), 2 + np.arange(n_classes) % 5)
    vertices = simplex_vertices(n_classes)
    right, wrong = (Classifier(np.roll(vertices, k, axis=0), None) for k in (0, 1))
    found = collapse_geometry((vertices[y], y), weighting=weighting, classifier=right)
    assert found.nearest_mean_accuracy == found.classifier_accuracy == 1.0
    assert found.nc4_disagreement == 0.0
    found = collapse_geometry((vertices[y], y), weighting=weighting, classifier=wrong)
    assert found.classifier_accuracy == 0.0
    assert found.nc4_disagreement == 1.0


def test_mixed_weights_are_those_of_sample_for_what_averages_samples():
    rng = np.random.default_rng(5)
    y = np.repeat(np.arange(3), [50, 10, 20])
    x = np.eye(3, 6)[y] + rng.normal(size=(80, 6))
    mixed, sample = (collapse_geometry((x, y), weighting=w) for w in ("mixed", "sample"))
    np.testing.assert_array_equal(mixed.gram, sample.gram)
    assert mixed.nearest_mean_accuracy == sample.nearest_mean_accuracy
    assert mixed.own_mean_similarity == sample.own_mean_similarity
    assert mixed.rank_between == 2
    assert mixed.weighting == "mixed"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_equal_means_lower_the_rank_and_nothing_else(dtype):
    # Row 2: with two of four means equal, inverting K - 1 eigenvalues gives about 1e6.
    means = np.zeros((4, 6))
    means[0, 0], means[1, 1] = 1.0, 1.0
    means[2:, 2] = 1.0
    x, y = symmetric_noise(np.random.default_rng(3), means, 50, 0.05)
    report = collapse_geometry((x.astype(dtype), y))
    assert report.rank_between == 2
    nc1, _, _ = naive(x, y)
    assert report.nc1 == pytest.approx(nc1, rel=1e-5)
    assert report.nc1 < 0.05


def test_more_classes_than_features():
    # Row 3: K - 1 > d.
    rng = np.random.default_rng(4)
    y = np.repeat(np.arange(8), 10)
    x = rng.normal(size=(8, 3))[y] + 0.1 * rng.normal(size=(80, 3))
    report = collapse_geometry((x, y))
    assert report.rank_between == 3
    assert report.nc1 == pytest.approx(naive(x, y)[0], rel=1e-11)
    assert np.isfinite(report.simplex_fit.residual)


def test_a_large_offset_costs_only_float32_rounding():
    # Rows 4 and 5: one-pass moments are 400 times too large or negative here.
    rng = np.random.default_rng(5)
    means = simplex_vertices(5) @ ortho_group.rvs(8, random_state=0)[:4]
    x, y = symmetric_noise(rng, means, 400, 0.1)
    plain = collapse_geometry((x, y))
    shifted = collapse_geometry(((x + 1e4).astype(np.float32), y))
    # Rounding at 1e4 is uniform with deviation 2^-10 / sqrt(12) = 2.8e-4 per feature.
    assert shifted.nc1 == pytest.approx(plain.nc1, rel=1e-3)
    assert shifted.cdnv == pytest.approx(plain.cdnv, rel=1e-3)
    narrow = (100 + 0.01 * rng.normal(size=(4000, 1))).astype(np.float32)
    variance = collapse_geometry((np.r_[narrow, -narrow], np.repeat([0, 1], 4000))).class_variance
    np.testing.assert_allclose(variance, 1e-4, rtol=0.05)


@pytest.mark.parametrize("unit", [1e-30, 1e20, 1e35])
def test_squares_outside_the_range_of_float32_cost_nothing(unit):
    rng = np.random.default_rng(5)
    y = np.arange(60) % 3
    x = 2 * np.eye(3, 5)[y] + rng.normal(size=(60, 5))
    plain, scaled = (collapse_geometry(((u * x).astype(np.float32), y)) for u in (1, unit))
    assert scaled.cdnv == pytest.approx(plain.cdnv, rel=1e-5)
    np.testing.assert_allclose(scaled.class_variance / unit**2, plain.class_variance, rtol=1e-5)


def test_a_bias_that_always_wins_breaks_agreement():
    # Row 6: ignoring the bias gives agreement 1.
    x = np.array([[-1.0], [-1.1], [1.0], [1.1]])
    y = np.array([0, 0, 1, 1])
    weight = np.array([[-1.0], [1.0]])
    fair = collapse_geometry((x, y), classifier=Classifier(weight, None))
    assert (fair.nc4_disagreement, fair.classifier_accuracy) == (0.0, 1.0)
    biased = collapse_geometry((x, y), classifier=Classifier(weight, np.array([0.0, 100.0])))
    assert (biased.nc4_disagreement, biased.classifier_accuracy) == (0.5, 0.5)
    assert biased.nearest_mean_accuracy == 1.0


def test_self_duality():
    x, y = np.repeat(simplex_vertices(4), 2, axis=0), np.repeat(np.arange(4), 2)
    aligned = Classifier(3.0 * simplex_vertices(4), None)
    opposite = Classifier(-simplex_vertices(4), None)
    assert collapse_geometry((x, y), classifier=aligned).nc3 == pytest.approx(0.0, abs=1e-15)
    assert collapse_geometry((x, y), classifier=opposite).nc3 == pytest.approx(4.0, rel=1e-12)
    rank_one = Classifier(np.ones((4, 3)), None)
    assert collapse_geometry((x, y), classifier=rank_one).nc3 == pytest.approx(2.0, rel=1e-12)
    assert np.isnan(collapse_geometry((x, y)).nc3)
    assert np.isnan(collapse_geometry((x, y)).nc4_disagreement)


def test_variation_of_norms_is_the_populations():
    # Row 8: norms 1 and 2 give 1/3 (.471 with n - 1). Four means whose lengths are 1, 1, 2, 2.
    x = np.repeat([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]], 2, axis=0)
    assert collapse_geometry((x, np.arange(8) // 2)).equinorm_cv == pytest.approx(1 / 3, rel=1e-12)


def test_one_sample_a_class_has_no_within_variance():
    report = collapse_geometry(ArraySource(np.eye(3), np.arange(3)))
    assert (report.nc1, report.cdnv) == (0.0, 0.0)


def test_an_absent_class_is_named_and_left_out():
    # Row 7: its zero mean must not enter the ETF.
    x, y = np.repeat(simplex_vertices(3), 2, axis=0), np.repeat([0, 1, 3], 2)
    classifier = Classifier(np.insert(simplex_vertices(3), 2, 9.0, axis=0), None)
    source = ArraySource(x, y, n_classes=4)
    report = collapse_geometry(source, classifier=classifier)
    assert (report.absent_classes, report.class_names) == (("2",), ("0", "1", "3"))
    assert report.etf_distance == pytest.approx(0.0, abs=1e-12)
    assert report.nc3 == pytest.approx(0.0, abs=1e-12)
    # Row 2 of the classifier, of an absent class, wins wherever 9 (x1 + x2) is largest.
    outputs = np.argmax(x @ classifier.weight.T, axis=1)
    assert report.nc4_disagreement == pytest.approx(np.mean(outputs != y))
    with pytest.raises(InputError, match="1 of 2 classes has samples"):
        collapse_geometry(ArraySource(x[:2], y[:2], n_classes=2))


def test_coincident_classes_make_the_pairwise_ratio_infinite():
    x = np.array([[0.0], [2.0], [0.0], [2.0], [9.0], [9.0]])
    assert collapse_geometry((x, [0, 0, 1, 1, 2, 2])).cdnv == np.inf


def one_hot_betas(x, y, report):
    within = sum(np.cov(x[y == c].T, bias=True) for c in np.unique(y)) / len(report.counts)
    means = np.stack([x[y == c].mean(axis=0) for c in np.unique(y)])
    shares = np.full(len(means), 1 / len(means))
    return GaussianIB.from_class_moments(shares, means, within).critical_betas


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_nc1_bounds_the_critical_betas_of_the_labels(seed):
    # information_bottleneck section 5: sum (beta_i - 1) <= tr(Sigma_W Sigma_B^+) = K NC1.
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(4), 30)
    x = 2 * rng.normal(size=(4, 6))[y] + rng.normal(size=(120, 6)) @ rng.normal(size=(6, 6))
    report = collapse_geometry((x, y))
    excess = np.sum(one_hot_betas(x, y, report)[:3] - 1)
    assert excess <= 4 * report.nc1 * (1 + 1e-9)


def test_nc1_is_reached_when_the_means_span_is_invariant():
    # Equality iff range(Sigma_B) is Sigma_W-invariant; K = 10, sigma = .3: beta = 1.81 nine times.
    means = np.pad(simplex_vertices(10), ((0, 0), (0, 2)))
    noise = 0.3 * np.sqrt(11) * np.concatenate([np.eye(11), -np.eye(11)])
    x = (means[:, None, :] + noise).reshape(-1, 11)
    y = np.repeat(np.arange(10), 22)
    report = collapse_geometry((x, y))
    betas = one_hot_betas(x, y, report)
    np.testing.assert_allclose(betas[:9], 1.81, rtol=1e-10)
    assert np.sum(betas[:9] - 1) == pytest.approx(10 * report.nc1, rel=1e-10)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-6, 1.0, 1e5]))
def test_invariant_under_rotation_translation_scale_and_relabelling(seed, scale):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(4), [9, 5, 7, 4]))
    x = 2 * rng.normal(size=(4, 5))[y] + rng.normal(size=(len(y), 5))
    weight, bias = rng.normal(size=(4, 5)), rng.normal(size=4)
    rotation, relabel = ortho_group.rvs(5, random_state=seed), rng.permutation(4)
    offset = rng.normal(size=5)
    moved = scale * (x @ rotation + offset)
    turned = weight @ rotation / scale
    before = collapse_geometry((x, y), classifier=Classifier(weight, bias))
    order = np.argsort(relabel)
    after = collapse_geometry(
        (moved, relabel[y]),
        classifier=Classifier(turned[order], (bias - scale * turned @ offset)[order]),
    )
    for name in ("nc1", "nc1_trace_ratio", "cdnv", "equinorm_cv", "equiangular_deviation", "nc3",
                 "etf_distance", "mean_similarity", "own_mean_similarity", "uniformity",
                 "nc4_disagreement", "nearest_mean_accuracy"):  # fmt: skip
        assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-8, abs=1e-8), (
            name
        )
    np.testing.assert_allclose(
        after.simplex_fit.class_deviation[relabel], before.simplex_fit.class_deviation, rtol=1e-8
    )


def test_inputs_without_a_geometry_are_refused():
    x, y = np.eye(4), np.array([0, 0, 1, 1])
    with pytest.raises(InputError, match="weighting 'balanced'"):
        collapse_geometry((x, y), weighting="balanced")
    with pytest.raises(InputError, match=r"shape \(2, 3\)"):
        collapse_geometry((x, y), classifier=Classifier(np.ones((2, 3)), None))
    with pytest.raises(InputError, match="all zero"):
        collapse_geometry((x, y), classifier=Classifier(np.zeros((2, 4)), None))
    with pytest.raises(InputError, match="coincide"):
        collapse_geometry((np.full((4, 3), 0.1), y))


def test_report_round_trips():
    x, y = symmetric_noise(np.random.default_rng(6), np.eye(3), 4, 0.1)
    report = collapse_geometry((x, y))
    again = from_dict(to_dict(report))
    assert again.nc1 == report.nc1
    np.testing.assert_array_equal(again.gram, report.gram)
    assert again.class_names == report.class_names
    with pytest.raises(ValueError, match="read-only"):
        again.gram[0, 0] = 1.0
