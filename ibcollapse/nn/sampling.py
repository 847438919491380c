"""Imbalanced classes and noisy labels, drawn reproducibly from a data set."""

import numpy as np
import torch
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.nn.datasets import Dataset, Samples
from ibcollapse.nn.plan import ImbalanceName, TrainingPlan


def imbalanced_counts(
    counts: NDArray[np.int64], kind: ImbalanceName, ratio: float
) -> NDArray[np.int64]:
    """Samples to keep of each class, int64 (K,): at most `counts`, at least one.

    "step" divides the second half of the classes by `ratio`; "long-tail" multiplies class c by
    ratio^(−c/(K−1)); "none" keeps all.
    """
    n_classes = len(counts)
    rank = np.arange(n_classes)
    if kind == "step":
        share = np.where(rank < (n_classes + 1) // 2, 1.0, 1.0 / ratio)
    elif kind == "long-tail":
        share = ratio ** (-rank / max(n_classes - 1, 1))
    else:
        share = np.ones(n_classes)
    return np.maximum(1, np.rint(counts * share)).astype(np.int64)


def imbalance(
    samples: Samples, kind: ImbalanceName, ratio: float, generator: np.random.Generator
) -> Samples:
    """Random subset with `imbalanced_counts`; order and ids stay as they were."""
    labels = samples.labels.numpy()
    keep = imbalanced_counts(np.bincount(labels), kind, ratio)
    rows = [
        generator.permutation(np.flatnonzero(labels == c))[:count] for c, count in enumerate(keep)
    ]
    return samples.take(torch.from_numpy(np.sort(np.concatenate(rows))))


def flip_labels(
    samples: Samples, fraction: float, n_classes: int, generator: np.random.Generator
) -> Samples:
    """The samples with round(fraction · n) labels changed to a uniformly drawn other class.

    Raises
    ------
    InputError
        When labels are to be changed and there is one class only.
    """
    n_flipped = round(fraction * len(samples))
    if n_flipped and n_classes < 2:
        raise InputError(f"label noise {fraction} with {n_classes} class: there is no other class")
    labels = samples.labels.clone()
    rows = torch.from_numpy(generator.permutation(len(samples))[:n_flipped])
    shifts = torch.from_numpy(generator.integers(1, max(n_classes, 2), size=n_flipped))
    labels[rows] = (labels[rows] + shifts) % n_classes
    return Samples(samples.inputs, labels, samples.ids)


def sampled(data: Dataset, plan: TrainingPlan) -> Dataset:
    """`data` with the imbalance and the label noise of a plan in its training split."""
    generator = np.random.default_rng(plan.data_seed)
    kept = imbalance(data.train, plan.imbalance, plan.imbalance_ratio, generator)
    noisy = flip_labels(kept, plan.label_noise, len(data.class_names), generator)
    return Dataset(noisy, data.test, data.class_names)
