"""Entropies of batches, or of all samples where they are few, each held in memory as a whole."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.matrix_information.entropy import matrix_entropy
from ibcollapse.matrix_information.rows import FloatArray, IntArray, Rows
from ibcollapse.matrix_information.spectra import gram_spectrum, joint_spectrum
from ibcollapse.progress import Progress

# Numbers of rows that are held at a time (256 MiB), unless one batch has more.
_HELD_VALUES = 2**25


def draw_batches(
    n_samples: int, batch_size: int | None, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Disjoint random batches of samples; one batch of all, in order, without a size.

    Raises
    ------
    InputError
        On a size below 2 or above `n_samples`.
    """
    if batch_size is None:
        return [np.arange(n_samples)]
    if not 2 <= batch_size <= n_samples:
        raise InputError(f"batch_size = {batch_size}; expected 2 to {n_samples}, the samples")
    order = rng.permutation(n_samples)
    # Entropies grow with the size of a batch, so a shorter last one would bias the mean.
    return [
        order[start : start + batch_size]
        for start in range(0, n_samples - batch_size + 1, batch_size)
    ]


def entropies_of_batches(
    a: Rows,
    b: Rows,
    batches: list[IntArray],
    *,
    alpha: float,
    n_permutations: int,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[FloatArray, FloatArray]:
    """Entropies (n_batches, 2) of the Grams, and (n_batches, 1 + n_permutations) of the products.

    Column 0 of the products is that of the samples as they are paired, the others are of b
    permuted inside the batch; nats. Batches are all of one size.

    Raises
    ------
    InputError
        When an eigenproblem exceeds `spectra.MAX_SIDE`.
    """
    size = len(batches[0])
    marginals = np.empty((len(batches), 2))
    joints = np.empty((len(batches), 1 + n_permutations))
    # Each pass over the features collects as many batches as may be held.
    at_once = max(1, _HELD_VALUES // (size * (a.n_features + b.n_features)))
    for i in range(len(batches)):
        place = i % at_once
        if place == 0:
            samples = np.concatenate(batches[i : i + at_once])
            held = a.take(samples), b.take(samples)
        part = np.arange(place * size, (place + 1) * size)
        x, y = held[0].take(part), held[1].take(part)
        marginals[i] = [matrix_entropy(gram_spectrum(rows), alpha=alpha) for rows in (x, y)]
        for j in range(1 + n_permutations):
            shuffled = y if j == 0 else y.take(rng.permutation(size))
            joints[i, j] = matrix_entropy(joint_spectrum(x, shuffled), alpha=alpha)
            progress.advance()
    return marginals, joints
