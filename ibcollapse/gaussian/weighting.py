"""Class and sample weighted means and covariances of `ClassMoments`."""

import numpy as np

from ibcollapse.errors import InputError
from ibcollapse.gaussian.moments import ClassMoments, Weighting
from ibcollapse.gaussian.scatter import Floats


def class_shares(moments: ClassMoments, weighting: Weighting) -> Floats:
    """Weight of each class, float64 (K,), summing to one: n_c/n ("sample") or equal ("class").

    A class without rows has weight zero under both.

    Raises
    ------
    InputError
        On another `weighting`, or when there are no rows.
    """
    counts = moments.counts
    if weighting not in ("class", "sample"):
        raise InputError(f"weighting={weighting!r}; choose 'class' or 'sample'")
    if moments.n_samples == 0:
        raise InputError("no rows have been added to these moments")
    present = counts if weighting == "sample" else counts > 0
    shares: Floats = present / present.sum()
    return shares


def global_mean(moments: ClassMoments, weighting: Weighting) -> Floats:
    """Mean of the class means under `weighting`, float64 (d,)."""
    shares = class_shares(moments, weighting)
    return shares[shares > 0] @ moments.means[shares > 0]


def within_covariance(moments: ClassMoments, weighting: Weighting) -> Floats:
    """Σ_W = Σ_c p_c S_c/n_c, float64 (d, d), or its diagonal (d,) from diagonal moments.

    Raises
    ------
    InputError
        When pooled moments were accumulated with class weights other than `weighting` needs.
    """
    shares = class_shares(moments, weighting)
    per_sample = np.divide(shares, moments.counts, out=np.zeros_like(shares), where=shares > 0)
    if moments.scatter_kind != "tied":
        return np.tensordot(per_sample, moments.scatter, axes=1)
    present = shares > 0
    weights = moments.class_weights[present]
    scale = per_sample[present].sum() / weights.sum() if weights.sum() > 0 else 0.0
    # Both are ratios of small integers and their reciprocals: 1e-9 is far above their rounding.
    if not np.allclose(scale * weights, per_sample[present], rtol=1e-9, atol=0):
        raise InputError(
            f"the pooled scatter cannot be weighted by {weighting} after the fact; make it with "
            "ClassMoments(..., class_weights=1/counts) for 'class' (no class_weights for "
            "'sample'), or with scatter='full'"
        )
    return scale * moments.scatter


def between_covariance(moments: ClassMoments, weighting: Weighting) -> Floats:
    """Σ_B = Σ_c p_c (μ_c − μ_G)(μ_c − μ_G)ᵀ, float64 (d, d), or (d,) from diagonal moments."""
    shares = class_shares(moments, weighting)
    present = shares > 0
    centred = moments.means[present] - global_mean(moments, weighting)
    scaled = centred * shares[present, None]
    if moments.scatter_kind == "diagonal":
        diagonal: Floats = np.sum(scaled * centred, axis=0)
        return diagonal
    return scaled.T @ centred


def total_covariance(moments: ClassMoments, weighting: Weighting) -> Floats:
    """Σ_T = Σ_W + Σ_B under one `weighting`, float64 (d, d) or (d,)."""
    return within_covariance(moments, weighting) + between_covariance(moments, weighting)
