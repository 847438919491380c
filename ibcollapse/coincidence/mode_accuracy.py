"""Accuracy that the first n modes of a bottleneck allow: does it stop growing at K − 1?"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck import GaussianIB
from ibcollapse.errors import InputError
from ibcollapse.features import FeatureSource
from ibcollapse.gaussian import within_covariance
from ibcollapse.gaussian.folds import fold_moments
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.shrinkage import shrunk
from ibcollapse.progress import Progress
from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]


@register("coincidence/ModeAccuracy")
@dataclasses.dataclass(frozen=True)
class ModeAccuracy:
    """Cross-fitted accuracy of the nearest class mean among the first n modes, n = 0, 1, ...

    Attributes
    ----------
    accuracy : float64 (n_folds, n_modes + 1)
        A row for each held-out fold; modes, class means and scales come from the others.
    n_classes : int
    """

    accuracy: FloatArray
    n_classes: int

    def __post_init__(self) -> None:
        self.accuracy.setflags(write=False)

    @property
    def mean(self) -> FloatArray:
        """Mean over folds, float64 (n_modes + 1,)."""
        return np.asarray(self.accuracy.mean(axis=0), dtype=np.float64)

    @property
    def standard_error(self) -> FloatArray:
        """Deviation over folds over the root of their number, float64 (n_modes + 1,)."""
        return np.asarray(
            self.accuracy.std(axis=0, ddof=1) / np.sqrt(len(self.accuracy)), dtype=np.float64
        )

    def modes_needed(self, tolerance: float = 0.01) -> tuple[int, int, int]:
        """Fewest modes from which on accuracy is within `tolerance` of that of all modes.

        Returns
        -------
        (on the mean over folds, smallest over folds, largest over folds)
        """
        needed = [_needed(row, tolerance) for row in (self.mean, *self.accuracy)]
        return needed[0], min(needed[1:]), max(needed[1:])


def _needed(accuracy: FloatArray, tolerance: float) -> int:
    short = np.flatnonzero(accuracy < accuracy[-1] - tolerance)
    return int(short[-1]) + 1 if short.size else 0


def label_mode_accuracy(
    source: FeatureSource,
    *,
    folds: int,
    shrinkage: float,
    rng: np.random.Generator,
    progress: Progress,
) -> ModeAccuracy:
    """`ModeAccuracy` of the Gaussian bottleneck about the labels, from two passes.

    Equal samples share a fold (and take one pass more). Distances are taken in the modes' canonical
    variates, scaled to variance one inside classes.

    Raises
    ------
    InputError
        When a class has a single sample or is separated without noise.
    """
    moments = fold_moments(source, folds, "tied", rng, progress)
    assignment = moments.folds
    projections = [
        _projection(moments.training(fold), moments.varying(fold), shrinkage)
        for fold in range(folds)
    ]
    n_modes = min(len(scaled) for scaled, _ in projections)
    hits, tested = np.zeros((folds, n_modes + 1)), np.zeros(folds)
    start = 0
    progress.start("accuracy by modes", source.n_samples)
    for x, y in source.chunks(4096):
        fold_of = assignment[start : start + len(y)]
        start += len(y)
        for fold, (scaled, means) in enumerate(projections):
            mine = fold_of == fold
            if mine.any():
                variates = x[mine] @ scaled[:n_modes].T
                hits[fold] += _hits(variates, means[:, :n_modes], y[mine])
                tested[fold] += mine.sum()
        progress.advance(len(y))
    progress.finish()
    if not tested.all():
        raise InputError(f"{folds} folds for so few samples; use fewer")
    return ModeAccuracy(hits / tested[:, None], len(np.unique(source.labels)))


def _projection(
    moments: ClassMoments, varying: NDArray[np.intp], shrinkage: float
) -> tuple[FloatArray, FloatArray]:
    """Scaled directions (n_modes, d) and projected class means (K, n_modes); absent classes NaN.

    Of the features `varying`; the directions are 0 elsewhere.
    """
    within = within_covariance(moments, "sample")[np.ix_(varying, varying)]
    within = shrunk(within, shrinkage)
    means = np.where(moments.counts[:, None] > 0, moments.means[:, varying], 0.0)
    gaussian = GaussianIB.from_class_moments(moments.counts, means, within)
    assert gaussian.directions is not None
    # vᵀ Σ_x v = 1 and vᵀ Σ_W v = 1/(1 + s).
    scaled = np.zeros((len(gaussian.snr), moments.n_features))
    scaled[:, varying] = gaussian.directions * np.sqrt(1 + gaussian.snr)[:, None]
    return scaled, moments.means @ scaled.T


def _hits(variates: FloatArray, means: FloatArray, labels: NDArray[np.int64]) -> FloatArray:
    """Samples whose nearest mean among the first n variates is their own, for n = 0, 1, ..."""
    known = np.flatnonzero(~np.isnan(means).any(axis=1))
    distance = np.zeros((len(variates), len(known)))
    # Without any mode nothing tells classes apart: a guess among those known.
    hits = [len(labels) / len(known)]
    for mode in range(means.shape[1]):
        distance += (variates[:, mode : mode + 1] - means[known, mode]) ** 2
        hits.append(float(np.sum(known[np.argmin(distance, axis=1)] == labels)))
    return np.array(hits)
