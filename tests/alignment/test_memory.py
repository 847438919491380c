"""Memory of the streamed figures: what one more sample costs is its label, not its features."""

import tracemalloc

import numpy as np
import pytest
from array_source import ArraySource

from ibcollapse.alignment import align
from ibcollapse.geometry import collapse_geometry
from ibcollapse.matrix_information import effective_ranks

WIDTH, BLOCK, FEW, MANY = 256, 2000, 10, 40


class RepeatingSource(ArraySource):
    """One block of samples over and over: many samples that lie nowhere."""

    def __init__(self, x, labels, times):
        super().__init__(x, labels)
        self.labels, self.n_samples = np.tile(self.labels, times), times * len(x)

    def chunks(self, rows=None):
        for start in range(0, self.n_samples, BLOCK):
            yield self.x, self.labels[start : start + BLOCK]


def networks(times):
    rng, labels = np.random.default_rng(0), np.arange(BLOCK) % 5
    x = rng.normal(size=(BLOCK, WIDTH)).astype(np.float32)
    x[:, :5] += 3 * np.eye(5, dtype=np.float32)[labels]
    return RepeatingSource(x, labels, times), RepeatingSource(x[:, ::-1].copy(), labels, times)


def measure(figure, times):
    a, b = networks(times)
    if figure == "geometry":
        collapse_geometry(a)
    elif figure == "ranks":
        effective_ranks(a)
    else:
        align(a, b, n_permutations=2, null_samples=100, n_bootstrap=4)


def peak(figure, times):
    tracemalloc.start()
    measure(figure, times)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest


@pytest.mark.parametrize("figure", ["geometry", "ranks", "align"])
def test_memory_does_not_grow_with_the_number_of_samples(figure):
    measure(figure, 1)  # Imports and caches are none of it.
    growth = (peak(figure, MANY) - peak(figure, FEW)) / (BLOCK * (MANY - FEW))
    # Labels, masks and permutations: under 100 bytes a sample. Its features are 1024 a network.
    assert growth < 100
