"""The model of every fit: shrinkage and rank by formula, by held-out likelihood, or as given."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ibcollapse.gaussian.covariance import (
    estimate_covariance,
    scatter_kind,
    standardised_scatter,
    unshrunk_covariances,
)
from ibcollapse.gaussian.folds import FoldMoments, fourth_powers
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.results import CovarianceKind, CovarianceModel
from ibcollapse.gaussian.scales import FeatureScales
from ibcollapse.gaussian.scatter import Floats
from ibcollapse.gaussian.shrinkage import (
    HeldOutSpectrum,
    held_out_intensity,
    held_out_rank,
    held_out_spectrum,
    ledoit_wolf_intensity,
    oas_intensity,
    shrunk,
)
from ibcollapse.progress import Progress

if TYPE_CHECKING:
    from ibcollapse.features.source import FeatureSource

Shrinkage = Literal["ledoit-wolf", "oas", "held-out"] | float


def fitted_models(
    source: "FeatureSource",
    moments: FoldMoments,
    kind: CovarianceKind,
    rank: int | None,
    shrinkage: Shrinkage,
    progress: Progress,
) -> list[tuple[Floats, CovarianceModel]]:
    """Means (K, d) and covariances of all rows, then of all but fold 0, 1, …"""
    rule = intensity_rule(source, moments, kind, shrinkage, progress)
    if kind == "low-rank" and rank is None:
        rank = choose_rank(moments, rule)
    models = []
    for fold in (None, *range(moments.n_folds)):
        training = moments.training(fold)
        covariance = estimate_covariance(
            training,
            moments.scales(fold),
            kind,
            rule(training, fold),
            rank=rank,
            class_names=source.class_names,
        )
        models.append((training.means, covariance))
    return models


# Intensity of each covariance, (1,) or (K,), of the fit that leaves out a fold (None: no fold).
IntensityRule = Callable[[ClassMoments, int | None], Floats]


def intensity_rule(
    source: "FeatureSource",
    moments: FoldMoments,
    kind: CovarianceKind,
    shrinkage: Shrinkage,
    progress: Progress,
) -> IntensityRule:
    """Function of a fit's training moments and left-out fold that gives its intensities.

    The formulas see each fit's own training rows only. The held-out choice is one number that all
    fits share: every row took part in it, with a weight of one against all rows.
    """
    n_covariances = 1 if kind == "tied" else len(source.class_names)
    if shrinkage == "held-out":
        shrinkage = held_out_intensity(list(_spectra(moments)))
    if not isinstance(shrinkage, str):
        given = np.full(n_covariances, float(shrinkage))
        return lambda training, fold: given
    if shrinkage == "oas":
        return lambda training, fold: _by_formula(training, moments.scales(fold), None)
    fits = (None, *range(moments.n_folds))
    scales = [moments.scales(fold) for fold in fits]
    fourth = fourth_powers(
        source,
        moments.folds,
        [moments.training_means(fold) for fold in fits],
        [s.inverse[None] if kind == "tied" else s.class_inverse() for s in scales],
        diagonal=scatter_kind(kind) == "diagonal",
        progress=progress,
    )
    return lambda training, fold: _by_formula(
        training, moments.scales(fold), fourth[0 if fold is None else 1 + fold]
    )


def choose_rank(moments: FoldMoments, rule: IntensityRule) -> int:
    """Rank of the low-rank model with the largest held-out likelihood, one for all classes."""
    return held_out_rank(list(_spectra(moments, rule)))


def _by_formula(moments: ClassMoments, scales: FeatureScales, fourth: Floats | None) -> Floats:
    """Ledoit–Wolf with the fourth powers by class, OAS without."""

    def intensity(covariance: Floats, n: int, sum_fourth: float | None) -> float:
        if sum_fourth is None:
            return oas_intensity(covariance, n)
        return ledoit_wolf_intensity(covariance, n, sum_fourth)

    scatter, borrows = standardised_scatter(moments, scales)
    counts, n = moments.counts, moments.n_samples
    tied = moments.scatter_kind == "tied"
    total = scatter[0] if tied else np.sum(scatter, axis=0)
    pooled = intensity(scales.fill(total / n), n, None if fourth is None else float(fourth.sum()))
    if tied:
        return np.array([pooled])
    intensities = np.full(len(counts), pooled)
    for c in np.flatnonzero(~borrows).tolist():
        # A class's sparse features have no variance of their own to be uncertain about.
        own = scales.own(c)
        covariance = scales.fill(scatter[c] / counts[c])
        covariance = covariance[own] if covariance.ndim == 1 else covariance[np.ix_(own, own)]
        of_class = None if fourth is None else float(fourth[c])
        intensities[c] = intensity(covariance, int(counts[c]), of_class)
    return intensities


def _spectra(moments: FoldMoments, rule: IntensityRule | None = None) -> Iterator[HeldOutSpectrum]:
    """Training spectra against their held-out rows, one a fold (tied) or a fold and class."""
    for fold in range(moments.n_folds):
        training, held_out = moments.training(fold), moments.held_out(fold)
        scales = moments.scales(fold)
        covariances = unshrunk_covariances(training, scales)
        intensities = None if rule is None else rule(training, fold)
        scatters, counts = _scatter_about(training.means, held_out)
        for c, covariance in enumerate(covariances):
            if counts[c] == 0:
                continue
            if intensities is not None:
                covariance = shrunk(covariance, float(intensities[c]))
            yield held_out_spectrum(covariance, scales.standardise(scatters[c]), int(counts[c]))


def _scatter_about(means: Floats, moments: ClassMoments) -> tuple[Floats, NDArray[np.int64]]:
    """Scatter about foreign class means, stacked by covariance, and the rows in each."""
    counts = moments.counts
    shifts = np.where((counts > 0)[:, None], moments.means - means, 0.0)
    scatter = moments.scatter
    if moments.scatter_kind == "tied":
        return (scatter + shifts.T @ (shifts * counts[:, None]))[None], counts.sum(keepdims=True)
    if moments.scatter_kind == "diagonal":
        return scatter + counts[:, None] * shifts**2, counts
    for c, shift in enumerate(shifts):
        scatter[c] += counts[c] * np.outer(shift, shift)
    return scatter, counts
