"""Memory of the streamed figures: what one more sample costs is its label, not its features."""

import tracemalloc

import numpy as np
import pytest
from array_source import ArraySource

from ibcollapse.alignment import align
from ibcollapse.geometry import collapse_geometry
from ibcollapse.matrix_information import batches, effective_ranks, matrix_information, passes

WIDTH, BLOCK, FEW, MANY = 256, 2000, 10, 40


class RepeatingSource(ArraySource):
    """One block of samples over and over: many samples that lie nowhere."""

    def __init__(self, x, labels, times):
        super().__init__(x, labels)
        self.labels, self.n_samples = np.tile(self.labels, times), times * len(x)

    def chunks(self, rows=None):
        for start in range(0, self.n_samples, BLOCK):
            yield self.x, self.labels[start : start + BLOCK]


def networks(times, width):
    rng, labels = np.random.default_rng(0), np.arange(BLOCK) % 5
    x = rng.normal(size=(BLOCK, width)).astype(np.float32)
    x[:, :5] += 3 * np.eye(5, dtype=np.float32)[labels]
    return RepeatingSource(x, labels, times), RepeatingSource(x[:, ::-1].copy(), labels, times)


def measure(figure, times):
    # Entropies take eigenproblems: their features are 64 wide, or 24 (side 576).
    narrow = {"information": 64, "information of batches": 64, "information of a pair": 24}
    a, b = networks(times, narrow.get(figure, WIDTH))
    if figure == "geometry":
        collapse_geometry(a)
    elif figure == "ranks":
        effective_ranks(a)
    elif figure == "information":
        matrix_information(a, n_permutations=2)
    elif figure == "information of a pair":
        matrix_information(a, b, n_permutations=0)
    elif figure == "information of batches":
        matrix_information(a, b, batch_size=100, n_permutations=0)
    else:
        align(a, b, n_permutations=2, null_samples=100, n_bootstrap=4)


def peak(figure, times):
    tracemalloc.start()
    measure(figure, times)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest


@pytest.mark.parametrize(
    "figure",
    [
        "geometry",
        "ranks",
        "align",
        "information",
        "information of a pair",
        "information of batches",
    ],
)
def test_memory_does_not_grow_with_the_number_of_samples(figure, monkeypatch):
    for room in (batches, passes):
        monkeypatch.setattr(room, "_HELD_VALUES", 2**19)
    measure(figure, 1)  # Imports and caches are none of it.
    growth = (peak(figure, MANY) - peak(figure, FEW)) / (BLOCK * (MANY - FEW))
    # Labels, masks and permutations: under 100 bytes a sample. Its features are 1024 a network,
    # and as unit rows in float64 192 or 512.
    assert growth < 100
