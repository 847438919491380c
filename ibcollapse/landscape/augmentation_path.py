"""Learned feature variances along the strength of the augmentation, with collapse thresholds."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ibcollapse.array_backend import as_floats
from ibcollapse.errors import InputError
from ibcollapse.landscape.linear_landscape import LinearLandscape
from ibcollapse.landscape.selfsupervised import selfsupervised
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]


@register("landscape/AugmentationPath")
@dataclasses.dataclass(frozen=True)
class AugmentationPath:
    """Minima of one loss with noise covariance strength · C.

    Attributes
    ----------
    strengths : float64 (n_strengths,)
        Increasing.
    eigenvalues, feature_variances : float64 (n_strengths, n_directions)
        λ_j and g_j of each minimum, by decreasing λ_j.
    values : float64 (n_strengths,)
        Losses.
    collapse_strengths : float64 (n_directions,)
        Strength at which the j-th largest feature variance reaches zero; inf if it has not by the
        last strength, NaN if it was zero from the first.
    """

    strengths: Array
    eigenvalues: Array
    feature_variances: Array
    values: Array
    collapse_strengths: Array

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            getattr(self, field.name).setflags(write=False)

    @property
    def complete_collapse_strength(self) -> float:
        """Strength from which nothing is learned; inf if something is learned to the end."""
        finite = self.collapse_strengths[~np.isnan(self.collapse_strengths)]
        return float(finite.max()) if len(finite) else float(self.strengths[0])


def augmentation_path(
    a0: Array, c: Array, strengths: Sequence[float] | Array, **options: Any
) -> AugmentationPath:
    """Eigenvalue path of the learned covariance against augmentation strength.

    Parameters
    ----------
    a0, c : float64 (n_inputs, n_inputs)
        As for `selfsupervised`; the noise covariance is strength · c.
    strengths : sequence of float, (n_strengths,)
        Positive and increasing, at least two. A collapse is bracketed between two of them and
        located to a relative 1e-12.
    **options
        Those of `selfsupervised`.

    Raises
    ------
    InputError
        On strengths that are not positive and increasing, or as `selfsupervised` does.
    """
    grid = as_floats(strengths).copy()
    if grid.ndim != 1 or len(grid) < 2 or not (grid[0] > 0 and np.all(np.diff(grid) > 0)):
        raise InputError("strengths must be at least two positive, increasing numbers")

    def at(strength: float) -> LinearLandscape:
        return selfsupervised(a0, strength * as_floats(c), **options)

    landscapes = [at(float(strength)) for strength in grid]
    active = np.array([landscape.active for landscape in landscapes])
    ends = [_collapse(at, grid, active[:, j], j) for j in range(active.shape[1])]
    return AugmentationPath(
        strengths=grid,
        eigenvalues=np.array([landscape.eigenvalues for landscape in landscapes]),
        feature_variances=np.array([landscape.feature_variances for landscape in landscapes]),
        values=np.array([landscape.value for landscape in landscapes]),
        collapse_strengths=np.array(ends),
    )


def _collapse(
    at: Callable[[float], LinearLandscape], grid: Array, active: NDArray[np.bool_], j: int
) -> float:
    falls = np.flatnonzero(active[:-1] & ~active[1:])
    if len(falls) == 0:
        return float("inf") if active[-1] else float("nan")

    def margin(strength: float) -> float:
        landscape = at(strength)
        return float(landscape.eigenvalues[j] - landscape.level)

    low, high = grid[falls[0]], grid[falls[0] + 1]
    # λ_j − μ can be exactly zero at the upper end.
    if margin(high) == 0:
        return float(high)
    return float(brentq(margin, low, high, rtol=1e-12))
