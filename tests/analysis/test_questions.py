import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.errors import InputError


@pytest.fixture(scope="module")
def symmetric():
    """W = I/2 + 1/6 of three classes: one jump at 3.898735, stable below until 1/a² = 4."""
    return ib.Channel.from_joint((0.5 * np.eye(3) + 0.5 / 3) / 3)


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    return 2.0 * np.eye(3, 4)[y] + rng.normal(size=(90, 4)), y


def test_hysteresis_ends_where_the_closed_form_says(symmetric):
    (loop,) = ib.curve(symmetric, n_points=5, hysteresis=True).hysteresis
    assert loop.transition.order == 1
    assert loop.beta_up == pytest.approx(4.0, rel=1e-9)
    assert loop.beta_down < loop.transition.beta == pytest.approx(3.898735, abs=1e-6)


def test_a_split_has_no_loop_and_a_note_says_so():
    # The binary symmetric channel: beta_c = (1 − 2 delta)^−2, global and local alike.
    found = ib.curve(ib.Channel.from_joint([[0.45, 0.05], [0.05, 0.45]]), hysteresis=True)
    assert found.hysteresis == ()
    assert any("no hysteresis" in note for note in found.notes)


def test_a_deterministic_label_has_a_note_instead_of_a_loop():
    found = ib.curve(ib.Channel.from_joint(np.diag([0.25, 0.75])), hysteresis=True)
    assert found.hysteresis == ()
    assert any("function of X" in note for note in found.notes)


def test_the_bootstrap_is_that_of_the_library(features, tmp_path):
    options = {"max_loss": 0.2, "n_points": 4, "fraction": 0.3}
    found = ib.curve(features, **options, bootstrap=3, resamples=tmp_path / "kept.h5")
    rows = ib.cross_fit(ib.open_features(features)).posterior
    channel = ib.Channel(rows.p_x, rows.log_p_y_given_x, rows.class_names)
    loss = options.pop("max_loss") * min(channel.i_xy, channel.h_y - channel.i_xy)
    direct = ib.bootstrap_curve(channel, n_resamples=3, max_loss=loss, max_rows=4096, **options)
    assert np.array_equal(found.bootstrap.i_xy, direct.i_xy)
    assert np.array_equal(found.bootstrap.critical_betas, direct.critical_betas, equal_nan=True)
    assert found.bootstrap.n_samples == 90
    # The reference is the curve of the same reduced channel.
    assert found.bootstrap.reference.beta == pytest.approx(found.curve.beta, rel=1e-9)


def test_finished_resamples_are_taken_from_the_file(features, tmp_path, monkeypatch):
    options = {"max_loss": 0.2, "n_points": 4, "fraction": 0.3, "resamples": tmp_path / "kept.h5"}
    whole = ib.curve(features, **options, bootstrap=3)

    def made(*_arguments):
        raise AssertionError("a finished resample was made again")

    monkeypatch.setattr("ibcollapse.bottleneck.uncertainty.resampling.make_resample", made)
    again = ib.curve(features, **options, bootstrap=3)
    assert np.array_equal(again.bootstrap.i_ty, whole.bootstrap.i_ty, equal_nan=True)


def test_an_analysis_with_everything_survives_a_file(features, symmetric, tmp_path):
    found = ib.curve(
        symmetric, n_points=4, hysteresis=True, bootstrap=2, n_samples=200, max_clusters=6
    )
    loaded = ib.load_result(found.save(tmp_path / "all.h5"))
    assert loaded.hysteresis[0].beta_up == found.hysteresis[0].beta_up
    assert np.array_equal(loaded.bootstrap.band, found.bootstrap.band, equal_nan=True)
    assert loaded.tree == found.tree
    assert loaded.provenance.options["n_samples"] == 200
    fitted = ib.curve(features, max_loss=0.2, n_points=4, fraction=0.3)
    loaded = ib.load_result(fitted.save(tmp_path / "fit.json"))
    assert loaded.reliability.calibration_error == fitted.reliability.calibration_error


def test_a_file_of_before_these_fields_still_loads(symmetric):
    from ibcollapse.serialize import from_dict, to_dict

    tree = to_dict(ib.curve(symmetric, n_points=4))
    for name in ("hysteresis", "bootstrap", "reliability"):
        del tree[name]
    assert from_dict(tree).hysteresis == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bootstrap": 1}, "at least 2 resamples"),
        ({"bootstrap": 5}, "give n_samples"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_bad_questions_are_refused_before_the_work(symmetric, options, message, monkeypatch):
    monkeypatch.setattr("ibcollapse.analysis.running.trace_curve", None)
    with pytest.raises(InputError, match=message):
        ib.curve(symmetric, **options)


def test_an_interrupted_bootstrap_keeps_the_curve(features, monkeypatch):
    from ibcollapse.analysis import AnalysisInterrupted

    def stop(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("ibcollapse.analysis.questions.bootstrap_curve", stop)
    with pytest.raises(AnalysisInterrupted) as caught:
        ib.curve(features, max_loss=0.2, n_points=4, fraction=0.3, bootstrap=5)
    assert caught.value.analysis.curve.status == "converged"
    assert caught.value.analysis.bootstrap is None
