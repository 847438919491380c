"""Resampling the points of a channel."""

import concurrent.futures
import dataclasses
import json

import numpy as np
import pytest
from known_channels import binary_symmetric, deterministic, two_pairs

from ibcollapse.bottleneck import Channel, bootstrap_curve, deadline
from ibcollapse.bottleneck.uncertainty import resampling
from ibcollapse.bottleneck.uncertainty.resampling import Recipe, Reference, make_resample
from ibcollapse.errors import InputError
from ibcollapse.serialize import load_result, save

SAMPLES = two_pairs(24)
QUICK = {"n_resamples": 4, "fraction": 0.3, "n_points": 6, "n_rates": 8}


class Counter:
    """A progress that counts, and raises once it has counted far enough."""

    def __init__(self, stop_after=np.inf):
        self.done, self.total, self.stop_after = 0.0, None, stop_after

    def start(self, _description, total=None):
        self.total = total

    def advance(self, steps=1.0):
        self.done += steps
        if self.done >= self.stop_after:
            raise KeyboardInterrupt

    def note(self, text):
        pass

    def finish(self):
        pass


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in ("i_ty", "critical_betas", "i_xy", "i_xt")
    )


@pytest.fixture(scope="module")
def plain():
    return bootstrap_curve(SAMPLES, **QUICK)


def test_a_resample_is_the_curve_of_the_drawn_points():
    channel = SAMPLES
    recipe = Recipe(channel.reduce(), 24, 5, {"max_loss": 0.0}, {"fraction": 0.4, "n_points": 8})
    reference = Reference(recipe.trace(channel).transitions, np.linspace(0, 0.2, 5))
    one = make_resample(recipe, reference, 3)
    # By hand: the same draw, every drawn point a row of its own.
    rng = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(3,)))
    counts = rng.multinomial(24, recipe.channel.p_x)
    rows = np.repeat(recipe.channel.log_p_y_given_x, counts, axis=0)
    drawn = Channel(np.full(24, 1 / 24), rows, channel.class_names)
    assert one.i_xy[0] == pytest.approx(drawn.i_xy, rel=1e-12)
    curve = recipe.trace(drawn)
    assert one.critical_betas[0, 0] == pytest.approx(curve.transitions[0].beta, rel=1e-8)
    assert one.i_ty[0] == pytest.approx(curve.resample(reference.i_xt), abs=1e-8, nan_ok=True)


def test_resamples_differ_and_depend_on_the_seed_only(plain):
    assert len(np.unique(plain.i_xy)) == 4
    assert same(plain, bootstrap_curve(SAMPLES, **QUICK))
    assert not same(plain, bootstrap_curve(SAMPLES, **QUICK, seed=1))


def test_processes_change_nothing(plain):
    assert same(plain, bootstrap_curve(SAMPLES, **QUICK, workers=2))


def test_an_interrupted_run_goes_on_where_it_was(plain, tmp_path):
    path = tmp_path / "resamples.h5"
    with pytest.raises(KeyboardInterrupt):
        bootstrap_curve(SAMPLES, **QUICK, resume=path, progress=Counter(stop_after=2))
    assert list(load_result(path).index) == [0, 1]
    counter = Counter()
    again = bootstrap_curve(SAMPLES, **QUICK, resume=path, progress=counter)
    assert same(plain, again)
    assert (counter.done, counter.total) == (4, 4)


def test_finished_resamples_are_not_made_again(plain, tmp_path, monkeypatch):
    path = tmp_path / "resamples.json"
    bootstrap_curve(SAMPLES, **QUICK, resume=path)

    def refuse(*_):
        raise AssertionError("made again")

    monkeypatch.setattr("ibcollapse.bottleneck.uncertainty.resampling.make_resample", refuse)
    assert same(plain, bootstrap_curve(SAMPLES, **QUICK, resume=path))
    fewer = bootstrap_curve(SAMPLES, **{**QUICK, "n_resamples": 2}, resume=path)
    assert np.array_equal(fewer.i_xy, plain.i_xy[:2])


def test_a_resample_that_fails_is_counted_and_left_out(plain, tmp_path, monkeypatch):
    make = resampling.make_resample

    def failing(recipe, reference, index):
        if index == 2:
            raise ZeroDivisionError("resample\ntwo")
        return make(recipe, reference, index)

    monkeypatch.setattr(resampling, "make_resample", failing)
    path = tmp_path / "kept.h5"
    found = bootstrap_curve(SAMPLES, **QUICK, resume=path)
    assert np.array_equal(found.i_xy, np.delete(plain.i_xy, 2))
    assert found.n_failed == 1
    assert found.failures == ("resample 2: ZeroDivisionError: resample two",)
    assert "1 of 4 resamples failed" in found.status
    # It is not in the file: a later call tries it again.
    monkeypatch.setattr(resampling, "make_resample", make)
    assert same(plain, bootstrap_curve(SAMPLES, **QUICK, resume=path))


