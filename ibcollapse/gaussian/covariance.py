"""Covariance models of class-conditional Gaussians, estimated from moments."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.scatter import Floats, ScatterKind
from ibcollapse.gaussian.shrinkage import mean_variance, shrunk
from ibcollapse.linear_algebra import symmetric_eigenpairs
from ibcollapse.serialize import register

CovarianceKind = Literal["tied", "full", "diagonal", "low-rank"]

# Below four rows the scatter about the rows' own mean says next to nothing about the class: with
# two, Ledoit and Wolf's estimate of its error is exactly zero.
MIN_CLASS_ROWS = 4
# Bound of the jitter relative to the mean variance; it starts at a few roundings of d products.
MAX_JITTER = 1e-6


@register("gaussian/CovarianceModel")
@dataclasses.dataclass(frozen=True)
class CovarianceModel:
    """Within-class covariances, invertible, in the form their `kind` needs.

    Attributes
    ----------
    kind : {"tied", "full", "diagonal", "low-rank"}
        The model.
    matrix : float64
        "tied": (d, d). "full": (K, d, d). "diagonal": variances (K, d). "low-rank": isotropic
        noise variances (K, 1), to which the loadings add.
    loadings : float64 (K, d, r) or None
        F_c of the low-rank model F_c F_cᵀ + σ_c² I.
    intensity : float64 (1,) or (K,)
        Shrinkage towards the mean variance that was applied, per covariance.
    jitter : float
        Variance added to every diagonal because a covariance was singular; 0 when none was.
    notes : tuple of str
        What was done for classes or directions with too few rows.
    """

    kind: CovarianceKind
    matrix: Floats
    loadings: Floats | None
    intensity: Floats
    jitter: float
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        for array in (self.matrix, self.intensity, self.loadings):
            if array is not None:
                array.setflags(write=False)

    def pooled(self, weights: Floats) -> Floats:
        """Covariance within classes averaged with class weights (K,), shape (d, d)."""
        if self.kind == "tied":
            return self.matrix
        if self.kind == "full":
            average: Floats = np.einsum("c,cij->ij", weights, self.matrix)
            return average
        if self.loadings is None:
            return np.diag(weights @ self.matrix)
        average = np.einsum("c,cir,cjr->ij", weights, self.loadings, self.loadings)
        return average + float(weights @ self.matrix[:, 0]) * np.eye(len(average))


def scatter_kind(kind: CovarianceKind) -> ScatterKind:
    """Second moments that a covariance model needs."""
    return "full" if kind == "low-rank" else kind


def unshrunk_covariances(moments: ClassMoments) -> list[Floats]:
    """Unbiased covariances: one pooled (tied), or one a class, (d, d) or diagonals (d,).

    The classes of `takes_pooled` take the pooled covariance.

    Raises
    ------
    InputError
        When there are not more rows than classes.
    """
    scatter, counts = moments.scatter, moments.counts
    freedom = moments.n_samples - int((counts > 0).sum())
    if freedom < 1:
        raise InputError(
            f"{moments.n_samples} rows for {(counts > 0).sum()} classes leave nothing to estimate "
            "a covariance from; give at least two rows in some class"
        )
    if moments.scatter_kind == "tied":
        return [scatter / freedom]
    pooled = scatter.sum(axis=0) / freedom
    return [
        pooled.copy() if borrows else s / (n - 1)
        for s, n, borrows in zip(scatter, counts, takes_pooled(scatter, counts), strict=True)
    ]


def takes_pooled(scatter: Floats, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Classes (K,) whose own scatter is no basis: under `MIN_CLASS_ROWS` rows, or all rows equal.

    A class of equal rows would otherwise be infinitely denser than every other one.
    """
    variances = np.array([mean_variance(s) for s in scatter])
    # Equal rows leave the square of a rounding error.
    flat: NDArray[np.bool_] = variances <= np.finfo(np.float64).eps * variances.max()
    return flat | (counts < MIN_CLASS_ROWS)


