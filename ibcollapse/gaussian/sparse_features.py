"""Features that take one and the same value on nearly all rows, such as units that hardly fire."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ibcollapse.features.precision import Precision
from ibcollapse.gaussian.scatter import Codes

# Rows off its ordinary value that a feature needs in a class for a variance of its own there. The
# relative error of a variance that k rows carry is about 1/sqrt(k) of itself and more; with two or
# three such rows, one that is held out lies hundreds of deviations away.
MIN_ACTIVE_ROWS = 10
# Share of all rows from which on a feature is not rare, however few they are.
RARE_SHARE = 0.05
# Rows that the ordinary values are looked up in; odd, so that the median is one of them.
_FIRST_ROWS = 1001
# Numbers compared at once; their flags and counts stay in the cache.
_BLOCK_VALUES = 2**19


class ActiveRows:
    """Rows of each part and class on which each feature is off its ordinary value.

    The ordinary value of a feature is the median of the first rows where it occurs more than
    once there, else 0 (what a unit that does not fire gives).

    Parameters
    ----------
    n_parts, n_classes, n_features : int
    """

    def __init__(self, n_parts: int, n_classes: int, n_features: int) -> None:
        self._shape = n_parts, n_classes, n_features
        self._rows = np.zeros((n_parts, n_classes), dtype=np.int64)
        self._ordinary = np.zeros(self._shape, dtype=np.int64)
        self._limits: tuple[NDArray[Any], NDArray[Any]] | None = None

    def add(
        self, x: NDArray[Any], codes: Codes, parts: NDArray[np.int64], precision: Precision
    ) -> None:
        """Count the rows `x` (n, d) of the classes `codes` (n,) and the parts (n,)."""
        if self._limits is None:
            self._limits = _limits(x[:_FIRST_ROWS], precision)
        n_parts, n_classes, _ = self._shape
        place = parts * n_classes + codes
        self._rows += np.bincount(place, minlength=n_parts * n_classes).reshape(n_parts, n_classes)
        step = max(1, _BLOCK_VALUES // x.shape[1])
        for start in range(0, len(x), step):
            self._add_ordinary(x[start : start + step], place[start : start + step])

    def _add_ordinary(self, x: NDArray[Any], place: NDArray[np.int64]) -> None:
        assert self._limits is not None
        low, high = self._limits
        n_parts, n_classes, _ = self._shape
        ordinary = x >= low
        ordinary &= x <= high
        # A continuous feature meets its median in a row or two.
        columns = np.flatnonzero(ordinary.any(axis=0))
        if len(columns) == 0:
            return
        indicator = sparse.csr_array(
            (np.ones(len(x), dtype=np.int32), place, np.arange(len(x) + 1)),
            shape=(len(x), n_parts * n_classes),
        )
        found = indicator.T @ ordinary[:, columns].astype(np.int32)
        self._ordinary[:, :, columns] += found.reshape(n_parts, n_classes, len(columns))

    def few(self, parts: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where too few rows of some parts are active, in each class (K, d), and in all (d,).

        In a class: fewer than `MIN_ACTIVE_ROWS`, and less than half of its rows. In all: in every
        class, fewer than `MIN_ACTIVE_ROWS` together, and less than `RARE_SHARE` of all rows.
        """
        rows = self._rows[parts].sum(axis=0)
        active = rows[:, None] - self._ordinary[parts].sum(axis=0)
        in_class = (active < MIN_ACTIVE_ROWS) & (2 * active < rows[:, None])
        in_class |= rows[:, None] == 0
        together = active.sum(axis=0)
        rare = (together < MIN_ACTIVE_ROWS) & (together < RARE_SHARE * rows.sum())
        return in_class, in_class.all(axis=0) & rare


def _limits(rows: NDArray[Any], precision: Precision) -> tuple[NDArray[Any], NDArray[Any]]:
    """Between what values, (d,) each, a feature has its ordinary one, up to rounding."""
    middle = np.partition(rows, len(rows) // 2, axis=0)[len(rows) // 2].astype(np.float64)
    rounding = precision.rounding(middle**2)
    occurs = np.sum(np.abs(rows - middle) <= rounding, axis=0)
    ordinary = np.where(occurs > 1, middle, 0.0)
    rounding = precision.rounding(ordinary**2)
    return (
        (ordinary - rounding).astype(rows.dtype, copy=False),
        (ordinary + rounding).astype(rows.dtype, copy=False),
    )
