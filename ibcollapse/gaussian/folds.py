"""Stratified folds, and what a fit of each fold's complement needs from the rows."""

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.features.precision import repeated_groups, row_signatures, stored_precision
from ibcollapse.gaussian.moments import ClassMoments, merged_moments
from ibcollapse.gaussian.scales import FeatureScales, scales_of
from ibcollapse.gaussian.scatter import Codes, Floats, ScatterKind
from ibcollapse.gaussian.sparse_features import ActiveRows
from ibcollapse.progress import Progress

if TYPE_CHECKING:
    from ibcollapse.features.source import FeatureSource

# Rows that no fold holds out: without them a fit would not know their class.
ALWAYS_TRAINING = -1
# A float32 block of 16 MiB a fold.
_CHUNK_VALUES = 2**22


def stratified_folds(
    labels: Codes,
    n_folds: int,
    rng: np.random.Generator,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.int8]:
    """Fold 0…n_folds−1 of each row, int8 (n,); folds of a class differ by at most one row.

    The only row of a class is in no fold (`ALWAYS_TRAINING`): a fit that did not see it would not
    know its class.

    Parameters
    ----------
    labels : int64 (n,)
        Class of each row.
    n_folds : int
    rng : numpy.random.Generator
        Orders the rows of each class.
    groups : int64 (n,), optional
        Numbers from 0 on; rows of one number stay together, in one fold or in none. None keeps no
        two together. The largest groups are placed first, each where its classes have fewest rows
        so far; folds of a class then differ by at most its largest group as long as no group has
        several classes.
    """
    folds = np.full(len(labels), ALWAYS_TRAINING, dtype=np.int8)
    counts = np.zeros((int(labels.max(initial=0)) + 1, n_folds), dtype=np.int64)
    alone = np.ones(len(labels), dtype=np.bool_)
    if groups is not None:
        placed, counts = _place_groups(labels, n_folds, groups, rng)
        folds[:] = placed[groups]
        alone = np.bincount(groups)[groups] == 1
    next_fold = 0
    for c in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == c))
        single = members[alone[members]]
        if len(members) > 1:
            # Each class starts where the one before stopped, so that small classes spread out.
            folds[single] = _filled_up(counts[c], len(single), next_fold)
            next_fold = (next_fold + len(members)) % n_folds
    if groups is not None:
        _keep_classes_known(folds, labels, groups)
    return folds


