"""Fits and cross-fitted posteriors: exact against naive refits, honest against the truth."""

import itertools

import numpy as np
import pytest
from gaussian.array_source import ArraySource, Mixture, simplex_mixture
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf

from ibcollapse.errors import InputError
from ibcollapse.gaussian import cross_fit, fit_gaussian
from ibcollapse.gaussian.folds import stratified_folds
from ibcollapse.gaussian.posterior import label_entropy

KINDS = ("tied", "full", "diagonal", "low-rank")


def small(seed=0, n=400, dtype=np.float64):
    x, y = simplex_mixture(3, 6, 2.0, spread=0.5).sample(n, seed)
    return x.astype(dtype), y


def naive_cross_fit(x, y, n_folds, alpha, temperature):
    """Refit on each complement with loops and dense inverses; tied model, empirical priors."""
    priors = np.bincount(y) / len(y)
    folds = stratified_folds(y, n_folds, np.random.default_rng(0))
    log_p = np.empty((len(y), len(priors)))
    for fold in range(n_folds):
        train, test = folds != fold, folds == fold
        means = np.array([x[train & (y == c)].mean(axis=0) for c in range(len(priors))])
        z = x[train] - means[y[train]]
        covariance = z.T @ z / (train.sum() - len(priors))
        # In units of the pooled deviations the mean variance is one.
        covariance = (1 - alpha) * covariance + alpha * np.diag(np.diag(covariance))
        scores = np.array([multivariate_normal(m, covariance).logpdf(x[test]) for m in means]).T
        log_p[test] = scores / temperature + np.log(priors)
    return log_p - logsumexp(log_p, axis=1, keepdims=True)


def test_cross_fitted_posteriors_equal_naive_refits():
    x, y = small()
    result = cross_fit(ArraySource(x, y), shrinkage=0.2, folds=4)
    expected = naive_cross_fit(x, y, 4, 0.2, result.fit.temperature)
    np.testing.assert_allclose(result.posterior.log_p_y_given_x, expected, rtol=1e-9, atol=1e-9)
    assert result.fit.held_out_log_loss == pytest.approx(
        -expected[np.arange(len(y)), y].mean(), rel=1e-9
    )


@pytest.mark.parametrize("covariance", KINDS)
def test_features_with_an_offset_give_the_same_posteriors(covariance):
    x, y = small()
    rank = 2 if covariance == "low-rank" else None
    plain, moved = (
        cross_fit(ArraySource(x + offset, y), covariance=covariance, rank=rank).posterior
        for offset in (0.0, 1e4)
    )
    # Adding 1e4 rounds the features to 1e-12; the likelihoods amplify that by their gradients.
    np.testing.assert_allclose(plain.log_p_y_given_x, moved.log_p_y_given_x, rtol=0, atol=1e-8)


def standardised(x, y):
    """Rows less their class mean, and their pooled within-class deviations."""
    centred = x - np.array([x[y == c].mean(axis=0) for c in range(3)])[y]
    return centred, np.sqrt((centred**2).sum(axis=0) / (len(y) - 3))


def test_tied_ledoit_wolf_intensity_is_scikit_learns_on_standardised_rows():
    x, y = small()
    x[:, 1] += x[:, 0]
    fit = fit_gaussian(ArraySource(x, y))
    centred, deviation = standardised(x, y)
    expected = ledoit_wolf(centred / deviation, assume_centered=True)[1]
    assert 0 < expected < 1
    assert fit.covariance.intensity[0] == pytest.approx(expected, rel=1e-9)


def test_full_ledoit_wolf_intensities_are_scikit_learns_class_by_class():
    x, y = small()
    x[:, 1] += x[:, 0]
    fit = fit_gaussian(ArraySource(x, y), covariance="full")
    _, deviation = standardised(x, y)
    expected = [ledoit_wolf(x[y == c] / deviation)[1] for c in range(3)]
    assert max(expected) < 1
    np.testing.assert_allclose(fit.covariance.intensity, expected, rtol=1e-9)


