import errno
from pathlib import Path

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nn.killing import train_until_killed  # noqa: E402

from ibcollapse.errors import InputError, OutputError  # noqa: E402
from ibcollapse.nn import (  # noqa: E402
    TrainingPlan,
    run,
    train,
    trainer,
)
from ibcollapse.nn.unfinished import UnfinishedRun  # noqa: E402

pytestmark = pytest.mark.torch


def small_plan(mixture, **changes):
    options = {
        "data": str(mixture),
        "network": "mlp",
        "feature_dim": 8,
        "head_dim": 4,
        "epochs": 4,
        "checkpoints": (0, 2, 4),
        "batch_size": 20,
    }
    return TrainingPlan(**(options | changes))


def contents(path):
    """Every dataset and attribute of a file."""
    found = {}

    def keep(name, item):
        found.update({f"{name}@{key}": value for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            found[name] = item[...]

    with h5py.File(path) as file:
        found.update({f"@{key}": value for key, value in file.attrs.items()})
        file.visititems(keep)
    return found


def assert_same_contents(first, second):
    first, second = contents(first.path), contents(second.path)
    assert set(first) == set(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.parametrize("loss", ["supcon", "cross-entropy"])
def test_training_separates_the_digits(loss, tmp_path):
    plan = TrainingPlan(loss=loss, epochs=5, checkpoints=(0, 5), batch_size=64)
    with h5py.File(train(plan, tmp_path / "digits.h5").path) as file:
        first, last = file["epochs/000000"], file["epochs/000005"]
        assert last.attrs["train_accuracy"] > 0.95
        assert last.attrs["test_accuracy"] > 0.9
        assert last.attrs["test_accuracy"] > first.attrs["test_accuracy"]
        assert np.isfinite(last.attrs["loss"])
        assert last["train/features/encoder"].shape == (1297, 64)
        assert last["test/features/head"].shape == (500, 32)
        assert file.attrs["made_loss"] == loss
        assert list(file.attrs["class_names"]) == [str(digit) for digit in range(10)]
    assert [item.name for item in tmp_path.iterdir()] == ["digits.h5"]


def test_accuracies_are_those_of_the_stored_features(mixture, tmp_path):
    plan = small_plan(mixture, loss="cross-entropy", dtype="float64")
    with h5py.File(train(plan, tmp_path / "ce.h5").path) as file:
        epoch = file["epochs/000004"]
        weight, bias = epoch["classifier/weight"][...], epoch["classifier/bias"][...]
        assert epoch["classifier"].attrs["layer"] == "head"
        for split in ("train", "test"):
            logits = epoch[f"{split}/features/head"][...] @ weight.T + bias
            np.testing.assert_allclose(epoch[f"{split}/logits"][...], logits, rtol=0, atol=1e-5)
            hits = logits.argmax(axis=1) == epoch[f"{split}/labels"][...]
            assert epoch.attrs[f"{split}_accuracy"] == hits.mean()
    plan = small_plan(mixture, loss="supcon", dtype="float64")
    with h5py.File(train(plan, tmp_path / "supcon.h5").path) as file:
        epoch = file["epochs/000002"]
        head, labels = epoch["train/features/head"][...], epoch["train/labels"][...]
        means = np.array([head[labels == c].mean(axis=0) for c in range(3)])
        for split in ("train", "test"):
            x = epoch[f"{split}/features/head"][...]
            np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1.0, rtol=1e-6)
            nearest = np.linalg.norm(x[:, None] - means, axis=2).argmin(axis=1)
            hits = nearest == epoch[f"{split}/labels"][...]
            assert epoch.attrs[f"{split}_accuracy"] == hits.mean()


def test_without_head_the_classifier_reads_the_encoder(mixture, tmp_path):
    plan = small_plan(mixture, loss="cross-entropy", head_dim=0)
    with h5py.File(train(plan, tmp_path / "ce.h5").path) as file:
        epoch = file["epochs/000004"]
        assert set(epoch["train/features"]) == {"encoder"}
        assert epoch["classifier"].attrs["layer"] == "encoder"
        assert epoch["classifier/weight"].shape == (3, 8)


# Four batches an epoch: the fifteenth step is in the fourth epoch. Epoch 2 is a checkpoint.
@pytest.mark.parametrize(("save_every", "saved"), [("inf", 2), ("0", 3)])
def test_run_killed_in_mid_epoch_ends_with_the_same_bits(mixture, tmp_path, save_every, saved):
    plan = small_plan(mixture, loss="cross-entropy")
    killed, whole = tmp_path / "killed.h5", tmp_path / "whole.h5"
    train_until_killed(plan, killed, 15, save_every)
    assert not killed.exists()
    state = UnfinishedRun(Path(f"{killed}.unfinished")).load()
    assert state is not None
    assert state["epoch"] == saved
    assert_same_contents(train(plan, killed), train(plan, whole))


def test_run_interrupted_while_recording_ends_with_the_same_bits(mixture, tmp_path, monkeypatch):
    plan = small_plan(mixture)

    def interrupt(self, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        return load(self, epoch)

    load = UnfinishedRun.load_weights
    with monkeypatch.context() as patch:
        patch.setattr(UnfinishedRun, "load_weights", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(plan, tmp_path / "run.h5")
    assert not (tmp_path / "run.h5").exists()
    assert_same_contents(train(plan, tmp_path / "run.h5"), train(plan, tmp_path / "whole.h5"))


@pytest.mark.parametrize(("seconds", "saved"), [(0.9, [0, 3, 5, 7, 8]), (2.0, [*range(9)])])
def test_state_is_saved_at_checkpoints_and_every_other_second(
    mixture, tmp_path, monkeypatch, seconds, saved
):
    seen, now = [], [0.0]

    def epoch(self):
        train_epoch(self)
        now[0] += seconds

    train_epoch = run.Run.train_epoch
    monkeypatch.setattr(run.Run, "train_epoch", epoch)
    monkeypatch.setattr(trainer.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(UnfinishedRun, "save", lambda self, state: seen.append(state["epoch"]))
    train(small_plan(mixture, epochs=8, checkpoints=(0, 5, 7)), tmp_path / "run.h5")
    assert seen == saved


def test_finished_file_is_left_as_it_is(mixture, tmp_path):
    plan = small_plan(mixture)
    first = train(plan, tmp_path / "run.h5")
    made = first.path.stat().st_mtime_ns
    (tmp_path / "run.h5.unfinished").mkdir()
    again = train(plan, first.path)
    assert not (tmp_path / "run.h5.unfinished").exists()
    assert first.path.stat().st_mtime_ns == made
    np.testing.assert_array_equal(again.test_accuracy, first.test_accuracy)


def test_record_holds_the_metrics_of_the_file(mixture, tmp_path):
    record = train(small_plan(mixture), tmp_path / "run.h5")
    assert record.epochs.tolist() == [0, 2, 4]
    with h5py.File(record.path) as file:
        for i, epoch in enumerate(record.epochs):
            attrs = file[f"epochs/{epoch:06d}"].attrs
            assert record.train_accuracy[i] == attrs["train_accuracy"]
            assert record.test_accuracy[i] == attrs["test_accuracy"]
            assert record.loss[i] == attrs["loss"] if epoch else np.isnan(record.loss[i])


def test_workers_hold_for_the_run_only(mixture, tmp_path, monkeypatch):
    before = torch.get_num_threads()
    seen = []
    loss = run.batch_loss
    monkeypatch.setattr(
        run, "batch_loss", lambda *args: seen.append(torch.get_num_threads()) or loss(*args)
    )
    train(small_plan(mixture), tmp_path / "run.h5", workers=before + 1)
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_file_of_another_plan_is_not_overwritten(mixture, tmp_path):
    path = train(small_plan(mixture), tmp_path / "run.h5").path
    with pytest.raises(OutputError, match=r"made otherwise \(seed 0 instead of 1\)"):
        train(small_plan(mixture, seed=1), path)
    path.write_bytes(b"notes")
    with pytest.raises(OutputError, match="is no feature file"):
        train(small_plan(mixture), path)


def test_unfinished_run_of_another_plan_or_other_data_is_refused(mixture, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "batch_loss", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(small_plan(mixture), tmp_path / "run.h5")
    with pytest.raises(OutputError, match=r"another plan.*temperature 0\.1 instead of 1\.0"):
        train(small_plan(mixture, temperature=1.0), tmp_path / "run.h5")
    arrays = dict(np.load(mixture))
    arrays["x_train"][0] += 1.0
    np.savez(mixture, **arrays)
    with pytest.raises(OutputError, match="data_sha256"):
        train(small_plan(mixture), tmp_path / "run.h5")


def test_two_runs_of_one_output_refuse_each_other(mixture, tmp_path):
    unfinished = UnfinishedRun(tmp_path / "run.h5.unfinished")
    with unfinished.claimed(), pytest.raises(OutputError, match="another process is training"):
        train(small_plan(mixture), tmp_path / "run.h5")


def test_full_disk_is_one_clear_error(mixture, tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"state\.pt: No space left|\.pt: No space left"):
        train(small_plan(mixture), tmp_path / "run.h5")
    assert not (tmp_path / "run.h5").exists()


def test_output_folder_that_is_missing_is_named(mixture, tmp_path):
    with pytest.raises(OutputError, match=r"absent.*choose another output"):
        train(small_plan(mixture), tmp_path / "absent" / "run.h5")


def test_seeds_change_the_network_and_not_the_samples(mixture, tmp_path):
    options = {"imbalance": "long-tail", "imbalance_ratio": 5.0, "label_noise": 0.2}
    first = contents(train(small_plan(mixture, **options), tmp_path / "a.h5").path)
    second = contents(train(small_plan(mixture, seed=1, **options), tmp_path / "b.h5").path)
    for name in ("ids", "labels"):
        path = f"epochs/000004/train/{name}"
        np.testing.assert_array_equal(first[path], second[path])
    features = "epochs/000000/test/features/encoder"
    assert not np.array_equal(first[features], second[features])
    ids, labels = (first[f"epochs/000004/train/{name}"] for name in ("ids", "labels"))
    # 30 of each class become 30, round(30 / √5) = 13 and 6; a fifth of the 49 labels is changed.
    assert np.bincount(ids % 3).tolist() == [30, 13, 6]
    assert np.sum(labels != ids % 3) == 10


def test_unknown_device_is_named(mixture, tmp_path):
    with pytest.raises(InputError, match="device 'abacus' is unknown"):
        train(small_plan(mixture, device="abacus"), tmp_path / "run.h5")
    assert [item.name for item in tmp_path.iterdir()] == ["mixture.npz"]


def test_divergence_stops_the_run(mixture, tmp_path):
    with pytest.raises(InputError, match=r"loss became (nan|inf) in epoch \d; use a learning_rate"):
        train(small_plan(mixture, loss="cross-entropy", learning_rate=1e9), tmp_path / "run.h5")
    assert not (tmp_path / "run.h5").exists()
