import dataclasses

import numpy as np
import pytest
from trajectory.runs import FAST, write_run

import ibcollapse as ib
from ibcollapse.features import FeatureWriter
from ibcollapse.trajectory.hits import hits_behind, predictions


def write_logits(path, *, ids=None, rows=slice(None), epoch=0):
    rng, y = np.random.default_rng(0), np.arange(40) % 4
    x, logits = rng.normal(size=(40, 3)), np.eye(4)[(y + (np.arange(40) < 10)) % 4]
    with FeatureWriter(path) as writer:
        writer.append(
            {"head": x[rows]},
            y[rows],
            epoch=epoch,
            split="test",
            ids=None if ids is None else ids[rows],
            logits=logits[rows],
        )
    return ib.open_features(path)


def test_stored_logits_say_which_samples_are_right(tmp_path):
    source = write_logits(tmp_path / "a.h5")
    (hits,) = predictions(source)
    np.testing.assert_array_equal(hits.right, np.arange(40) >= 10)
    assert (hits.accuracy, hits.predicted_by) == (0.75, "stored logits")
    # One sample is what rounding may move; two are another predictor.
    assert hits_behind(source, 0.775) is not None
    assert hits_behind(source, 0.8) is None


def test_samples_are_sorted_by_their_ids(tmp_path):
    ids, order = np.arange(40) + 100, np.random.default_rng(1).permutation(40)
    plain = next(predictions(write_logits(tmp_path / "a.h5", ids=ids)))
    mixed = next(predictions(write_logits(tmp_path / "b.h5", ids=ids, rows=order)))
    assert mixed.samples == plain.samples
    np.testing.assert_array_equal(mixed.right, plain.right)
    without = next(predictions(write_logits(tmp_path / "c.h5")))
    assert without.samples != plain.samples


def test_class_means_of_the_last_layer_explain_the_accuracy_at_every_layer(tmp_path):
    rng, y = np.random.default_rng(2), np.arange(90) % 3
    with FeatureWriter(tmp_path / "a.h5") as writer:
        for split in ("train", "test"):
            head = 1.5 * np.eye(3)[y] + rng.normal(size=(90, 3))
            writer.append(
                {"encoder": rng.normal(size=(90, 2)), "head": head}, y, epoch=0, split=split
            )
    layers = {
        layer: ib.open_features(tmp_path / "a.h5", layer=layer, split="test")
        for layer in ("encoder", "head")
    }
    (own,) = predictions(layers["head"])
    found = hits_behind(layers["encoder"], own.accuracy)
    np.testing.assert_array_equal(found.packed, own.packed)
    assert found.predicted_by == "nearest class mean of train, layer head"
    assert hits_behind(layers["head"], own.accuracy).predicted_by == own.predicted_by


def test_a_run_pairs_its_checkpoints_where_predictions_are_known(tmp_path):
    file = write_run(tmp_path / "a.h5", 1, epochs=(0, 4), metrics=False, train=True)
    store = tmp_path / "out.json"
    found = ib.dynamics(file, options=FAST, split="test", store=store)
    for checkpoint in found.checkpoints:
        assert checkpoint.hits.predicted_by == "nearest class mean of train"
        assert checkpoint.accuracy == checkpoint.hits.accuracy
    statement = found.state("labels")
    assert statement.plateau_noise == "paired predictions"
    assert ib.load_result(store).state("labels") == statement
    # A checkpoint of other samples, or one that keeps none, cannot be paired.
    first, last = found.checkpoints
    other = dataclasses.replace(first, hits=dataclasses.replace(first.hits, samples="other"))
    for changed in (other, dataclasses.replace(first, hits=None)):
        apart = dataclasses.replace(found, checkpoints=(changed, last)).state("labels")
        assert apart.plateau_noise == "independent binomials"


def test_a_stored_accuracy_of_something_else_keeps_no_predictions(tmp_path):
    # The runs' stored accuracies are invented: no nearest mean has them.
    file = write_run(tmp_path / "a.h5", 1, epochs=(0,), train=True)
    found = ib.dynamics(file, options=FAST, split="test")
    assert found.checkpoints[0].accuracy == pytest.approx(0.5)
    assert found.checkpoints[0].hits is None
