import dataclasses

import numpy as np
import pytest

from ibcollapse.bottleneck import Channel
from ibcollapse.coincidence import CoincidenceOptions, measure_coincidence
from ibcollapse.coincidence.discrete_transitions import _own_place
from ibcollapse.errors import InputError
from ibcollapse.serialize import load_result

FAST = CoincidenceOptions(n_bootstrap=20, folds=3, n_points=10, n_resamples=8)


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    y = np.arange(150) % 3
    signal = 2 * np.eye(3)[y] + rng.normal(size=(150, 3))
    a, b = (signal @ rng.normal(size=(3, 4)) + 0.1 * rng.normal(size=(150, 4)) for _ in range(2))
    return (a, y), (b, y)


@pytest.fixture(scope="module")
def report(pair):
    return measure_coincidence(*pair, options=FAST)


def test_exact_onset_comes_before_the_proxy(report):
    # The discrete optimum may use any encoder, the Gaussian proxy of the same fit has
    # rho² ≤ eta: its first mode cannot open earlier, up to the sampling of two fits.
    assert report.discrete.onset.beta <= report.labels.critical_betas[0] * 1.05
    assert report.onset_gap == report.labels.critical_betas[0] - report.discrete.onset.beta


def test_exact_curve_is_certified_and_reaches_all_clusters(report):
    discrete = report.discrete
    assert discrete.largest_gap < 1e-6
    assert discrete.beta_all == next(t.beta for t in discrete.transitions if t.clusters_after >= 3)
    assert discrete.own_i_ty <= discrete.own_i_ty_optimal + 1e-6 or np.isnan(
        discrete.own_i_ty_optimal
    )
    middle = 0.5 * (discrete.beta[1] + discrete.beta[2])
    assert discrete.at(middle)[1] == pytest.approx(0.5 * (discrete.i_ty[1] + discrete.i_ty[2]))
    assert np.isnan(discrete.at(discrete.beta[-1] + 1)).all()


def test_the_last_exact_transition_has_an_interval(report):
    discrete = report.discrete
    assert discrete.beta_all_low <= discrete.beta_all_high
    # Eight draws of 150 samples: the point lies between the outermost, up to the brackets' 2 %.
    assert discrete.beta_all_low - 1 < 1.02 * (discrete.beta_all - 1)
    assert discrete.beta_all - 1 < 1.02 * (discrete.beta_all_high - 1)


def test_own_place_is_that_of_a_drawn_class():
    rng = np.random.default_rng(1)
    joint = rng.dirichlet(np.ones(12)).reshape(4, 3)
    channel = Channel.from_joint(joint)
    p_x, w = joint.sum(axis=1), joint / joint.sum(axis=1, keepdims=True)
    expected = 0.0
    for t in range(3):
        for y in range(3):
            p_ty = sum(p_x[x] * w[x, t] * w[x, y] for x in range(4))
            p_t, p_y = (sum(p_x[x] * w[x, k] for x in range(4)) for k in (t, y))
            expected += p_ty * np.log(p_ty / (p_t * p_y))
    i_xt, i_ty = _own_place(channel)
    assert i_ty == pytest.approx(expected, rel=1e-12)
    assert i_xt == pytest.approx(channel.i_xy, rel=1e-12)
    assert i_ty <= i_xt


@pytest.mark.parametrize("suffix", ["h5", "json"])
def test_report_survives_storage(report, tmp_path, suffix):
    again = load_result(report.save(tmp_path / f"report.{suffix}"))
    assert again.options == FAST
    assert again.pair.critical_betas.tolist() == report.pair.critical_betas.tolist()
    assert again.discrete.transitions == report.discrete.transitions
    assert again.labels.angles.tolist() == report.labels.angles.tolist()


def test_one_network_has_no_pair(pair):
    report = measure_coincidence(pair[0], options=dataclasses.replace(FAST, n_bootstrap=0))
    assert report.pair is report.meta_gaussian is report.consensus is report.whole is None
    assert np.isnan(report.labels.beta_low).all()


def test_separation_without_noise_is_noted_not_fatal():
    y = np.arange(40) % 2
    x = np.column_stack([y, np.random.default_rng(0).normal(size=40)])
    report = measure_coincidence((x, y), options=FAST)
    assert report.labels is report.accuracy is None
    assert "determine Y exactly" in report.notes[0]
    assert np.isnan(report.onset_gap)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("shrinkage", 1.5),
        ("folds", 1),
        ("fraction", 0.0),
        ("max_rows", 1),
        ("n_permutations", 1),
        ("n_resamples", -1),
    ],
)
def test_options_out_of_range_are_named(option, value):
    with pytest.raises(InputError, match=option):
        CoincidenceOptions(**{option: value})


def test_different_samples_are_refused(pair):
    (a, y), (b, _) = pair
    with pytest.raises(InputError, match="labels differ"):
        measure_coincidence((a, y), (b, y[::-1]), options=FAST)
