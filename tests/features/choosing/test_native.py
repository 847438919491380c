import h5py
import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import FeatureWriter, open_features


@pytest.fixture
def path(tmp_path, samples):
    """Two epochs, two splits, two layers; a classifier of the encoder at each epoch."""
    x, y = samples
    target = tmp_path / "run.h5"
    with FeatureWriter(target, class_names=["a", "b", "c"], provenance={"seed": 3}) as writer:
        for epoch in (0, 20):
            for split, n in (("train", 12), ("test", 6)):
                layers = {"encoder": x[:n] + epoch, "head": x[:n, :2]}
                writer.append(layers, y[:n], epoch=epoch, split=split, ids=np.arange(n))
            writer.classifier(
                np.full((3, 3), float(epoch)), [1, 2, 3], layer="encoder", epoch=epoch
            )
            writer.metrics(epoch=epoch, test_accuracy=epoch / 20)
    return target


def test_defaults_are_the_first_layer_the_train_split_and_the_last_epoch(path, samples, whole):
    source = open_features(path)
    assert (source.layer, source.epoch, source.split) == ("encoder", 20, "train")
    np.testing.assert_array_equal(whole(source)[0], samples[0] + 20)
    assert source.class_names == ("a", "b", "c")
    assert "layer encoder (the file's default) at epoch 20 (the last)" in source.description


def test_contents_list_layers_epochs_splits_and_metrics(path):
    contents = open_features(path).contents
    assert contents.layers == ("encoder", "head")
    assert contents.epochs == (0, 20)
    assert contents.splits == ("test", "train")
    assert contents.metrics == {0: {"test_accuracy": 0.0}, 20: {"test_accuracy": 1.0}}


def test_select_moves_along_the_file(path, samples, whole):
    source = open_features(path).select(epoch=0, split="test")
    assert (source.layer, source.epoch, source.split) == ("encoder", 0, "test")
    np.testing.assert_array_equal(whole(source)[0], samples[0][:6])
    assert source.select(layer="head").n_features == 2


def test_the_classifier_belongs_to_its_layer(path):
    source = open_features(path)
    np.testing.assert_array_equal(source.classifier.weight, np.full((3, 3), 20.0))
    np.testing.assert_array_equal(source.classifier.bias, [1.0, 2.0, 3.0])
    assert not source.classifier.weight.flags.writeable
    assert source.select(layer="head").classifier is None


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"layer": "stem"}, "no layer stem; there is encoder, head"),
        ({"epoch": 7}, "no epoch 7; there is 0, 20"),
        ({"split": "val"}, "no split val; there is test, train"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(path, choice, words):
    with pytest.raises(FeatureFileError, match=words):
        open_features(path, **choice)


def test_a_file_without_the_default_split_asks(tmp_path, samples):
    target = tmp_path / "run.h5"
    with FeatureWriter(target) as writer:
        for split in ("val", "test"):
            writer.append({"h": samples[0]}, samples[1], epoch=1, split=split)
    with pytest.raises(FeatureFileError, match="no split train; there is test, val"):
        open_features(target)
    assert open_features(target, split="val").split == "val"


def test_a_newer_version_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 2
    with pytest.raises(FeatureFileError, match="version 2; this library reads up to 1: upgrade"):
        open_features(path)


def test_keys_reach_below_the_layout(path, samples, whole):
    source = open_features(path, features_key="epochs/000000/test/features/head")
    np.testing.assert_array_equal(whole(source)[0], samples[0][:6, :2])


def test_epochs_written_by_hand_without_padding_are_found(path):
    with h5py.File(path, "r+") as file:
        file.move("epochs/000000", "epochs/3")
    source = open_features(path, epoch=3)
    np.testing.assert_array_equal(source.classifier.weight, np.zeros((3, 3)))


def test_metrics_alone_make_no_epoch(path):
    with h5py.File(path, "r+") as file:
        file.create_group("epochs/000030").attrs["loss"] = 0.1
    assert open_features(path).epoch == 20


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("format_version", "one", "feature-file version one"),
        ("default_layer", np.arange(3), "no layer .0 1 2."),
        ("default_split", 7, "no split 7"),
        ("class_names", "abc", "class_names is no list of names"),
        ("class_names", np.arange(2.0), "label 2 for 2 class_names"),
    ],
)
def test_attributes_of_another_kind_are_refused(path, name, value, words):
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value
    with pytest.raises(FeatureFileError, match=words):
        open_features(path)


def test_a_default_that_was_removed_is_asked_for(path):
    with h5py.File(path, "r+") as file:
        del file.attrs["default_layer"]
    with pytest.raises(FeatureFileError, match="no default layer; there is encoder, head"):
        open_features(path)


def test_features_without_labels_are_named(path):
    with h5py.File(path, "r+") as file:
        del file["epochs/000020/train/labels"]
    with pytest.raises(FeatureFileError, match="no labels beside epochs/000020/train/features/enc"):
        open_features(path)
    with h5py.File(path, "r+") as file:
        del file["epochs"]
    with pytest.raises(FeatureFileError, match="no features below /epochs"):
        open_features(path)