def _place_groups(
    labels: Codes, n_folds: int, groups: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Folds of the groups of several rows (n_groups,), and rows of each class in each fold.

    Each goes where the sum over classes of squared counts grows least.
    """
    sizes, n_classes = np.bincount(groups), int(labels.max(initial=0)) + 1
    low, high = np.full(len(sizes), n_classes), np.full(len(sizes), -1)
    np.minimum.at(low, groups, labels)
    np.maximum.at(high, groups, labels)
    several = rng.permutation(np.flatnonzero(sizes > 1))
    several = several[np.argsort(-sizes[several], kind="stable")]
    by_group = np.argsort(groups, kind="stable")
    starts = np.cumsum(sizes) - sizes
    # Lists: there may be hundreds of thousands of groups, with a handful of folds.
    counts = [[0] * n_folds for _ in range(n_classes)]
    placed = np.full(len(sizes), ALWAYS_TRAINING, dtype=np.int64)
    for g, size, c, other in zip(
        *(column.tolist() for column in (several, sizes[several], low[several], high[several])),
        strict=True,
    ):
        of_class = {c: size}
        if other != c:
            rows = labels[by_group[starts[g] : starts[g] + size]]
            of_class = dict(enumerate(np.bincount(rows).tolist()))
        weighed = counts[c]
        if other != c:
            weighed = [sum(n * counts[k][f] for k, n in of_class.items()) for f in range(n_folds)]
        fold = weighed.index(min(weighed))
        for k, n in of_class.items():
            counts[k][fold] += n
        placed[g] = fold
    return placed, np.array(counts)


def _filled_up(counts: NDArray[np.int64], n: int, start: int) -> NDArray[np.int8]:
    """Folds of n more rows, each where there are fewest so far, in turn from `start` on ties."""
    n_folds = len(counts)
    turn = (np.arange(n_folds) - start) % n_folds
    # Row number l of fold f, for the levels l that n rows can reach.
    top = int(counts.max(initial=0)) + n // n_folds + 1
    fold = np.repeat(np.arange(n_folds), top - counts)
    level = np.concatenate([np.arange(low, top) for low in counts])
    return fold[np.lexsort((turn[fold], level))[:n]].astype(np.int8)


def _keep_classes_known(folds: NDArray[np.int8], labels: Codes, groups: NDArray[np.int64]) -> None:
    """Take out of the folds what a class has in one fold alone, with all rows equal to it."""
    while True:
        held = np.flatnonzero(folds != ALWAYS_TRAINING)
        known = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.bool_)
        known[labels[folds == ALWAYS_TRAINING]] = True
        low, high = np.full(len(known), 127), np.full(len(known), -1)
        np.minimum.at(low, labels[held], folds[held])
        np.maximum.at(high, labels[held], folds[held])
        lost = (low == high) & ~known
        if not lost.any():
            return
        folds[np.isin(groups, groups[held[lost[labels[held]]]])] = ALWAYS_TRAINING


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


def fold_moments(
    source: "FeatureSource",
    n_folds: int,
    kind: ScatterKind,
    rng: np.random.Generator,
    progress: Progress,
) -> "FoldMoments":
    """Moments of stratified folds in which equal rows share a fold.

    A copy that is held out while another one is fitted would be recognised, not predicted. That
    rows are equal shows in the pass over them, so only a file with repeated rows takes a second.
    Where all rows of a class are equal, they are held out apart: without one of them no fit would
    know the class.
    """
    again = copy.deepcopy(rng)
    folds = stratified_folds(source.labels, n_folds, rng)
    moments = FoldMoments(source, folds, n_folds, kind, progress)
    groups, n_repeated = repeated_groups(moments.signatures)
    if n_repeated == 0:
        return moments
    groups, collapsed = _without_collapsed(groups, source.labels)
    n_together = len(groups) - len(np.unique(groups))
    if n_together > 0:
        folds = stratified_folds(source.labels, n_folds, again, groups)
        moments = FoldMoments(source, folds, n_folds, kind, progress)
    moments.n_together = n_together
    moments.collapsed = tuple(source.class_names[c] for c in collapsed)
    return moments


def _without_collapsed(
    groups: NDArray[np.int64], labels: Codes
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Groups (n,) with the only one of a class made into one a row, and the codes of such classes.

    Classes of one row have nothing to be held out apart.
    """
    n_classes = int(labels.max()) + 1
    low, high = np.full(n_classes, len(groups)), np.full(n_classes, -1)
    np.minimum.at(low, labels, groups)
    np.maximum.at(high, labels, groups)
    collapsed = np.flatnonzero((low == high) & (np.bincount(labels) > 1))
    apart = np.isin(groups, low[collapsed])
    groups = groups.copy()
    groups[apart] = len(groups) + np.arange(int(apart.sum()))
    return np.unique(groups, return_inverse=True)[1].astype(np.int64), collapsed


class FoldMoments:
    """Moments of each fold from one pass; the complements come from merging, never subtracting.

    Attributes
    ----------
    n_folds : int
    folds : int8 (n,)
        Which fold holds out each row.
    signatures : int64 (n,)
        Equal for equal rows.
    n_together : int
        Rows that repeat an earlier one and share its fold.
    collapsed : tuple of str
        Classes of several rows that are all equal.
    """

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

        self.n_folds, self.folds = n_folds, folds
        self.n_together = 0
        self.collapsed: tuple[str, ...] = ()
        self._folds = [empty() for _ in range(n_folds)]
        self._always = empty()
        self._scales: dict[int | None, FeatureScales] = {}
        self.signatures = np.zeros(len(folds), dtype=np.int64)
        seen: set[np.dtype[Any]] = set()
        self._active = ActiveRows(n_folds + 1, len(source.class_names), source.n_features)
        for rows, x, y in checked_chunks(source, "class moments", progress, parts=n_folds):
            seen.add(x.dtype)
            self.signatures[rows] = row_signatures(x)
            # Part 0 is never held out.
            parts = folds[rows].astype(np.int64) + 1
            self._active.add(x, y, parts, stored_precision(source, seen))
            for f in np.unique(folds[rows]):
                members = np.flatnonzero(folds[rows] == f)
                moments = self._always if f == ALWAYS_TRAINING else self._folds[f]
                moments.update(x[members], y[members])
        self._precision = stored_precision(source, seen)

    def scales(self, fold: int | None) -> FeatureScales:
        """Units of the features from the rows of `training(fold)`."""
        if fold not in self._scales:
            parts = [self._always, *(m for f, m in enumerate(self._folds) if f != fold)]
            numbers = np.array([0, *(f + 1 for f in range(self.n_folds) if f != fold)])
            few_active = self._active.few(numbers)
            self._scales[fold] = scales_of(parts, self._precision, few_active)
        return self._scales[fold]

    def varying(self, fold: int | None) -> NDArray[np.intp]:
        """Features that are not constant up to rounding in the rows of `training(fold)`."""
        scales = self.scales(fold)
        return np.flatnonzero((scales.deviation > 0) | scales.rare)

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
    inverse_scales: Sequence[Floats],
    *,
    diagonal: bool,
    progress: Progress,
) -> Floats:
    """Sums of ‖z_i‖⁴ (of z_ij⁴ for a diagonal), z_ij = (x_ij − μ_cj)/s_j, a training set and class.

    Parameters
    ----------
    means : sequence of float64 (K, d)
        Class means of the training sets: of all rows first, then of all but fold 0, 1, …
    inverse_scales : sequence of float64 (1, d) or (K, d)
        1/s_j of the same training sets, for all classes or one by one; 0 leaves a feature out.

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
            for m, (mean, inverse) in enumerate(zip(means, inverse_scales, strict=True)):
                centred = mean[codes]
                np.subtract(block, centred, out=centred)
                centred *= inverse if len(inverse) == 1 else inverse[codes]
                if diagonal:
                    np.square(centred, out=centred)
                norms = np.einsum("ij,ij->i", centred, centred)
                fourth = norms if diagonal else norms**2
                seen = fold != m - 1 if m > 0 else np.ones(len(codes), dtype=bool)
                sums[m] += np.bincount(codes[seen], fourth[seen], minlength=n_classes)
    return sums
