"""A fit depends neither on the features' units nor on units that say nothing."""

import numpy as np
import pytest
from gaussian.array_source import ArraySource, simplex_mixture
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ibcollapse.gaussian import cross_fit, fit_gaussian, posterior

KINDS = ("tied", "full", "diagonal", "low-rank")
RULES = [
    (kind, rule)
    for kind in KINDS
    for rule in ("ledoit-wolf", "oas", "held-out", 0.0, 0.3)
    if (kind, rule) != ("diagonal", "oas")
]


def clouds(n=600, n_classes=3, live=8, seed=0, mixed=0.4):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    means = 0.3 * rng.standard_normal((n_classes, live))
    mixing = np.eye(live) + mixed * rng.standard_normal((live, live))
    return means[y] + rng.standard_normal((n, live)) @ mixing, y


@pytest.mark.parametrize(("kind", "rule"), RULES)
def test_posteriors_do_not_depend_on_the_units_of_the_features(kind, rule):
    x, y = clouds()
    units = 10.0 ** np.array([4, -4, 0, 7, -9, 2, 0, 1])
    plain, scaled = (
        cross_fit((rows, y), covariance=kind, shrinkage=rule) for rows in (x, x * units)
    )
    # Rounding of the products with the units, amplified by likelihoods of some tens of nats.
    np.testing.assert_allclose(
        scaled.posterior.log_p_y_given_x, plain.posterior.log_p_y_given_x, rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(
        scaled.fit.covariance.intensity, plain.fit.covariance.intensity, rtol=1e-9
    )
    weights = plain.fit.priors
    np.testing.assert_allclose(
        scaled.fit.covariance.pooled(weights) / np.outer(units, units),
        plain.fit.covariance.pooled(weights),
        rtol=1e-8,
        atol=1e-10,
    )


def test_one_feature_in_small_units_does_not_drown_the_others():
    # scikit-learn's LDA with shrinkage="auto" standardises: 1.0, where shrinkage towards a multiple
    # of the identity in the features' own units leaves chance.
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    x = rng.standard_normal((400, 20))
    x[:, :5] += 4 * y[:, None]
    x[:, 10] *= 1e4
    auto = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x[:200], y[:200])
    assert auto.score(x[200:], y[200:]) > 0.99
    assert fit_gaussian((x, y)).held_out_accuracy > 0.99


def silent_units(kind, y, rng):
    n = len(y)
    dead = np.zeros((n, 56))
    if kind == "dead":
        return dead
    if kind == "constant":
        return dead + rng.standard_normal(56)
    if kind == "one last bit":
        return np.where(rng.random((n, 56)) < 0.5, 1.0, np.nextafter(1.0, 2.0))
    for j in range(56):  # fires on a few rows, at any class
        rows = rng.choice(n, int(kind[0]), replace=False)
        dead[rows, j] = np.abs(rng.standard_normal(len(rows)))
    return dead


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize("rule", ["ledoit-wolf", "held-out"])
@pytest.mark.parametrize("kind", ["dead", "constant", "one last bit", "1 row", "2 rows", "5 rows"])
def test_units_that_say_nothing_change_nothing(kind, rule, covariance):
    x, y = clouds()
    silent = silent_units(kind, y, np.random.default_rng(1))
    # Low-rank: the rank is chosen by held-out likelihood among fewer than d, so give it.
    options = {"covariance": covariance, "shrinkage": rule}
    if covariance == "low-rank":
        options["rank"] = 3
    without, with_them = (
        fit_gaussian((rows, y), **options) for rows in (x, np.hstack([x, silent]))
    )
    assert with_them.i_xy_held_out == pytest.approx(without.i_xy_held_out, abs=1e-9)
    assert any(note.startswith("56 of 64 features") for note in with_them.notes)
    assert without.notes == ()


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize("rule", ["ledoit-wolf", "held-out"])
def test_units_silent_in_one_class_do_not_cost_the_others_their_information(covariance, rule):
    x, y = clouds(mixed=0)
    rng = np.random.default_rng(2)
    fires = np.abs(rng.standard_normal((len(y), 12)))
    fires[y == 0] *= rng.random((int(np.sum(y == 0)), 12)) < 0.01
    rows = np.hstack([x, fires])
    tied = fit_gaussian((rows, y)).i_xy_held_out
    assert tied > fit_gaussian((x, y)).i_xy_held_out + 0.1
    # 0.53 to 0.66 nats of 0.69 where each class estimated the variance of units that hardly fire.
    found = fit_gaussian((rows, y), covariance=covariance, shrinkage=rule).i_xy_held_out
    assert found > tied - 0.05


def test_float16_units_that_flip_by_one_last_bit_are_left_out():
    x, y = clouds()
    flips = np.where(np.random.default_rng(3).random((len(y), 4)) < 0.5, 1.0, 1.0009765625)
    rows = np.hstack([x, flips]).astype(np.float16)
    fit = fit_gaussian((rows, y))
    assert any("4 of 12 features are constant" in note for note in fit.notes)
    # In float32 the same numbers are thousands of its spacings apart.
    assert fit_gaussian((rows.astype(np.float32), y)).notes == ()


def test_unit_that_fires_for_a_small_class_alone_is_kept():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [300, 300, 6])
    x = rng.standard_normal((606, 3))
    detector = np.where(y == 2, 5 + rng.random(606), 0.0)[:, None]
    fit = fit_gaussian((np.hstack([x, detector]), y), priors="uniform")
    assert not any("left out" in note for note in fit.notes)
    assert fit.held_out_accuracy > 0.6  # 1/3 for the small class alone, half of the rest


def test_feature_constant_inside_classes_but_not_between_them_is_kept():
    x, y = clouds()
    rows = np.hstack([x, (y == 0)[:, None].astype(float)])
    fit = cross_fit((rows, y))
    assert any("1 of 9 features hardly vary" in note for note in fit.fit.notes)
    said = fit.posterior.log_p_y_given_x.argmax(axis=1)
    assert ((said == 0) == (y == 0)).all()
    # And the others still tell the other two classes apart.
    assert fit.fit.held_out_accuracy > fit_gaussian((x, y)).held_out_accuracy + 0.02


def test_posterior_of_new_rows_ignores_what_was_left_out():
    mixture = simplex_mixture(3, 5, 3.0)
    x, y = mixture.sample(600, 0)
    new_x, new_y = mixture.sample(300, 1)
    plain = posterior((new_x, new_y), fit_gaussian((x, y)))
    fit = fit_gaussian((np.hstack([np.zeros((600, 1)), x]), y))
    fires_now = np.hstack([np.full((300, 1), 100.0), new_x])
    found = posterior((fires_now, new_y), fit)
    np.testing.assert_allclose(found.log_p_y_given_x, plain.log_p_y_given_x, rtol=1e-9, atol=1e-9)


def test_scales_of_parts_are_those_of_all_rows():
    x, y = clouds()
    one, many = (fit_gaussian(ArraySource(x + 1e3, y), folds=folds) for folds in (2, 7))
    np.testing.assert_allclose(one.covariance.matrix, many.covariance.matrix, rtol=1e-9)
