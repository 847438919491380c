"""The count of steps until the training labels are fitted."""

import dataclasses

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ibcollapse.errors import InputError, OutputError  # noqa: E402
from ibcollapse.nn import TrainingPlan, train  # noqa: E402
from ibcollapse.nn.accuracy import (  # noqa: E402
    accuracies,
    attainable_accuracy,
    training_accuracy,
)
from ibcollapse.nn.datasets import Samples, load_dataset  # noqa: E402
from ibcollapse.nn.record import read_record  # noqa: E402
from ibcollapse.nn.run import FIT_SHARE, Run  # noqa: E402

pytestmark = pytest.mark.torch

LOSSES = ("supcon", "cross-entropy")


def fit_plan(mixture, **changes):
    # Four batches of 20 an epoch; the rest of 90 is left out.
    options = {
        "data": str(mixture),
        "network": "mlp",
        "feature_dim": 8,
        "head_dim": 4,
        "epochs": 12,
        "checkpoints": (0, 12),
        "batch_size": 20,
        "loss": "supcon",
        "fit_every": 1,
    }
    options |= changes
    # Rates at which this mixture is fitted after a few of the 48 steps.
    rate = {"supcon": 0.01, "cross-entropy": 0.1}[options["loss"]]
    return TrainingPlan(**({"learning_rate": rate, "schedule": "constant"} | options))


def samples(inputs, labels):
    return Samples(
        torch.tensor(inputs, dtype=torch.float32),
        torch.tensor(labels),
        torch.arange(len(labels)),
    )


def test_attainable_accuracy_counts_the_commonest_label_of_each_input():
    # Twice [0, 1] with the labels 2, 2, 0 and once [1, 0]: three of four can be right.
    repeated = [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    assert attainable_accuracy(samples(repeated, [2, 2, 0, 1])) == 0.75
    assert attainable_accuracy(samples(repeated, [2, 2, 2, 1])) == 1.0
    assert attainable_accuracy(samples([[0.0], [1.0]], [0, 1])) == 1.0


@pytest.mark.parametrize("loss", LOSSES)
def test_training_accuracy_is_the_first_of_the_accuracies(loss, mixture):
    plan = fit_plan(mixture, loss=loss)
    data = load_dataset(plan.data)
    run = Run(plan, data)
    run.train_epoch()
    assert training_accuracy(run.network, data) == accuracies(run.network, data)[0]


def accuracy_after_each_step(plan, monkeypatch):
    """The naive reference: the measurement after every step of the whole run."""
    data = load_dataset(plan.data)
    run = Run(dataclasses.replace(plan, fit_every=0), data)
    found = []
    step = run._optimizer.step

    def measured_step():
        step()
        found.append(training_accuracy(run.network, data))

    monkeypatch.setattr(run._optimizer, "step", measured_step)
    while not run.finished:
        run.train_epoch()
    return found


@pytest.mark.parametrize("loss", LOSSES)
def test_steps_to_fit_is_the_first_step_at_the_threshold(loss, mixture, tmp_path, monkeypatch):
    plan = fit_plan(mixture, loss=loss)
    path_of = accuracy_after_each_step(plan, monkeypatch)
    first = 1 + next(i for i, share in enumerate(path_of) if share >= FIT_SHARE)
    record = train(plan, tmp_path / "run.h5")
    assert record.steps_to_fit == first > 1
    assert record.attainable_accuracy == 1.0
    assert record.steps.tolist() == [0, 48]
    # Looking at every third step only finds the first multiple of three at the threshold.
    coarse = next(i for i in range(3, 49, 3) if path_of[i - 1] >= FIT_SHARE)
    assert train(dataclasses.replace(plan, fit_every=3), tmp_path / "3.h5").steps_to_fit == coarse


@pytest.mark.parametrize("loss", LOSSES)
def test_measuring_changes_no_feature(loss, mixture, tmp_path):
    plain = fit_plan(mixture, loss=loss, fit_every=0)
    records = [
        train(plan, tmp_path / f"{i}.h5")
        for i, plan in enumerate((plain, dataclasses.replace(plain, fit_every=1)))
    ]
    assert records[0].steps_to_fit is None
    assert np.isnan(records[0].attainable_accuracy)
    name = "epochs/000012/test/features/head"
    with h5py.File(records[0].path) as one, h5py.File(records[1].path) as other:
        np.testing.assert_array_equal(one[name][...], other[name][...])


def test_stopping_at_fit_ends_with_that_epoch(mixture, tmp_path):
    plan = fit_plan(mixture, checkpoints=(0, 1, 12), epochs=12)
    whole = train(plan, tmp_path / "whole.h5")
    stopped = train(dataclasses.replace(plan, stop_at_fit=True), tmp_path / "stopped.h5")
    assert stopped.steps_to_fit == whole.steps_to_fit
    last = -(-stopped.steps_to_fit // 4)
    assert 1 < last < 12
    assert stopped.epochs.tolist() == [0, 1, last]
    assert stopped.steps.tolist() == [0, 4, 4 * last]
    # The fit is in the history of the epochs from then on.
    with h5py.File(stopped.path) as file:
        assert "steps_to_fit" not in file["epochs/000001"].attrs
        assert file[f"epochs/{last:06d}"].attrs["steps_to_fit"] == stopped.steps_to_fit


def test_labels_that_cannot_be_learned_in_time_are_not_fitted(mixture, tmp_path):
    plan = fit_plan(mixture, label_noise=0.6, epochs=2, checkpoints=(2,), stop_at_fit=True)
    record = train(plan, tmp_path / "run.h5")
    assert record.steps_to_fit is None
    assert record.epochs.tolist() == [2]


def test_resumed_run_keeps_the_count(mixture, tmp_path, monkeypatch):
    plan = fit_plan(mixture, stop_at_fit=True)
    train_epoch = Run.train_epoch

    def interrupt(self):
        if self.epoch == 1:
            raise KeyboardInterrupt
        train_epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "train_epoch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(plan, tmp_path / "run.h5")
    whole, resumed = train(plan, tmp_path / "whole.h5"), train(plan, tmp_path / "run.h5")
    assert resumed.steps_to_fit == whole.steps_to_fit
    np.testing.assert_array_equal(resumed.steps, whole.steps)
    np.testing.assert_array_equal(resumed.loss, whole.loss)


def test_file_from_before_the_count_is_read_and_left_as_it_is(mixture, tmp_path):
    plan = fit_plan(mixture, fit_every=0, schedule="steps", epochs=2, checkpoints=(0, 2))
    path = train(plan, tmp_path / "run.h5").path
    with h5py.File(path, "r+") as file:
        for name in ("fit_every", "stop_at_fit", "schedule"):
            del file.attrs[f"made_{name}"]
        for epoch in file["epochs"].values():
            del epoch.attrs["steps"]
    assert np.isnan(train(plan, path).steps).all()
    assert read_record(path).steps_to_fit is None
    with pytest.raises(OutputError, match=r"fit_every 0 instead of 1"):
        train(dataclasses.replace(plan, fit_every=1), path)


def test_stopping_without_measuring_is_refused():
    with pytest.raises(InputError, match="fit_every of at least 1"):
        TrainingPlan(stop_at_fit=True)


def test_constant_schedule_keeps_the_rate():
    plan = TrainingPlan(epochs=8, learning_rate=0.3, schedule="constant")
    assert {plan.learning_rate_at(epoch) for epoch in range(1, 9)} == {0.3}