def test_failures_in_other_processes_are_counted_too():
    job = concurrent.futures.Future()
    job.set_exception(TypeError("unpickled"))
    assert resampling._outcome(3, job.result) == resampling.Failure(3, "TypeError: unpickled")


def test_a_resample_whose_curve_an_error_stopped_is_a_failure(monkeypatch):
    trace, calls = resampling.trace_curve, []

    def stopped(*given, **options):
        calls.append(1)
        curve = trace(*given, **options)
        status = f"{deadline.INTERNAL_ERROR} the curve at beta = 2 (KeyError: 1)"
        return dataclasses.replace(curve, status=status) if len(calls) == 3 else curve

    monkeypatch.setattr(resampling, "trace_curve", stopped)
    found = bootstrap_curve(SAMPLES, **QUICK)
    assert found.n_failed == 1
    assert len(found.i_xy) == 3
    assert "KeyError" in found.failures[0]


def test_a_time_limit_leaves_the_resamples_that_are_finished(plain, tmp_path, monkeypatch):
    make, made = resampling.make_resample, []

    def timed(recipe, reference, index):
        if len(made) == 2:
            raise deadline.OutOfTimeError
        made.append(index)
        return make(recipe, reference, index)

    monkeypatch.setattr(resampling, "make_resample", timed)
    path = tmp_path / "kept.h5"
    found = bootstrap_curve(SAMPLES, **QUICK, resume=path, time_limit=1000)
    assert np.array_equal(found.i_xy, plain.i_xy[:2])
    assert found.status.startswith("the time was up after 2 of 4 resamples")
    monkeypatch.setattr(resampling, "make_resample", make)
    assert same(plain, bootstrap_curve(SAMPLES, **QUICK, resume=path))


def test_without_time_for_the_curve_itself_there_is_no_resample(tmp_path):
    found = bootstrap_curve(SAMPLES, **QUICK, time_limit=1e-6)
    assert found.i_xy.shape == (0,)
    assert found.status.startswith("the time was up")
    assert np.isnan(found.band).all()
    loaded = load_result(save(found, tmp_path / "none.json"))
    assert loaded.status == found.status


def test_a_result_stored_before_failures_were_counted_can_be_read(plain, tmp_path):
    path = save(plain, tmp_path / "old.json")
    tree = json.loads(path.read_text())
    for name in ("n_failed", "failures", "status"):
        del tree[name]
    path.write_text(json.dumps(tree))
    old = load_result(path)
    assert (old.n_failed, old.failures, old.converged) == (0, (), True)
    assert same(plain, old)


@pytest.mark.parametrize("other", [{"seed": 1}, {"n_samples": 30}, {"max_loss": 1e-3}])
def test_a_file_of_other_options_is_refused(tmp_path, other):
    path = tmp_path / "resamples.h5"
    bootstrap_curve(binary_symmetric(), n_resamples=2, n_points=4, resume=path)
    with pytest.raises(InputError, match="delete it"):
        bootstrap_curve(binary_symmetric(), n_resamples=2, n_points=4, resume=path, **other)


def test_a_file_of_something_else_is_refused(plain, tmp_path):
    path = save(plain.reference, tmp_path / "curve.h5")
    with pytest.raises(InputError, match="something else"):
        bootstrap_curve(SAMPLES, **QUICK, resume=path)


def test_intervals_are_percentiles(plain):
    low, high = np.quantile(plain.i_xy, [0.025, 0.975])
    assert plain.i_xy_interval == pytest.approx([low, high])
    assert plain.beta_intervals.shape == (len(plain.reference.transitions), 2)
    onset = plain.beta_intervals[0]
    assert onset[0] <= np.nanmedian(plain.critical_betas[:, 0]) <= onset[1]
    assert plain.found_share[0] == 1.0
    band = plain.band[np.isfinite(plain.band).all(axis=1)]
    assert len(band) >= 4
    assert np.array_equal(band[0], [0.0, 0.0])
    assert (band[:, 0] <= band[:, 1]).all()


def test_the_spread_falls_with_the_number_of_samples():
    spreads = [np.std(bootstrap_curve(SAMPLES, **QUICK, n_samples=n).i_xy) for n in (12, 1200)]
    # Ten times smaller in expectation; four resamples know it to a factor of about two.
    assert spreads[0] > 3 * spreads[1]


def test_a_deterministic_label_is_resampled():
    # p(y) is drawn: I(X;Y) = H(Y) of the drawn shares, always with its jump at beta = 1.
    found = bootstrap_curve(deterministic([0.5, 0.3, 0.2]), n_resamples=5, n_samples=100)
    assert np.array_equal(found.critical_betas, np.ones((5, 1)))
    assert (found.i_xy <= np.log(3)).all()


def test_it_survives_its_file(plain, tmp_path):
    assert same(plain, load_result(save(plain, tmp_path / "bootstrap.h5")))


@pytest.mark.parametrize(
    "bad", [{"n_resamples": 1}, {"level": 1.0}, {"n_samples": 0}, {"n_rates": 1}, {"workers": 0}]
)
def test_options_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        bootstrap_curve(binary_symmetric(), **bad)