def test_over_confidence_in_high_dimension_is_seen_and_cured():
    # d = 512, K = 10, n = 5000: the case in which the usual analysis overstates I(X;Y).
    mixture = simplex_mixture(10, 512, 3.0, spread=0.3)
    truth, error = mixture.conditional_entropy(4000)
    x, y = mixture.sample(5000, 1)
    result = cross_fit(ArraySource(x.astype(np.float32), y))
    fit = result.fit
    claimed = fit.h_y - fit.i_xy_plug_in
    assert claimed < 0.85 * truth
    # Held out: never better than the truth, and no further above it than the noise of the means,
    # which costs a factor 1/(1 + 2 d/(n_c δ²)) of the squared distance δ² = 9 between classes.
    assert fit.held_out_log_loss > truth - 4 * error
    weaker = simplex_mixture(10, 512, 3.0 / np.sqrt(1 + 2 * 512 / (400 * 9)), spread=0.3)
    assert fit.held_out_log_loss < 1.1 * weaker.conditional_entropy(4000)[0]
    assert fit.temperature > 1.05
    assert fit.held_out_log_loss < fit.uncalibrated_log_loss
    assert fit.calibration_error < 0.03
    # The channel's own entropy agrees with its log-loss: it claims what it delivers.
    log_p = result.posterior.log_p_y_given_x
    channel = -(np.exp(log_p) * log_p).sum(axis=1).mean()
    assert channel == pytest.approx(fit.held_out_log_loss, rel=0.03)


@pytest.mark.parametrize("covariance", ["tied", "full"])
def test_many_rows_in_few_dimensions_recover_the_true_channel(covariance):
    rng = np.random.default_rng(0)
    shapes = [np.eye(3), np.eye(3)]
    if covariance == "full":
        shapes[1] = np.diag([4.0, 1.0, 0.25])
    mixture = Mixture(rng.standard_normal((2, 3)), shapes)
    x, y = mixture.sample(20_000, 3)
    true_log_p = mixture.log_posterior(x)
    losses = -true_log_p[np.arange(len(y)), y]
    result = cross_fit(ArraySource(x, y), covariance=covariance, shrinkage=0.0)
    assert result.fit.temperature == pytest.approx(1.0, abs=0.05)
    # On the same rows only the error of about ten parameters remains: 10/(2 n) = 0.00025.
    assert result.fit.held_out_log_loss == pytest.approx(losses.mean(), abs=2e-3)
    entropy, _ = mixture.conditional_entropy()
    sampling = losses.std() / np.sqrt(len(y))
    assert result.fit.held_out_log_loss == pytest.approx(entropy, abs=5 * sampling)
    claimed = np.exp(result.posterior.log_p_y_given_x)
    assert np.abs(claimed - np.exp(true_log_p)).mean() < 0.01


def test_features_without_information_leave_the_priors():
    rng = np.random.default_rng(0)
    y = rng.choice(3, size=600, p=[0.6, 0.3, 0.1])
    result = cross_fit(ArraySource(rng.standard_normal((600, 200)), y))
    assert result.fit.i_xy_held_out < 0.02
    assert result.fit.i_xy_held_out >= -1e-9
    assert result.fit.i_xy_plug_in > 0.2


@pytest.mark.parametrize(
    ("covariance", "shrinkage"),
    # All but the one combination that is refused.
    [
        pair
        for pair in itertools.product(KINDS, ["ledoit-wolf", "oas", "held-out", 0.3])
        if pair != ("diagonal", "oas")
    ],
)
def test_every_model_and_shrinkage_beats_the_priors(covariance, shrinkage):
    x, y = small()
    fit = fit_gaussian(ArraySource(x, y), covariance=covariance, shrinkage=shrinkage)
    assert 0.1 < fit.i_xy_held_out < fit.h_y
    assert fit.shrinkage == (shrinkage if isinstance(shrinkage, str) else "given")
    assert len(fit.covariance.intensity) == (1 if covariance == "tied" else 3)
    assert (fit.covariance.loadings is not None) == (covariance == "low-rank")


def test_low_rank_of_all_but_one_direction_equals_full():
    # Rank d − 1 leaves one noise direction, which keeps its own eigenvalue: nothing is averaged.
    x, y = small()
    low = cross_fit(ArraySource(x, y), covariance="low-rank", rank=5, shrinkage=0.1).posterior
    full = cross_fit(ArraySource(x, y), covariance="full", shrinkage=0.1).posterior
    np.testing.assert_allclose(low.log_p_y_given_x, full.log_p_y_given_x, rtol=0, atol=1e-8)


