"""Posteriors of unseen rows, their storage, and the refusal of rows that the fit saw."""

import numpy as np
import pytest
from gaussian.array_source import ArraySource, simplex_mixture

from ibcollapse.errors import InputError
from ibcollapse.gaussian import cross_fit, fit_gaussian, posterior
from ibcollapse.serialize import load_result, save

MIXTURE = simplex_mixture(3, 6, 2.0, spread=0.5)


def source(n=500, seed=0, split="train", names=("a", "b", "c")):
    return ArraySource(*MIXTURE.sample(n, seed), names, split=split)


@pytest.mark.parametrize("covariance", ["tied", "full", "diagonal", "low-rank"])
def test_unseen_rows_confirm_the_cross_fitted_log_loss(covariance):
    rank = 3 if covariance == "low-rank" else None
    fit = fit_gaussian(source(3000), covariance=covariance, rank=rank)
    table = posterior(source(3000, seed=1, split="test"), fit)
    # Two averages over 3000 rows of log-losses with a spread of about 0.8: 0.02 each.
    assert table.log_loss == pytest.approx(fit.held_out_log_loss, abs=0.08)
    np.testing.assert_allclose(np.exp(table.log_p_y_given_x).sum(axis=1), 1, rtol=1e-12)
    assert table.i_xy == pytest.approx(table.h_y - table.log_loss, rel=1e-12)


def test_rows_that_were_fitted_are_refused_but_another_split_is_not():
    fit = fit_gaussian(source())
    with pytest.raises(InputError, match=r"use cross_fit\(\.\.\.\)\.posterior"):
        posterior(source(), fit)
    assert posterior(source(split="test"), fit).n_seen == 0


def test_labels_are_matched_by_class_name():
    fit = fit_gaussian(source())
    x, y = MIXTURE.sample(300, 5)
    keep = y != 0
    some = ArraySource(x[keep], y[keep] - 1, ("b", "c"), split="test")
    table = posterior(some, fit)
    np.testing.assert_array_equal(table.labels, y[keep])
    assert table.class_names == ("a", "b", "c")
    assert table.log_p_y_given_x.shape == (keep.sum(), 3)
    assert table.h_y == pytest.approx(
        -sum(p * np.log(p) for p in np.bincount(y[keep])[1:] / keep.sum())
    )


def test_sources_that_do_not_fit_are_refused():
    fit = fit_gaussian(source())
    with pytest.raises(InputError, match="2 features, but the fit was made from 6"):
        posterior(ArraySource(np.zeros((4, 2)), [0, 1, 0, 1], split="test"), fit)
    with pytest.raises(InputError, match=r"classes \['z'\] are not among"):
        posterior(source(split="test", names=("a", "b", "z")), fit)
    spoilt = source(split="test")
    spoilt.x[3, 0] = np.inf
    with pytest.raises(InputError, match="NaN or infinite"):
        posterior(spoilt, fit)


@pytest.mark.parametrize("suffix", [".json", ".h5"])
@pytest.mark.parametrize("covariance", ["tied", "low-rank"])
def test_fit_and_table_survive_storage(tmp_path, suffix, covariance):
    result = cross_fit(source(), covariance=covariance, rank=2 if covariance != "tied" else None)
    fit = load_result(save(result.fit, tmp_path / f"fit{suffix}"))
    table = load_result(save(result.posterior, tmp_path / f"table{suffix}"))
    np.testing.assert_array_equal(table.log_p_y_given_x, result.posterior.log_p_y_given_x)
    assert fit.notes == result.fit.notes
    unseen = source(seed=1, split="test")
    np.testing.assert_array_equal(
        posterior(unseen, fit).log_p_y_given_x, posterior(unseen, result.fit).log_p_y_given_x
    )


def test_results_cannot_be_changed():
    result = cross_fit(source())
    for array in (result.posterior.log_p_y_given_x, result.posterior.p_x, result.fit.means):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
