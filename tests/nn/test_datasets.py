import gzip

import numpy as np
import pytest

pytest.importorskip("torch")

from sklearn.datasets import load_digits

from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError
from ibcollapse.nn import datasets
from ibcollapse.nn.datasets import load_dataset

pytestmark = pytest.mark.torch


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    return {
        "x_train": generator.normal(size=(12, 4)),
        "y_train": np.arange(12) % 3,
        "x_test": generator.normal(size=(6, 4)),
        "y_test": np.arange(6) % 3,
    }


def test_digits_are_split_once_and_for_all():
    data = load_dataset("digits")
    images, labels = load_digits(return_X_y=True)
    assert (len(data.train), len(data.test)) == (1297, 500)
    assert sorted([*data.train.ids.tolist(), *data.test.ids.tolist()]) == list(range(1797))
    for samples in (data.train, data.test):
        np.testing.assert_array_equal(samples.labels, labels[samples.ids])
        np.testing.assert_array_equal(
            samples.inputs.flatten(1).numpy() * 16.0, images[samples.ids].astype(np.float32)
        )
    # Stratified: 500 of 1797 samples of each class, to rounding.
    share = np.bincount(data.test.labels) / np.bincount(labels)
    np.testing.assert_allclose(share, 500 / 1797, atol=0.005)
    assert data.class_names == tuple("0123456789")


def test_idx_folder_is_read_as_images(tmp_path):
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, size=(5, 3, 2))
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", np.array([0, 1, 2, 1, 0]))
    data = load_dataset(tmp_path)
    assert data.train.inputs.shape == (5, 1, 3, 2)
    np.testing.assert_array_equal(data.test.inputs[:, 0].numpy(), (images / 255).astype(np.float32))
    assert data.train.labels.tolist() == [0, 1, 2, 1, 0]
    assert data.class_names == ("0", "1", "2")


def test_npz_is_read(tmp_path, arrays):
    np.savez(tmp_path / "data.npz", **arrays)
    data = load_dataset(tmp_path / "data.npz")
    np.testing.assert_array_equal(data.train.inputs, arrays["x_train"].astype(np.float32))
    np.testing.assert_array_equal(data.test.labels, arrays["y_test"])
    assert data.test.ids.tolist() == list(range(6))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_test": None}, r"lacks \['y_test'\]"),
        ({"x_test": np.zeros((6, 5))}, r"train inputs \(12, 4\), test \(6, 5\)"),
        ({"y_train": np.arange(11) % 3}, r"int64 \(11,\) for 12 inputs"),
        ({"y_train": np.arange(12) / 3}, "float64"),
        ({"y_train": np.arange(12) % 3 - 1}, "integers 0 … K−1"),
        ({"y_train": np.arange(12) % 2}, r"no training sample of class \[2\]"),
        ({"x_train": np.full((12, 4), np.nan)}, "NaN or infinite"),
        ({"x_train": np.array([["a"] * 4] * 12)}, "expected numbers"),
    ],
)
def test_damaged_npz_is_named(tmp_path, arrays, change, message):
    kept = {name: value for name, value in (arrays | change).items() if value is not None}
    np.savez(tmp_path / "data.npz", **kept)
    with pytest.raises(FeatureFileError, match=message):
        load_dataset(tmp_path / "data.npz")


def test_files_of_another_kind_are_refused(tmp_path, arrays):
    (tmp_path / "data.npz").write_bytes(b"no zip file")
    with pytest.raises(FeatureFileError, match=r"data\.npz: not a readable"):
        load_dataset(tmp_path / "data.npz")
    np.savez(tmp_path / "pickled.npz", **(arrays | {"y_train": np.array([{}] * 12, dtype=object)}))
    with pytest.raises(FeatureFileError, match="not a readable"):
        load_dataset(tmp_path / "pickled.npz")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"plain text")
    with pytest.raises(FeatureFileError, match="not a gzipped IDX file"):
        load_dataset(tmp_path)


def test_missing_data_say_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "FASHION_MNIST_FOLDER", tmp_path / "absent")
    with pytest.raises(FeatureFileNotFoundError, match="apt-get install dataset-fashion-mnist"):
        load_dataset("fashion-mnist")
    with pytest.raises(FeatureFileNotFoundError, match="give digits, fashion-mnist"):
        load_dataset(tmp_path / "absent.npz")
    with pytest.raises(FeatureFileNotFoundError, match="train-images-idx3-ubyte"):
        load_dataset(tmp_path)


@pytest.mark.skipif(
    not datasets.FASHION_MNIST_FOLDER.is_dir(), reason="dataset-fashion-mnist is not installed"
)
def test_fashion_mnist_is_whole():
    data = load_dataset("fashion-mnist")
    assert data.train.inputs.shape == (60000, 1, 28, 28)
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert data.class_names[9] == "ankle boot"
