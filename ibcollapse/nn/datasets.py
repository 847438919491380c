"""Labelled samples to train on, held in memory."""

import dataclasses
import gzip
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError

FASHION_MNIST_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_DIGITS_TEST_SIZE = 500


@dataclasses.dataclass(frozen=True)
class Samples:
    """Inputs float32 (n, channels, height, width) or (n, d), labels int64 (n,), ids int64 (n,).

    An id is the row of the sample in the data set that it came from.
    """

    inputs: Tensor
    labels: Tensor
    ids: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Tensor) -> "Samples":
        """The samples at `rows`."""
        return Samples(self.inputs[rows], self.labels[rows], self.ids[rows])


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Training and test samples, and the names of classes 0 … K−1."""

    train: Samples
    test: Samples
    class_names: tuple[str, ...]


def load_dataset(data: str | os.PathLike[str]) -> Dataset:
    """Data set of a name or a path.

    Parameters
    ----------
    data : str or path
        - "digits": the 1797 images of 8 × 8 pixels in scikit-learn; 500 of them, stratified, are
          the test split. The split is always the same.
        - "fashion-mnist": 60 000 + 10 000 images of 28 × 28 pixels, from the folder where Debian's
          package dataset-fashion-mnist puts them.
        - a folder with the four gzipped IDX files of MNIST or a data set in its format.
        - an .npz file with x_train, y_train, x_test, y_test: x (n, height, width),
          (n, channels, height, width) or (n, d), y integers 0 … K−1.

        Bytes are divided by 255; other numbers are taken as they are.

    Raises
    ------
    FeatureFileNotFoundError
        When the data are not there; the message says how to get them.
    FeatureFileError
        When a file holds something else.
    """
    if data == "digits":
        return _digits()
    if data == "fashion-mnist":
        if not FASHION_MNIST_FOLDER.is_dir():
            raise FeatureFileNotFoundError(
                f"{FASHION_MNIST_FOLDER}: no Fashion-MNIST here; install it (Debian: apt-get "
                "install dataset-fashion-mnist) or name a folder that holds its four "
                "*-ubyte.gz files as data"
            )
        return _idx_folder(FASHION_MNIST_FOLDER, _FASHION_MNIST_CLASSES)
    path = Path(data)
    if path.is_dir():
        return _idx_folder(path, None)
    if path.suffix.lower() != ".npz" or not path.is_file():
        raise FeatureFileNotFoundError(
            f"{path}: no such data; give digits, fashion-mnist, an existing .npz file or a folder "
            "of IDX files"
        )
    return _npz(path)


def _digits() -> Dataset:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    pixels = (images / 16.0).reshape(-1, 1, 8, 8)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=_DIGITS_TEST_SIZE, stratify=labels, random_state=0
    )
    samples = Samples(
        torch.from_numpy(pixels.astype(np.float32)),
        torch.from_numpy(labels.astype(np.int64)),
        torch.arange(len(labels)),
    )
    return Dataset(
        samples.take(torch.from_numpy(np.sort(train))),
        samples.take(torch.from_numpy(np.sort(test))),
        tuple(str(digit) for digit in range(10)),
    )


def _idx_folder(folder: Path, class_names: tuple[str, ...] | None) -> Dataset:
    arrays = [
        _read_idx(folder / f"{part}-{kind}-ubyte.gz")
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    return _dataset(folder, arrays, class_names)


def _read_idx(path: Path) -> NDArray[np.uint8]:
    if not path.is_file():
        raise FeatureFileNotFoundError(f"{path}: no such file; IDX folders hold four *-ubyte.gz")
    try:
        content = gzip.decompress(path.read_bytes())
        # Header: two zero bytes, 8 for unsigned bytes, the number of axes, their big-endian sizes.
        n_axes = content[3]
        shape = np.frombuffer(content, ">u4", count=n_axes, offset=4)
        if content[:3] != b"\0\0\x08":
            raise ValueError("not unsigned bytes")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise FeatureFileError(f"{path}: not a gzipped IDX file of bytes ({error})") from error


def _npz(path: Path) -> Dataset:
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with np.load(path, allow_pickle=False) as file:
            if missing := [name for name in names if name not in file]:
                raise FeatureFileError(
                    f"{path}: has {sorted(file.files)}, lacks {missing}; expected {list(names)}"
                )
            arrays = [file[name] for name in names]
    except (OSError, ValueError) as error:
        if isinstance(error, FeatureFileError):
            raise
        raise FeatureFileError(f"{path}: not a readable .npz file ({error})") from error
    return _dataset(path, arrays, None)


def _dataset(
    path: Path, arrays: Sequence[NDArray[Any]], class_names: tuple[str, ...] | None
) -> Dataset:
    x_train, y_train, x_test, y_test = arrays
    if x_train.shape[1:] != x_test.shape[1:]:
        raise FeatureFileError(f"{path}: train inputs {x_train.shape}, test {x_test.shape}")
    train, test = _samples(path, x_train, y_train), _samples(path, x_test, y_test)
    n_classes = int(max(train.labels.max(), test.labels.max())) + 1
    if (empty := torch.bincount(train.labels, minlength=n_classes) == 0).any():
        raise FeatureFileError(
            f"{path}: no training sample of class {empty.nonzero().flatten().tolist()}"
        )
    return Dataset(train, test, class_names or tuple(str(c) for c in range(n_classes)))


def _samples(path: Path, x: NDArray[Any], y: NDArray[Any]) -> Samples:
    if x.ndim not in (2, 3, 4) or x.dtype.kind not in "fiu" or len(x) == 0:
        raise FeatureFileError(f"{path}: inputs are {x.dtype} {x.shape}, expected numbers (n, ...)")
    if y.shape != (len(x),) or y.dtype.kind not in "iu" or int(y.min()) < 0:
        raise FeatureFileError(
            f"{path}: labels are {y.dtype} {y.shape} for {len(x)} inputs; expected integers 0 … K−1"
        )
    values = x.astype(np.float32) / np.float32(255.0 if x.dtype == np.uint8 else 1.0)
    if not np.isfinite(values).all():
        raise FeatureFileError(f"{path}: inputs hold NaN or infinite values")
    inputs = torch.from_numpy(values)
    return Samples(
        inputs[:, None] if x.ndim == 3 else inputs,
        torch.from_numpy(y.astype(np.int64)),
        torch.arange(len(y)),
    )
