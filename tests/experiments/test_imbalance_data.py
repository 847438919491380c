import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.experiments.imbalance_data import part_arrays  # noqa: E402
from ibcollapse.nn.datasets import Dataset, Samples  # noqa: E402

pytestmark = pytest.mark.torch


def test_part_keeps_the_first_of_each_class_with_averaged_blocks():
    labels = torch.tensor([0, 1, 0, 0, 1, 1])
    images = torch.arange(6 * 16).reshape(6, 1, 4, 4).float() / 255.0
    whole = Samples(images, labels, torch.arange(6))
    arrays = part_arrays(Dataset(whole, whole, ("a", "b")), per_class=2, n_test=3)
    assert arrays["y_train"].tolist() == [0, 1, 0, 1]
    assert arrays["y_test"].tolist() == [0, 1, 0]
    # The first block of an image that starts at 16 i: mean of 16 i + (0, 1, 4, 5) = 16 i + 2.5,
    # rounded to even.
    assert arrays["x_train"][:, 0, 0].tolist() == [2, 18, 34, 66]
    assert arrays["x_train"].shape == (4, 2, 2)
    assert arrays["x_train"].dtype == np.uint8
