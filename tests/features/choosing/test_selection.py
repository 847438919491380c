"""The layouts people have, each read right or refused with the options that settle it."""

import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features

X = np.random.default_rng(1).normal(size=(12, 3))
Y = np.arange(12) % 3


def read(source):
    return np.concatenate([x.copy() for x, _ in source.chunks()])


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        ("features", "labels"),
        ("FEATS", "Targets"),
        ("X", "y"),
        ("h", "y"),
        ("data", "label"),
        ("mid_embed", "class"),
        ("last_hidden_cls", "targs"),
        ("encoder/embeddings", "encoder/labels"),
        ("run/features", "labels"),
        ("penultimate_cls", "label1"),
        ("train/features", "train/labels"),
        ("train_features", "train_class"),
        ("X_train", "y_train"),
        ("features/layer_2", "labels"),
        ("layer_2/activations", "labels"),
        ("epoch_004/representations", "epoch_004/classes"),
    ],
)
def test_features_and_labels_are_found_by_their_names(hdf5, features, labels):
    source = open_features(hdf5({features: X, labels: Y, "weights": np.ones(12)}))
    np.testing.assert_array_equal(read(source), X)
    np.testing.assert_array_equal(source.labels, Y)
    assert features in source.description
    assert labels in source.description


@pytest.mark.parametrize(
    ("arrays", "flags", "choice", "expected"),
    [
        (
            {"train/X": X, "train/y": Y, "test/X": X[:6], "test/y": Y[:6]},
            ["--split train", "--split test"],
            {"split": "Test"},
            X[:6],
        ),
        (
            {"train_features": X, "val_features": X[:6], "train_labels": Y, "val_labels": Y[:6]},
            ["--split train", "--split val"],
            {"split": "validation"},
            X[:6],
        ),
        (
            {"activations/layer_1": X, "activations/layer_2": X[:, :2], "labels": Y},
            ["--layer layer_1", "--layer layer_2"],
            {"layer": "layer_2"},
            X[:, :2],
        ),
        (
            {"epoch_1/feats": X, "epoch_10/feats": -X, "labels": Y},
            ["--epoch 1", "--epoch 10"],
            {"epoch": 10},
            -X,
        ),
        (
            {"a/feats": X, "b/feats": -X, "labels": Y},
            ["--features-key a/feats", "--features-key b/feats"],
            {"group": "b"},
            -X,
        ),
        (
            {"feats": X, "X": -X, "labels": Y},
            ["--features-key feats", "--features-key X"],
            {"features_key": "/X"},
            -X,
        ),
        (
            {"encoder": X, "head": -X, "labels": Y},
            ["--features-key encoder", "--features-key head"],
            {"layer": "head"},
            -X,
        ),
        (
            {"feats": X, "labels/fine": Y, "labels/coarse": Y // 2},
            ["--labels-key labels/fine", "--labels-key labels/coarse"],
            {"labels_key": "labels/fine"},
            X,
        ),
    ],
)
def test_two_readings_are_refused_with_flags_that_choose(hdf5, arrays, flags, choice, expected):
    path = hdf5(arrays)
    with pytest.raises(FeatureFileError) as error:
        open_features(path)
    assert all(flag in str(error.value) for flag in flags)
    assert "\n" not in str(error.value)
    np.testing.assert_array_equal(read(open_features(path, **choice)), expected)


def test_an_unlabelled_split_is_no_second_reading(hdf5):
    source = open_features(hdf5({"train/X": X, "train/y": Y, "test/X": X[:5]}))
    assert source.split == "train"


def test_the_only_matrix_is_taken_when_no_name_tells(hdf5):
    source = open_features(hdf5({"resnet18_output": X, "labels": Y}))
    np.testing.assert_array_equal(read(source), X)


def test_an_unnamed_integer_array_is_never_taken_for_labels(hdf5):
    with pytest.raises(
        FeatureFileError, match=r"no labels for features.*predictions.*--labels-key"
    ):
        open_features(hdf5({"features": X, "predictions": Y}))


def test_features_are_missing(hdf5):
    with pytest.raises(FeatureFileError, match=r"no features .*labels int64.*--features-key"):
        open_features(hdf5({"labels": Y}))


def test_labels_of_another_length_are_named(hdf5):
    with pytest.raises(
        FeatureFileError, match=r"labels int64 \(11,\) for features float64 \(12, 3\)"
    ):
        open_features(hdf5({"features": X, "labels": Y[:11]}))


def test_a_key_that_is_not_there_lists_what_is(hdf5):
    with pytest.raises(
        FeatureFileError, match=r"--features-key Z: there is no such array; .*labels"
    ):
        open_features(hdf5({"features": X, "labels": Y}), features_key="Z")


def test_a_split_that_is_not_there_is_refused(hdf5):
    with pytest.raises(FeatureFileError, match="no features at split test"):
        open_features(hdf5({"train/X": X, "train/y": Y}), split="test")


def test_shards_are_joined_in_the_order_of_their_numbers(hdf5):
    arrays = {f"features_{i}": X[i : i + 1] for i in range(12)}
    source = open_features(hdf5({**arrays, "labels": Y}))
    np.testing.assert_array_equal(read(source), X)
    halves = {"batch_0/x": X[:6], "batch_1/x": X[6:], "batch_0/y": Y[:6], "batch_1/y": Y[6:]}
    source = open_features(hdf5(halves, "halves.h5"))
    np.testing.assert_array_equal(read(source), X)
    np.testing.assert_array_equal(source.labels, Y)


def test_a_missing_shard_is_named(hdf5):
    arrays = {"features_0": X[:4], "features_2": X[4:], "labels": Y}
    with pytest.raises(FeatureFileError, match="shard 1 is missing"):
        open_features(hdf5(arrays))


def test_numbered_matrices_of_full_length_are_layers_not_shards(hdf5):
    path = hdf5({"feat_1": X, "feat_2": -X, "labels": Y})
    with pytest.raises(FeatureFileError, match=r"--layer feat_1 .*--layer feat_2"):
        open_features(path)
    np.testing.assert_array_equal(read(open_features(path, layer="feat_2")), -X)


@pytest.mark.parametrize("count", [9, [9], [[9]]])
def test_padding_beyond_count_is_cut(hdf5, count):
    padded = np.where(np.arange(12)[:, None] < 9, X, 0.0)
    source = open_features(hdf5({"all_feats": padded, "all_labels": Y, "count": np.array(count)}))
    np.testing.assert_array_equal(read(source), X[:9])
    np.testing.assert_array_equal(source.labels, Y[:9])
    assert "3 rows of padding" in source.description


@pytest.mark.parametrize("count", [0, 13])
def test_a_count_that_cannot_be_is_refused(hdf5, count):
    with pytest.raises(FeatureFileError, match=f"count declares {count} samples"):
        open_features(hdf5({"all_feats": X, "all_labels": Y, "count": np.array([count])}))


def test_class_counts_are_no_padding_count(hdf5):
    source = open_features(hdf5({"features": X, "labels": Y, "count": np.array([4, 4, 4])}))
    assert source.n_samples == 12


def test_contents_list_what_select_can_go_to(hdf5):
    arrays = {
        f"epoch_{epoch}/{split}/{name}": values * (epoch + 1)
        for epoch in (0, 5)
        for split in ("train", "test")
        for name, values in (("X", X), ("y", Y))
    }
    source = open_features(hdf5(arrays), epoch=0, split="train")
    assert (source.contents.epochs, source.contents.splits) == ((0, 5), ("test", "train"))
    np.testing.assert_array_equal(read(source.select(epoch=5)), X * 6)
    assert source.select(epoch=5).split == "train"
