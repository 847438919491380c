import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ibcollapse.errors import InputError  # noqa: E402
from ibcollapse.nn.datasets import Samples  # noqa: E402
from ibcollapse.nn.sampling import flip_labels, imbalance, imbalanced_counts  # noqa: E402

pytestmark = pytest.mark.torch


def balanced(n_classes=4, n_c=50):
    labels = torch.arange(n_classes * n_c) % n_classes
    return Samples(torch.arange(len(labels))[:, None].float(), labels, torch.arange(len(labels)))


@pytest.mark.parametrize(
    ("kind", "ratio", "expected"),
    [
        ("none", 10.0, [500, 500, 500, 500, 500]),
        ("step", 10.0, [500, 500, 500, 50, 50]),
        # 500 · 16^(−c/4).
        ("long-tail", 16.0, [500, 250, 125, 62, 31]),
        ("long-tail", 1e9, [500, 3, 1, 1, 1]),
    ],
)
def test_counts(kind, ratio, expected):
    assert imbalanced_counts(np.full(5, 500), kind, ratio).tolist() == expected


def test_subset_keeps_rows_whole_and_in_order():
    samples = balanced()
    kept = imbalance(samples, "step", 5.0, np.random.default_rng(0))
    assert torch.bincount(kept.labels).tolist() == [50, 50, 10, 10]
    assert (kept.ids.diff() > 0).all()
    assert torch.equal(kept.inputs[:, 0].long(), kept.ids)
    assert torch.equal(kept.labels, samples.labels[kept.ids])
    again = imbalance(samples, "step", 5.0, np.random.default_rng(1))
    assert not torch.equal(kept.ids, again.ids)


@pytest.mark.parametrize("fraction", [0.0, 0.33, 0.8])
def test_noise_changes_exactly_the_fraction(fraction):
    samples = balanced()
    noisy = flip_labels(samples, fraction, 4, np.random.default_rng(2))
    changed = noisy.labels != samples.labels
    assert int(changed.sum()) == round(fraction * 200)
    assert set(noisy.labels.tolist()) <= {0, 1, 2, 3}
    assert torch.equal(samples.labels, balanced().labels)


def test_noise_is_uniform_over_the_other_classes():
    samples = balanced(n_classes=5, n_c=4000)
    noisy = flip_labels(samples, 0.5, 5, np.random.default_rng(3))
    shift = ((noisy.labels - samples.labels) % 5)[noisy.labels != samples.labels]
    # 10 000 flips over four shifts: 2500 each, standard deviation 43; 4.5 of them.
    assert np.abs(torch.bincount(shift, minlength=5)[1:].numpy() - 2500).max() < 195


def test_noise_needs_two_classes():
    with pytest.raises(InputError, match="no other class"):
        flip_labels(balanced(n_classes=1), 0.5, 1, np.random.default_rng(0))
