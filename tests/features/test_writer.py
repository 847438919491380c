import subprocess
import sys

import h5py
import numpy as np
import pytest

from ibcollapse.errors import InputError, OutputError
from ibcollapse.features import FeatureWriter, open_features


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.h5"


def test_batches_come_back_as_they_went_in(path, whole):
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(n, 4)), rng.integers(0, 2, n)) for n in (7, 1, 0, 300, 2)]
    with FeatureWriter(path) as writer:
        for x, y in batches:
            writer.append({"h": x}, y, epoch=3, split="train")
    found, labels = whole(open_features(path))
    np.testing.assert_array_equal(found, np.concatenate([x for x, _ in batches]))
    np.testing.assert_array_equal(labels, np.concatenate([y for _, y in batches]))


def test_the_layout_is_the_documented_one(path, samples):
    x, y = samples
    with FeatureWriter(path, class_names=["a", "b", "c"], provenance={"loss": "ce"}) as writer:
        writer.append({"h": x, "g": x[:, :1]}, y, epoch=3, split="test", ids=y + 3 * np.arange(12))
        writer.append({"h": x}, y, epoch=4, split="train", logits=np.eye(12))
        writer.classifier(np.eye(3), np.zeros(3), layer="h", epoch=3)
        writer.metrics(epoch=3, loss=0.5)
    with h5py.File(path) as file:
        keys = []
        file.visititems(lambda k, item: keys.append(k) if isinstance(item, h5py.Dataset) else None)
        attrs = dict(file.attrs)
        assert file["epochs/000003"].attrs["loss"] == 0.5
        assert file["epochs/000003/classifier"].attrs["layer"] == "h"
    assert sorted(keys) == [
        "epochs/000003/classifier/bias",
        "epochs/000003/classifier/weight",
        "epochs/000003/test/features/g",
        "epochs/000003/test/features/h",
        "epochs/000003/test/ids",
        "epochs/000003/test/labels",
        "epochs/000004/train/features/h",
        "epochs/000004/train/labels",
        "epochs/000004/train/logits",
    ]
    assert (attrs["format"], attrs["format_version"]) == ("ibcollapse-features", 1)
    assert (attrs["default_layer"], attrs["default_split"]) == ("h", "train")
    assert (list(attrs["class_names"]), attrs["made_loss"]) == (["a", "b", "c"], "ce")


def test_string_labels_and_ids_come_back(path, samples):
    names = np.array(["cat", "dog", "émeu"])[samples[1]]
    ids = [f"image {i}" for i in range(12)]
    with FeatureWriter(path) as writer:
        writer.append({"h": samples[0][:5]}, names[:5], epoch=0, ids=ids[:5])
        writer.append({"h": samples[0][5:]}, names[5:], epoch=0, ids=ids[5:])
    source = open_features(path)
    assert source.class_names == ("cat", "dog", "émeu")
    assert list(source.ids) == ids


@pytest.mark.torch
def test_tensors_are_detached(path, whole):
    torch = pytest.importorskip("torch")
    x = torch.arange(8.0).reshape(4, 2).requires_grad_()
    with FeatureWriter(path) as writer:
        writer.append({"h": x}, torch.tensor([0, 1, 0, 1]), epoch=0)
    np.testing.assert_array_equal(whole(open_features(path))[0], x.detach().numpy())


def test_epochs_can_be_taken_up_again(path, samples):
    x, y = samples
    with FeatureWriter(path) as writer:
        for epoch in (0, 1, 0):
            writer.append({"h": x}, y, epoch=epoch, ids=np.arange(12) + 100 * epoch)
            if epoch == 1:
                with pytest.raises(InputError, match="appear twice"):
                    writer.append({"h": x}, y, epoch=0, ids=np.arange(12))
                y, x = y[:6], x[:6]
                writer.append({"h": x}, y, epoch=0, ids=np.arange(12, 18))
                break
    assert open_features(path, epoch=0).n_samples == 18


def test_equal_input_gives_equal_bytes(tmp_path, samples):
    for name in ("a.h5", "b.h5"):
        with FeatureWriter(tmp_path / name, provenance={"seed": 1}) as writer:
            writer.append({"h": samples[0]}, samples[1], epoch=0)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_float16_storage_rounds_and_refuses_overflow(path, samples):
    with FeatureWriter(path, dtype="float16", compression=None) as writer:
        writer.append({"h": samples[0]}, samples[1], epoch=0)
        with pytest.raises(InputError, match=r"layer 'h': values up to 1e\+05 overflow float16"):
            writer.append({"h": np.full((1, 3), 1e5)}, [0], epoch=0)
    with h5py.File(path) as file:
        stored = file["epochs/000000/train/features/h"]
        assert (stored.dtype, stored.compression) == (np.float16, None)
        np.testing.assert_array_equal(stored, samples[0].astype(np.float16))


