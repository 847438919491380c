"""Part of Fashion-MNIST that small networks can be trained on to the end in a minute."""

from pathlib import Path

import numpy as np

from ibcollapse.nn.datasets import Dataset, Samples, load_dataset
from ibcollapse.storage.atomic import atomic_path


def balanced_part(path: Path, per_class: int, n_test: int = 1000) -> Path:
    """`path` (.npz) with the first `per_class` training images of each class, at 14 × 14 pixels.

    Blocks of 2 × 2 pixels are averaged, which makes a convolution four times cheaper. A file that
    is there already is left as it is.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = part_arrays(load_dataset("fashion-mnist"), per_class, n_test)
        # The suffix keeps NumPy from adding its own.
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
    return path


def part_arrays(data: Dataset, per_class: int, n_test: int) -> dict[str, np.ndarray]:
    """Arrays x_train, y_train, x_test, y_test of such a part; the order stays as it was."""
    labels = data.train.labels.numpy()
    first = [np.flatnonzero(labels == c)[:per_class] for c in range(len(data.class_names))]
    rows = {"train": np.sort(np.concatenate(first)), "test": np.arange(n_test)}
    arrays = {}
    for name, samples in (("train", data.train), ("test", data.test)):
        arrays[f"x_{name}"] = _halved(samples, rows[name])
        arrays[f"y_{name}"] = samples.labels.numpy()[rows[name]]
    return arrays


def _halved(samples: Samples, rows: np.ndarray) -> np.ndarray:
    images = samples.inputs[rows, 0].numpy() * 255.0
    n, height, width = images.shape
    blocks = images.reshape(n, height // 2, 2, width // 2, 2)
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)
