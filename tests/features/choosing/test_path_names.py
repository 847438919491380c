import pytest

from ibcollapse.features.choosing.path_names import FEATURE_NAMES, LABEL_NAMES, read_name


@pytest.mark.parametrize("name", sorted(FEATURE_NAMES))
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_feature_names_in_any_case(name, case):
    assert read_name(case(name)).role == "features"


@pytest.mark.parametrize("name", sorted(LABEL_NAMES))
def test_label_names_in_any_case(name):
    assert read_name(name.upper()).role == "labels"


@pytest.mark.parametrize(
    ("key", "role", "split", "epoch", "layer", "shards", "context"),
    [
        ("train/features", "features", "train", None, None, (), ()),
        ("Train/X", "features", "train", None, None, (), ()),
        ("X_train", "features", "train", None, None, (), ()),
        ("features_val", "features", "val", None, None, (), ()),
        ("validation_feats", "features", "val", None, None, (), ()),
        ("train_class", "labels", "train", None, None, (), ()),
        ("activations/layer_3", "features", None, None, "layer_3", (), ()),
        ("layer_3/activations", "features", None, None, "layer_3", (), ()),
        ("features/encoder", "features", None, None, "encoder", (), ()),
        ("layer4.1/features", "features", None, None, "layer4.1", (), ()),
        ("epoch_010/test/embeddings", "features", "test", 10, None, (), ()),
        ("ckpt20/feats", "features", None, 20, None, (), ()),
        ("features_epoch_7", "features", None, 7, None, (), ()),
        ("train_layer_2_features", "features", "train", None, "layer_2", (), ()),
        ("features_00", "features", None, None, None, (0,), ()),
        ("batch_3/labels", "labels", None, None, None, (3,), ()),
        ("resnet18/features", "features", None, None, None, (), ("resnet18",)),
        ("labels/fine", "labels", None, None, None, (), ()),
        ("data/labels", "labels", None, None, None, (), ()),
        ("train/count", "count", "train", None, None, (), ()),
        ("train/notes", "", "train", None, None, (), ("notes",)),
        ("resnet18", "", None, None, None, (), ("resnet18",)),
        ("class_names", "", None, None, None, (), ("class_names",)),
    ],
)
def test_reading_of_a_path(key, role, split, epoch, layer, shards, context):
    found = read_name(key)
    assert (found.role, found.split, found.epoch) == (role, split, epoch)
    assert (found.layer, found.shards, found.context) == (layer, shards, context)


def test_labels_of_a_split_agree_with_its_features_only():
    features = read_name("train/features")
    assert read_name("train/labels").agrees_with(features)
    assert read_name("labels").agrees_with(features)
    assert not read_name("test/labels").agrees_with(features)
    assert read_name("test/labels").contradicts(features)


def test_labels_in_the_groups_around_the_features_agree():
    features = read_name("resnet/deep/features")
    assert read_name("resnet/labels").agrees_with(features)
    assert not read_name("vgg/labels").agrees_with(features)
    assert not read_name("vgg/labels").contradicts(features)


def test_a_very_long_name_is_read_in_no_time():
    # A name of this length with nested repetition would take a backtracking pattern minutes.
    assert read_name("layer_1" + ".a" * 50_000 + "!").role == ""
