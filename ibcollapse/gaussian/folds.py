"""Stratified folds, and what a fit of each fold's complement needs from the rows."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.gaussian.moments import ClassMoments, merged_moments
from ibcollapse.gaussian.scatter import Codes, Floats, ScatterKind
from ibcollapse.progress import Progress

if TYPE_CHECKING:
    from ibcollapse.features.source import FeatureSource

# Rows that no fold holds out: the only member of their class.
ALWAYS_TRAINING = -1
# A float32 block of 16 MiB a fold.
_CHUNK_VALUES = 2**22


def stratified_folds(labels: Codes, n_folds: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Fold 0…n_folds−1 of each row, int8 (n,); folds of a class differ by at most one row.

    The only row of a class is in no fold (`ALWAYS_TRAINING`): a fit that did not see it would not
    know its class.
    """
    folds = np.full(len(labels), ALWAYS_TRAINING, dtype=np.int8)
    next_fold = 0
    for c in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == c))
        if len(members) > 1:
            # Each class starts where the one before stopped, so that small classes spread out.
            folds[members] = (next_fold + np.arange(len(members))) % n_folds
            next_fold = (next_fold + len(members)) % n_folds
    return folds


def checked_chunks(
    source: "FeatureSource", description: str, progress: Progress, *, parts: int = 1
) -> Iterator[tuple[slice, NDArray[np.generic], Codes]]:
    """Chunks of the source with the rows they are, verified against `source.labels`.

    Raises
    ------
    InputError
        When a chunk's labels are not those that the source announced, or rows are missing.
    """
    progress.start(description, total=source.n_samples)
    stop = 0
    for x, y in source.chunks(max(1024 * parts, _CHUNK_VALUES // source.n_features)):
        start, stop = stop, stop + len(y)
        if not np.array_equal(y, source.labels[start:stop]):
            raise InputError(
                f"rows {start} to {stop} came with other labels than the source lists; "
                "its order must be the same on every pass"
            )
        yield slice(start, stop), x, y
        progress.advance(len(y))
    if stop != source.n_samples:
        raise InputError(f"the source gave {stop} of its {source.n_samples} rows")
    progress.finish()


class FoldMoments:
    """Moments of each fold from one pass; the complements come from merging, never subtracting."""

    def __init__(
        self,
        source: "FeatureSource",
        folds: NDArray[np.int8],
        n_folds: int,
        kind: ScatterKind,
        progress: Progress,
    ) -> None:
        def empty() -> ClassMoments:
            return ClassMoments(len(source.class_names), source.n_features, scatter=kind)

        self.n_folds = n_folds
        self._folds = [empty() for _ in range(n_folds)]
        self._always = empty()
        for rows, x, y in checked_chunks(source, "class moments", progress, parts=n_folds):
            for f in np.unique(folds[rows]):
                members = np.flatnonzero(folds[rows] == f)
                moments = self._always if f == ALWAYS_TRAINING else self._folds[f]
                moments.update(x[members], y[members])

    def held_out(self, fold: int) -> ClassMoments:
        """Moments of the rows of `fold`."""
        return self._folds[fold]

    def training(self, fold: int | None) -> ClassMoments:
        """Moments of all rows but those of `fold`; of all rows when it is None."""
        parts = [m for f, m in enumerate(self._folds) if f != fold]
        return merged_moments([self._always, *parts] if self._always.n_samples else parts)

    def training_means(self, fold: int | None) -> Floats:
        """Means (K, d) of `training(fold)` without its scatter."""
        parts = [self._always, *(m for f, m in enumerate(self._folds) if f != fold)]
        counts = np.array([m.counts for m in parts], dtype=np.float64)
        means = np.nan_to_num([m.means for m in parts])
        total = counts.sum(axis=0)
        means_of_all: Floats = np.einsum("pk,pkd->kd", counts / total, means)
        return means_of_all


def fourth_powers(
    source: "FeatureSource",
    folds: NDArray[np.int8],
    means: Sequence[Floats],
    *,
    diagonal: bool,
    progress: Progress,
) -> Floats:
    """Sums of ‖x_i − μ_c‖⁴ (of (x_ij − μ_cj)⁴ for a diagonal) over each training set, by class.

    Parameters
    ----------
    means : sequence of float64 (K, d)
        Class means of the training sets: of all rows first, then of all but fold 0, 1, …

    Returns
    -------
    float64 (1 + n_folds, K)
        The term that Ledoit and Wolf's intensity needs beyond the moments; it takes a second pass
        because it is about the final means.
    """
    n_classes = len(source.class_names)
    sums = np.zeros((len(means), n_classes))
    for rows, x, y in checked_chunks(source, "shrinkage", progress):
        step = max(1, 2**19 // source.n_features)
        for start in range(0, len(y), step):
            block, codes = x[start : start + step], y[start : start + step]
            fold = folds[rows][start : start + step]
            for m, mean in enumerate(means):
                centred = mean[codes]
                np.subtract(block, centred, out=centred)
                if diagonal:
                    np.square(centred, out=centred)
                norms = np.einsum("ij,ij->i", centred, centred)
                fourth = norms if diagonal else norms**2
                seen = fold != m - 1 if m > 0 else np.ones(len(codes), dtype=bool)
                sums[m] += np.bincount(codes[seen], fourth[seen], minlength=n_classes)
    return sums