def test_uniform_priors_weigh_every_class_the_same():
    x, y = small(n=600)
    keep = (y != 2) | (np.arange(600) % 5 == 0)
    x, y = x[keep], y[keep]
    result = cross_fit(ArraySource(x, y), priors="uniform")
    np.testing.assert_allclose(result.fit.priors, 1 / 3)
    np.testing.assert_allclose(np.bincount(y, result.posterior.p_x), 1 / 3, rtol=1e-12)
    assert result.fit.h_y == pytest.approx(np.log(3), rel=1e-12)
    empirical = cross_fit(ArraySource(x, y))
    assert empirical.fit.h_y == pytest.approx(label_entropy(y, empirical.posterior.p_x), rel=1e-12)
    assert empirical.fit.h_y < np.log(3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f4"])
def test_any_float_type_is_fitted_in_double(dtype):
    x, y = small()
    stored = x.astype(dtype)
    ours = fit_gaussian(ArraySource(stored, y))
    double = fit_gaussian(ArraySource(stored.astype(np.float64), y))
    assert ours.held_out_log_loss == pytest.approx(double.held_out_log_loss, rel=1e-10)


def test_one_feature_and_two_classes():
    rng = np.random.default_rng(0)
    y = np.arange(4000) % 2
    x = (rng.standard_normal(4000) + 2 * y)[:, None]
    fit = fit_gaussian(ArraySource(x, y))
    # Two unit Gaussians at distance 2: H(Y|X) = 0.3365 nats (Mixture, 1e6 rows, ± 0.0002).
    assert fit.held_out_log_loss == pytest.approx(0.3365, abs=0.03)


def test_single_row_class_is_fitted_but_not_measured_and_said():
    x, y = small()
    y[0] = 3
    result = cross_fit(ArraySource(x, y, ("a", "b", "c", "lone")), covariance="full")
    assert result.posterior.n_seen == 1
    assert np.isfinite(result.posterior.log_p_y_given_x).all()
    assert any("never held out" in note and "lone" in note for note in result.fit.notes)
    assert any(
        "equal rows, took the pooled covariance: 'lone' (1)" in note for note in result.fit.notes
    )


def test_more_features_than_rows():
    x, y = simplex_mixture(3, 100, 8.0).sample(60, 0)
    fit = fit_gaussian(ArraySource(x, y))
    assert fit.held_out_accuracy > 0.9
    assert any("100 features exceed the 57" in note for note in fit.notes)


def test_collapsed_classes_claim_an_error_of_one_in_n():
    y = np.arange(90) % 3
    result = cross_fit(ArraySource(np.eye(3)[y], y))
    assert result.fit.held_out_accuracy == 1
    # The smoothed target of calibration: an error of (2/3)/91 for three classes.
    error = 1 - np.exp(result.posterior.log_p_y_given_x[np.arange(90), y])
    np.testing.assert_allclose(error, (2 / 3) / 91, rtol=1e-3)


def test_result_is_reproducible_and_reads_the_rows_three_times():
    x, y = small()
    first, second = ArraySource(x, y), ArraySource(x, y)
    a, b = cross_fit(first), cross_fit(second)
    np.testing.assert_array_equal(a.posterior.log_p_y_given_x, b.posterior.log_p_y_given_x)
    assert first.n_passes == 3
    other = cross_fit(ArraySource(x, y), seed=1)
    assert (a.posterior.log_p_y_given_x != other.posterior.log_p_y_given_x).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": "spherical"}, "'spherical'; choose one of"),
        ({"shrinkage": "lw"}, "'lw'; choose one of"),
        ({"shrinkage": 1.5}, "from 0 to 1"),
        ({"shrinkage": float("nan")}, "from 0 to 1"),
        ({"shrinkage": "oas", "covariance": "diagonal"}, "derived for full matrices"),
        ({"priors": "flat"}, "'flat'"),
        ({"folds": 1}, "choose 2 to 100"),
        ({"rank": 2}, "belongs to covariance='low-rank'"),
        ({"covariance": "low-rank", "rank": 6}, "choose 1 to 5"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        fit_gaussian(ArraySource(*small()), **options)


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        (np.zeros(20, dtype=int), ("only",), r"one class only \(only\)"),
        (np.arange(20) % 2, ("a", "b", "ghost"), "no rows of class ghost"),
        (np.arange(20), None, "every class has a single row"),
    ],
)
def test_classes_that_cannot_be_cross_fitted_are_refused(labels, names, message):
    x = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(InputError, match=message):
        fit_gaussian(ArraySource(x, labels, names))


@pytest.mark.parametrize(
    ("spoil", "message"), [(np.nan, "1 of .* rows hold NaN"), (0.0, "all rows are equal")]
)
def test_features_that_cannot_be_fitted_are_refused(spoil, message):
    x, y = small()
    if spoil == 0.0:
        x[:] = 1.0
    x[17, 2] = spoil if spoil != 0.0 else 1.0
    with pytest.raises(InputError, match=message):
        fit_gaussian(ArraySource(x, y))