def estimate_covariance(
    moments: ClassMoments,
    kind: CovarianceKind,
    intensity: Floats,
    *,
    rank: int | None,
    class_names: Sequence[str],
) -> CovarianceModel:
    """Shrunk, invertible covariances from moments of the matching `scatter_kind`.

    Raises
    ------
    InputError
        When all rows are equal.
    """
    raw = unshrunk_covariances(moments)
    scale = float(np.mean([mean_variance(c) for c in raw])) or _collapsed_scale(moments)
    covariances = [shrunk(c, a) for c, a in zip(raw, intensity, strict=True)]
    notes = _small_class_notes(moments, class_names) + _rank_notes(moments, kind, intensity)
    loadings = None
    if kind == "low-rank":
        assert rank is not None
        parts = [_principal_part(c, rank) for c in covariances]
        loadings = np.stack([part[0] for part in parts])
        covariances = [np.array([part[1]]) for part in parts]
    jitter = max(_needed_jitter(c, scale) for c in covariances)
    if jitter > 0:
        for c in covariances:
            c[np.diag_indices_from(c) if c.ndim == 2 else slice(None)] += jitter
        notes += (
            f"a covariance was singular: {jitter:.3g} was added to the diagonals; "
            "a larger shrinkage would regularise it",
        )
    matrix = covariances[0] if kind == "tied" else np.stack(covariances)
    return CovarianceModel(kind, matrix, loadings, np.array(intensity), jitter, notes)


def _principal_part(covariance: Floats, rank: int) -> tuple[Floats, float]:
    """Loadings (d, r) and noise variance of the maximum-likelihood probabilistic PCA.

    Tipping, Bishop (1999), J. Royal Statistical Society B 61, doi:10.1111/1467-9868.00196.
    """
    values, vectors = symmetric_eigenpairs(covariance)
    noise = max(float(values[:-rank].mean()), 0.0)
    return vectors[:, -rank:] * np.sqrt(np.maximum(values[-rank:] - noise, 0.0)), noise


def _needed_jitter(covariance: Floats, scale: float) -> float:
    """Smallest jitter in decades that makes every pivot exceed rounding; 0 when none is needed."""
    smallest = len(covariance) * np.finfo(np.float64).eps * scale
    if covariance.ndim == 1:
        return 0.0 if covariance.min() >= smallest else 2 * smallest
    jitter = 0.0
    while jitter <= MAX_JITTER * scale:
        trial = covariance + jitter * np.eye(len(covariance))
        try:
            factor = scipy.linalg.cholesky(trial, lower=True, overwrite_a=True, check_finite=False)
        except scipy.linalg.LinAlgError:
            pivot = 0.0
        else:
            pivot = float(np.diagonal(factor).min()) ** 2
        if pivot >= smallest:
            return jitter
        jitter = max(10 * jitter, 2 * smallest)
    raise InputError(
        f"the covariance stays singular with {MAX_JITTER:g} of the mean variance on its diagonal; "
        "choose a larger shrinkage"
    )


def _collapsed_scale(moments: ClassMoments) -> float:
    """Scale of the class means, for features without any within-class variance."""
    means = moments.means[moments.counts > 0]
    scale = float(np.var(means, axis=0).mean())
    if scale == 0:
        raise InputError("all rows are equal: there is nothing to fit; check the features")
    return scale


def _small_class_notes(moments: ClassMoments, class_names: Sequence[str]) -> tuple[str, ...]:
    if moments.scatter_kind == "tied":
        return ()
    borrows = takes_pooled(moments.scatter, moments.counts)
    names = [
        f"'{name}' ({n})"
        for name, n, pooled in zip(class_names, moments.counts, borrows, strict=True)
        if pooled
    ]
    if not names:
        return ()
    return (
        f"classes with fewer than {MIN_CLASS_ROWS} rows, or with equal rows, took the pooled "
        "covariance: " + ", ".join(names),
    )


def _rank_notes(moments: ClassMoments, kind: CovarianceKind, intensity: Floats) -> tuple[str, ...]:
    # Diagonals, and the noise of the low-rank model, do not need as many rows as features.
    if kind in ("diagonal", "low-rank") or intensity.max() == 0:
        return ()
    counts = moments.counts
    present = int((counts > 0).sum())
    freedom = moments.n_samples - present if kind == "tied" else int(counts.min()) - 1
    if moments.n_features <= freedom:
        return ()
    whose = "the pooled covariance" if kind == "tied" else "the smallest class's covariance"
    return (
        f"{moments.n_features} features exceed the {freedom} degrees of freedom of {whose}: it is "
        f"invertible only through shrinkage (intensity {intensity.min():.3g} to "
        f"{intensity.max():.3g})",
    )
