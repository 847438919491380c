"""A small data set to train on."""

import numpy as np
import pytest


@pytest.fixture
def mixture(tmp_path):
    """Three Gaussian classes in five dimensions, as an .npz file."""
    generator = np.random.default_rng(0)
    means = 3.0 * generator.normal(size=(3, 5))
    labels = {"y_train": np.arange(90) % 3, "y_test": np.arange(30) % 3}
    inputs = {
        f"x_{split}": means[labels[f"y_{split}"]]
        + generator.normal(size=(len(labels[f"y_{split}"]), 5))
        for split in ("train", "test")
    }
    path = tmp_path / "mixture.npz"
    np.savez(path, **inputs, **labels)
    return path