@pytest.mark.parametrize(
    ("features", "labels", "options", "words"),
    [
        ({}, [0], {}, "expected a mapping"),
        ({"h": np.ones((2, 3))}, [0], {}, "layer 'h': 2 rows for 1 labels"),
        ({"h": np.ones(3)}, [0, 1, 2], {}, r"float64 \(3,\), expected float16/32/64"),
        ({"h": np.ones((2, 3), complex)}, [0, 1], {}, "complex128"),
        ({"a/b": np.ones((2, 3))}, [0, 1], {}, "without '/'"),
        ({"h": np.ones((2, 3))}, [0.5, 1], {}, "labels: float64"),
        ({"h": np.ones((2, 3))}, [0, -2], {}, "labels: .-2. outside"),
        ({"h": np.ones((2, 3))}, [0, 1], {"ids": [1, 1], "epoch": 5}, r"\[1\] appear twice"),
        ({"h": np.ones((2, 3))}, [0, 1], {"ids": [1]}, "expected 2 integers or strings"),
        ({"h": np.ones((2, 3))}, [0, 1], {"epoch": -1}, "epoch -1"),
        ({"h": np.ones((2, 3))}, [0, 1], {"split": "a/b"}, "split 'a/b'"),
        ({"h": np.ones((2, 3))}, [0, 1], {"split": "classifier"}, "kept for the classifier"),
        ({"h": np.ones((2, 4))}, [0, 1], {}, r"\(2, 4\), the rows before it are float32 \(12, 3\)"),
        ({"g": np.ones((2, 3))}, [0, 1], {}, "before it had features/h, labels"),
        ({"h": np.ones((2, 3))}, ["a", "b"], {}, "the rows before it are int64"),
        ({"h": np.ones((2, 3))}, [0, 1], {"logits": np.ones((2, 2))}, "has .*logits"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_and_nothing_of_it_written(
    path, samples, features, labels, options, words
):
    with FeatureWriter(path) as writer:
        writer.append({"h": samples[0]}, samples[1], epoch=0)
        with pytest.raises(InputError, match=words):
            writer.append(features, labels, **{"epoch": 0, **options})
        writer.append({"h": samples[0]}, samples[1], epoch=0)
    assert open_features(path).n_samples == 24


def test_labels_are_checked_against_the_declared_classes(path):
    with FeatureWriter(path, class_names=["a", "b"]) as writer:
        with pytest.raises(InputError, match=r"\[2\] outside the classes"):
            writer.append({"h": np.ones((2, 1))}, [0, 2], epoch=0)
        with pytest.raises(InputError, match=r"\['c'\] outside the classes"):
            writer.append({"h": np.ones((2, 1))}, ["a", "c"], epoch=0)
        writer.append({"h": np.ones((4, 1))}, [0, 1, 1, 0], epoch=0)


def test_the_declared_default_layer_must_be_written(path):
    with (
        pytest.raises(InputError, match="default_layer 'stem' is none of the layers appended"),
        FeatureWriter(path, default_layer="stem") as writer,
    ):
        writer.append({"h": np.ones((2, 1))}, [0, 1], epoch=0)


@pytest.mark.parametrize(
    "options",
    [
        {"provenance": {"a": None}},
        {"dtype": "int8"},
        {"compression": "bzip2"},
        {"class_names": ["a", "a"]},
    ],
)
def test_wrong_options_are_refused_before_a_file_is_made(path, options):
    with pytest.raises(InputError):
        FeatureWriter(path, **options)
    assert not path.exists()


@pytest.mark.parametrize(
    ("weight", "bias", "words"),
    [
        (np.ones(3), None, "expected floats"),
        (np.ones((3, 2)), np.ones(2), r"bias: shape \(2,\), expected \(3,\)"),
    ],
)
def test_a_classifier_of_wrong_shape_is_refused(path, samples, weight, bias, words):
    with FeatureWriter(path) as writer:
        writer.append({"h": samples[0]}, samples[1], epoch=0)
        with pytest.raises(InputError, match=words):
            writer.classifier(weight, bias, layer="h", epoch=0)


def test_an_error_in_the_block_leaves_nothing_and_travels_on(path, samples):
    path.write_text("earlier")
    with pytest.raises(FileNotFoundError, match="cat"), FeatureWriter(path) as writer:  # noqa: PT012
        writer.append({"h": samples[0]}, samples[1], epoch=0)
        raise FileNotFoundError("cat.png")
    assert path.read_text() == "earlier"
    assert list(path.parent.iterdir()) == [path]


def test_a_block_without_features_makes_no_file(path):
    with pytest.raises(InputError, match="nothing was appended"), FeatureWriter(path) as writer:
        writer.metrics(epoch=0, loss=1.0)
    assert not any(path.parent.iterdir())


def test_use_outside_the_block_is_refused(path, samples):
    writer = FeatureWriter(path)
    with pytest.raises(InputError, match="inside its `with` block"):
        writer.append({"h": samples[0]}, samples[1], epoch=0)


def test_a_missing_folder_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="choose another folder"):
        FeatureWriter(tmp_path / "none" / "f.h5").__enter__()


FULL_DISK = """
import resource, signal, sys
import numpy as np
from ibcollapse.errors import OutputError
from ibcollapse.features import FeatureWriter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
rng = np.random.default_rng(0)
try:
    with FeatureWriter(sys.argv[1]) as writer:
        for _ in range(20):
            writer.append({"h": rng.normal(size=(500, 64))}, rng.integers(0, 2, 500), epoch=0)
except OutputError as error:
    print(error)
    raise SystemExit(7)
"""


def test_a_full_disk_is_an_output_error_and_leaves_nothing(path):
    # A limit on the size of files stands for a disk that fills up while writing.
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 7, ended.stderr
    assert f"cannot write {path}" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert not any(path.parent.iterdir())


def test_memory_does_not_grow_with_the_file(path):
    tracemalloc = pytest.importorskip("tracemalloc")
    x, y = np.zeros((2000, 128), dtype=np.float32), np.arange(2000) % 2
    with FeatureWriter(path, compression=None) as writer:
        writer.append({"h": x}, y, epoch=0)
        tracemalloc.start()
        for _ in range(20):
            writer.append({"h": x}, y, epoch=0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    # A batch is 1 MiB; 20 of them kept would be 20.
    assert peak < 4 << 20
