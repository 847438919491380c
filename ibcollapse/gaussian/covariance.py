"""Covariance models of class-conditional Gaussians, estimated from moments."""

from collections.abc import Sequence

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.results import CovarianceKind, CovarianceModel
from ibcollapse.gaussian.scales import FeatureScales, require_freedom
from ibcollapse.gaussian.scatter import Floats, ScatterKind
from ibcollapse.gaussian.shrinkage import mean_variance, shrunk
from ibcollapse.linear_algebra import symmetric_eigenpairs

# Below four rows the scatter about the rows' own mean says next to nothing about the class: with
# two, Ledoit and Wolf's estimate of its error is exactly zero.
MIN_CLASS_ROWS = 4
# Bound of the jitter in standardised variances; it starts at a few roundings of d products.
MAX_JITTER = 1e-6


def scatter_kind(kind: CovarianceKind) -> ScatterKind:
    """Second moments that a covariance model needs."""
    return "full" if kind == "low-rank" else kind


def standardised_scatter(
    moments: ClassMoments, scales: FeatureScales
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """Scatter of the live features in the units of `scales`, and who takes the pooled one.

    One pooled (tied), or one a class, (d, d) or diagonals (d,); the classes (K,) whose own scatter
    is no basis: under `MIN_CLASS_ROWS` rows, or all rows equal. A class of equal rows would
    otherwise be infinitely denser than every other one.
    """
    scatter, counts = moments.scatter, moments.counts
    if moments.scatter_kind == "tied":
        return [scales.standardise(scatter)], np.zeros(1, dtype=np.bool_)
    parts = [scales.standardise(s) for s in scatter]
    variances = np.array([mean_variance(s) for s in parts])
    # Equal rows leave the square of a rounding error.
    flat = variances <= np.finfo(np.float64).eps * variances.max()
    flat |= scales.sparse[:, scales.live].all(axis=1)
    return parts, flat | (counts < MIN_CLASS_ROWS)


def unshrunk_covariances(moments: ClassMoments, scales: FeatureScales) -> list[Floats]:
    """Unbiased covariances of the live features in the units of `scales`.

    One pooled (tied), or one a class, (d, d) or diagonals (d,). In these units the pooled variance
    of every feature is one. Classes whose own scatter is no basis take the pooled covariance, and
    those in which a feature is `sparse` its pooled variance.

    Raises
    ------
    InputError
        When there are not more rows than classes.
    """
    freedom = require_freedom(moments.counts)
    scatter, borrows = standardised_scatter(moments, scales)
    if moments.scatter_kind == "tied":
        return [scales.fill(scatter[0] / freedom)]
    pooled = np.sum(scatter, axis=0) / freedom
    for c, n in enumerate(moments.counts):
        if borrows[c]:
            scatter[c] = pooled.copy()
        else:
            scatter[c] /= n - 1
            _take_variances(scatter[c], pooled, scales.sparse[c, scales.live])
        scales.fill(scatter[c])
    return scatter


def _take_variances(covariance: Floats, pooled: Floats, features: NDArray[np.bool_]) -> None:
    """Give some features the pooled variances and no correlation with others, in place."""
    if covariance.ndim == 1:
        covariance[features] = pooled[features]
        return
    covariance[features] = 0.0
    covariance[:, features] = 0.0
    places = np.flatnonzero(features)
    covariance[places, places] = pooled[places, places]


def estimate_covariance(
    moments: ClassMoments,
    scales: FeatureScales,
    kind: CovarianceKind,
    intensity: Floats,
    *,
    rank: int | None,
    class_names: Sequence[str],
) -> CovarianceModel:
    """Shrunk, invertible covariances from moments of the matching `scatter_kind`.

    Shrinkage, principal parts and jitter work in the units of `scales`, so that the model follows
    the features into any other units: (1 − α) S + α m diag(s²), with s the pooled deviations and m
    the mean of S's variances over s².

    Raises
    ------
    InputError
        When there are not more rows than classes, or a covariance stays singular.
    """
    raw = unshrunk_covariances(moments, scales)
    covariances = [shrunk(c, a) for c, a in zip(raw, intensity, strict=True)]
    notes = (
        scales.notes()
        + _small_class_notes(moments, scales, class_names)
        + _rank_notes(moments, scales, kind, intensity)
    )
    loadings = None
    if kind == "low-rank":
        assert rank is not None
        parts = [_principal_part(c, min(rank, len(c) - 1)) for c in covariances]
        loadings = np.zeros((len(parts), len(scales.deviation), parts[0][0].shape[1]))
        loadings[:, scales.live] = [part[0] for part in parts]
        loadings *= scales.deviation[:, None]
        covariances = [np.full(len(scales.live), part[1]) for part in parts]
    jitter = max(_needed_jitter(c) for c in covariances)
    if jitter > 0:
        for c in covariances:
            c[np.diag_indices_from(c) if c.ndim == 2 else slice(None)] += jitter
        notes += (
            f"a covariance was singular: {jitter:.3g} of its variance inside classes was added to "
            "each feature's; a larger shrinkage would regularise it",
        )
    restored = [scales.restore(c) for c in covariances]
    matrix = restored[0] if kind == "tied" else np.stack(restored)
    return CovarianceModel(kind, matrix, loadings, np.array(intensity), jitter, notes)


def _principal_part(covariance: Floats, rank: int) -> tuple[Floats, float]:
    """Loadings (d, r) and noise variance of the maximum-likelihood probabilistic PCA.

    Tipping, Bishop (1999), J. Royal Statistical Society B 61, doi:10.1111/1467-9868.00196.
    """
    values, vectors = symmetric_eigenpairs(covariance)
    rest = len(values) - rank
    noise = max(float(values[:rest].mean()), 0.0)
    return vectors[:, rest:] * np.sqrt(np.maximum(values[rest:] - noise, 0.0)), noise


def _needed_jitter(covariance: Floats) -> float:
    """Smallest jitter in decades that makes every pivot exceed rounding; 0 when none is needed.

    For a standardised covariance, whose variances are about one.
    """
    smallest = len(covariance) * np.finfo(np.float64).eps
    if covariance.ndim == 1:
        return 0.0 if covariance.min() >= smallest else 2 * smallest
    jitter = 0.0
    while jitter <= MAX_JITTER:
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
        f"the covariance stays singular with {MAX_JITTER:g} of the variances on its diagonal; "
        "choose a larger shrinkage"
    )


def _small_class_notes(
    moments: ClassMoments, scales: FeatureScales, class_names: Sequence[str]
) -> tuple[str, ...]:
    if moments.scatter_kind == "tied":
        return ()
    _, borrows = standardised_scatter(moments, scales)
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


def _rank_notes(
    moments: ClassMoments, scales: FeatureScales, kind: CovarianceKind, intensity: Floats
) -> tuple[str, ...]:
    # Diagonals, and the noise of the low-rank model, do not need as many rows as features.
    if kind in ("diagonal", "low-rank") or intensity.max() == 0:
        return ()
    counts = moments.counts
    present = int((counts > 0).sum())
    freedom = moments.n_samples - present if kind == "tied" else int(counts.min()) - 1
    n_live = len(scales.live)
    if n_live <= freedom:
        return ()
    whose = "the pooled covariance" if kind == "tied" else "the smallest class's covariance"
    return (
        f"{n_live} features exceed the {freedom} degrees of freedom of {whose}: it is "
        f"invertible only through shrinkage (intensity {intensity.min():.3g} to "
        f"{intensity.max():.3g})",
    )
