import sys

import numpy as np
import pytest
from trajectory.runs import FAST, write_run

import ibcollapse as ib
from ibcollapse.coincidence import CoincidenceOptions
from ibcollapse.errors import InputError, OutputError
from ibcollapse.trajectory import run as running
from ibcollapse.trajectory import state


@pytest.fixture(autouse=True)
def no_bottleneck_package(monkeypatch):
    """Pandas, when it is first imported, must not take tests/bottleneck for that package."""
    if "pandas" not in sys.modules:
        monkeypatch.setitem(sys.modules, "bottleneck", None)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return write_run(folder / "a.h5", 1), write_run(folder / "b.h5", 2)


@pytest.fixture(scope="module")
def found(files):
    return ib.dynamics(*files, options=FAST)


def test_every_checkpoint_of_both_is_measured(found):
    assert found.epochs.tolist() == [0, 1, 4]
    assert found.finished
    table = found.to_pandas()
    assert table["accuracy"].tolist() == [0.5, 0.9, 0.95]
    assert found.checkpoints[0].accuracy_source == "stored test_accuracy"
    # The classes move apart: every measure of collapse has to see it.
    for name in ("nc1", "excess", "excess_bound", "labels_beta_last", "onset"):
        assert table[name].is_monotonic_decreasing, name
    assert (table["excess"] <= table["excess_bound"]).all()
    assert table["i_xy_held_out"].is_monotonic_increasing
    assert table["cca_identified"].iloc[-1] > 0.9
    assert table["pair_mir"].notna().all()


def test_statements_say_when_transitions_are_included(found):
    by_name = {s.bottleneck: s for s in found.statements}
    assert set(by_name) == {"labels", "pair", "meta-Gaussian", "discrete"}
    table = found.to_pandas()
    for beta in (1.05, 1.5, 3.0, 20.0):
        statement = found.state("labels", beta=beta)
        wanted = table.loc[table["labels_beta_last"] <= beta, "epoch"]
        assert statement.epoch_included == (wanted.min() if len(wanted) else np.inf)
        # The low end of a beta lets a transition in no later than its high end.
        assert statement.included_low <= statement.epoch_included <= statement.included_high
    assert by_name["labels"].epoch_plateau == 4
    assert by_name["labels"].n_transitions == 2
    exact = found.state("discrete", beta=3.0)
    assert exact.included_low <= exact.epoch_included <= exact.included_high


def test_verdicts_follow_from_the_epochs(found):
    late = found.state("labels", beta=1.0 + 1e-6)
    assert not late.coincides
    assert not late.sufficient
    assert "never all included" in late.text
    # At a huge beta everything is included at once, and accuracy still grows (90 samples leave
    # the interval of its plateau at the last two epochs).
    early = found.state("pair", beta=1e6, tolerance=0.0)
    assert early.epoch_included < early.epoch_plateau
    assert not early.sufficient
    flat = state(found.checkpoints[-1:], "labels", beta=1e6)
    assert flat.coincides
    assert flat.sufficient
    assert "coincide" in flat.text


def test_store_resumes_and_keeps_what_was_finished(files, found, tmp_path, monkeypatch):
    store = tmp_path / "dynamics.h5"
    measure, done = running.measure_checkpoint, []

    def stop_after_one(*arguments):
        if done:
            raise KeyboardInterrupt
        done.append(measure(*arguments))
        return done[-1]

    monkeypatch.setattr(running, "measure_checkpoint", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        ib.dynamics(*files, options=FAST, store=store)
    assert ib.load_result(store).epochs.tolist() == [0]
    again = []

    def count(*arguments):
        again.append(arguments[0].epoch)
        return measure(*arguments)

    monkeypatch.setattr(running, "measure_checkpoint", count)
    resumed = ib.dynamics(*files, options=FAST, store=store)
    assert again == [1, 4]
    # NaN is no number and equal to none; as text every column has to agree, to the last bit.
    assert str(resumed.columns()) == str(found.columns())
    loaded = ib.load_result(store)
    assert [s.text for s in loaded.statements] == [s.text for s in found.statements]
    # Another beta is another question to the same measurements.
    assert ib.dynamics(*files, options=FAST, store=store, beta=3.0).beta == 3.0
    assert again == [1, 4]


def test_store_of_something_else_is_refused(files, tmp_path):
    store = tmp_path / "dynamics.json"
    ib.dynamics(files[0], options=FAST, store=store, epochs=[4])
    with pytest.raises(OutputError, match="options folds"):
        ib.dynamics(files[0], options=CoincidenceOptions(folds=3), store=store, epochs=[4])
    with pytest.raises(OutputError, match=r"layer_2|features"):
        ib.dynamics(*files, options=FAST, store=store, epochs=[4])


def test_epochs_that_only_one_network_has_are_named(files, tmp_path):
    other = write_run(tmp_path / "c.h5", 3, epochs=(1, 4, 9))
    with pytest.raises(InputError, match=r"\[0\] are not stored"):
        ib.dynamics(files[0], other, epochs=[0], options=FAST)
    found = ib.dynamics(files[0], other, epochs=[4], options=FAST)
    assert found.epochs.tolist() == [4]
    common, notes = running._common_epochs([ib.open_features(f) for f in (files[0], other)], None)
    assert common == [1, 4]
    assert "[0, 9]" in notes[0]


def test_accuracy_without_a_stored_one(tmp_path):
    own = write_run(tmp_path / "own.h5", 1, epochs=(0,), metrics=False, train=True)
    found = ib.dynamics(own, options=FAST, split="test").checkpoints[0]
    assert found.accuracy_source == "nearest class mean of train"
    train, test = (ib.open_features(own, split=s) for s in ("train", "test"))
    (x, y), (z, labels) = (next(iter(s.chunks())) for s in (train, test))
    means = np.stack([x[y == c].mean(axis=0) for c in range(3)])
    nearest = np.argmin(((z[:, None] - means) ** 2).sum(axis=2), axis=1)
    assert found.accuracy == pytest.approx(np.mean(nearest == labels))
    lone = write_run(tmp_path / "lone.h5", 1, epochs=(0,), metrics=False)
    assert (
        ib.dynamics(lone, options=FAST).checkpoints[0].accuracy_source == "cross-fitted Gaussians"
    )


@pytest.mark.parametrize("wrong", [{"beta": 1.0}, {"tolerance": 1.0}, {"epoch": 3}])
def test_wrong_arguments_are_refused(files, wrong):
    with pytest.raises(InputError):
        ib.dynamics(files[0], **wrong)
