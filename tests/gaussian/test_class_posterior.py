import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import parametrize_with_checks

import ibcollapse as ib
from ibcollapse.errors import InputError


@parametrize_with_checks(
    [ib.ClassPosterior(), ib.ClassPosterior(covariance="full", shrinkage=0.1, priors="uniform")]
)
def test_scikit_learn_takes_it_for_one_of_its_own(estimator, check):
    check(estimator)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.repeat(np.array(["cat", "dog", "eel"]), (60, 40, 50))
    x = 1.5 * np.eye(3, 5)[np.unique(y, return_inverse=True)[1]] + rng.normal(size=(150, 5))
    return x, y


def test_its_posteriors_are_those_of_the_fit(data):
    x, y = data
    model = ib.ClassPosterior(covariance="diagonal", shrinkage=0.2).fit(x[::2], y[::2])
    fit = ib.fit_gaussian(ib.open_features((x[::2], y[::2])), covariance="diagonal", shrinkage=0.2)
    from ibcollapse.gaussian import posterior

    table = posterior(ib.open_features((x[1::2], y[1::2])), fit)
    assert np.array_equal(model.predict_log_proba(x[1::2]), table.log_p_y_given_x)
    assert model.score(x[1::2], y[1::2]) == pytest.approx(table.accuracy, rel=1e-12)
    assert log_loss(y[1::2], model.predict_proba(x[1::2])) == pytest.approx(table.log_loss)


def test_with_one_covariance_and_no_shrinkage_it_decides_as_linear_discriminants(data):
    x, y = data
    ours = ib.ClassPosterior(shrinkage=0.0).fit(x, y)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(x, y)
    # scikit-learn divides the scatter by n, this library by n − K: a temperature, taken out here.
    by_likelihood = ours.predict_log_proba(x) - np.log(ours.fit_.priors)
    centred = by_likelihood - by_likelihood.mean(axis=1, keepdims=True)
    other = theirs.decision_function(x) - np.log(theirs.priors_)
    other -= other.mean(axis=1, keepdims=True)
    scale = np.vdot(centred, other) / np.vdot(centred, centred)
    assert other == pytest.approx(scale * centred, rel=1e-8, abs=1e-9)


def test_two_classes_have_one_decision_value(data):
    x, y = data
    model = ib.ClassPosterior().fit(x[:100], y[:100])
    decision = model.decision_function(x[:100])
    assert decision.shape == (100,)
    assert np.array_equal(decision > 0, model.predict(x[:100]) == "dog")


def test_a_copy_and_a_stored_model_predict_the_same(data):
    x, y = data
    model = ib.ClassPosterior(covariance="low-rank", rank=2).fit(x, y)
    assert np.array_equal(clone(model).fit(x, y).predict_proba(x), model.predict_proba(x))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_proba(x), model.predict_proba(x))


def test_labels_that_no_fit_can_use_are_refused(data):
    x, y = data
    with pytest.raises(InputError, match="one class"):
        ib.ClassPosterior().fit(x, np.zeros(150, int))
    with pytest.raises(ValueError, match="only one sample"):
        ib.ClassPosterior().fit(x, np.r_[np.zeros(149, int), 1])
    with pytest.raises(InputError, match="shrinkage"):
        ib.ClassPosterior(shrinkage=2.0).fit(x, y)
