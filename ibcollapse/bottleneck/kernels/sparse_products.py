"""The part of the Hessian's product with a vector that runs over X, where posteriors are sparse.

For the slopes s_t(y) and constants c_t of a vector the atoms' log-densities change by a_t(x) =
c_t + Σ_y p(y|x) s_t(y); wanted are Σ_x b_t(x) and Σ_x b_t(x) p(y|x) of b_t = p(x) p(t|x)
(a_t − Σ_t' p(t'|x) a_t'). One pass over the rows does it all while a row's a_t are in the first
cache; atoms lie along the contiguous axis.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import kernel
from ibcollapse.bottleneck.kernels.side_by_side import PARTS, side_by_side, stretches

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# Atoms are padded to a multiple of this many doubles, a vector of the machine.
LANES = 8
# Multiply-adds below which a second thread costs more than it saves.
_WORTH_A_THREAD = 2_000_000


class SparseRows(NamedTuple):
    """Posteriors without their small entries, row by row: `ends` (n_x + 1,), `classes`, `values`.

    The entries of row x are those from ends[x] up to ends[x + 1].
    """

    ends: Integers
    classes: Integers
    values: Array

    @classmethod
    def above(cls, posteriors: Array, least: float) -> "SparseRows":
        """The entries of (n_x, n_classes) that exceed `least`."""
        keep = posteriors > least
        ends = np.concatenate([[0], np.cumsum(keep.sum(axis=1))])
        return cls(
            ends.astype(np.int64),
            np.nonzero(keep)[1].astype(np.int64),
            posteriors[keep],
        )


def padded(atoms: Array) -> Array:
    """(n, n_t) with columns of zeros up to a multiple of `LANES`."""
    wide = np.zeros((len(atoms), -(-atoms.shape[1] // LANES) * LANES))
    wide[:, : atoms.shape[1]] = atoms
    return wide


def sums_over_rows(
    rows: SparseRows, p_t_given_x: Array, p_x: Array, slopes: Array, constants: Array
) -> tuple[Array, Array]:
    """Σ_x b_t(x) (n_t,) and Σ_x b_t(x) p(y|x) (n_classes, n_t) of this module's text.

    Parameters
    ----------
    p_t_given_x : float64 (n_x, n_t)
        n_t a multiple of `LANES` (`padded`).
    slopes, constants : float64 (n_classes, n_t), (n_t,)
        s_t(y) and c_t.
    """
    n_t, n_x = len(constants), len(p_x)
    totals = np.zeros((PARTS, n_t))
    moments = np.zeros((PARTS, *slopes.shape))
    parts = stretches(n_x)

    def fill(part: int) -> None:
        _add_rows(
            *rows,
            parts[part].start,
            parts[part].stop,
            p_t_given_x,
            p_x,
            slopes,
            constants,
            totals[part],
            moments[part],
        )

    if len(rows.values) * n_t > _WORTH_A_THREAD:
        side_by_side(fill, range(PARTS))
    else:
        for part in range(PARTS):
            fill(part)
    return totals.sum(axis=0), moments.sum(axis=0)


@kernel
def _add_rows(
    ends: Integers,
    classes: Integers,
    values: Array,
    first: int,
    last: int,
    p_t_given_x: Array,
    p_x: Array,
    slopes: Array,
    constants: Array,
    total: Array,
    moments: Array,
) -> None:
    n_t = len(constants)
    along = np.empty(n_t)
    partial = np.empty(LANES)
    for x in range(first, last):
        for t in range(n_t):
            along[t] = constants[t]
        for i in range(ends[x], ends[x + 1]):
            value = values[i]
            slope = slopes[classes[i]]
            for t in range(n_t):
                along[t] += value * slope[t]
        # Several partial sums: LLVM may not reorder a single one into a vector.
        for lane in range(LANES):
            partial[lane] = 0.0
        for t in range(0, n_t, LANES):
            for lane in range(LANES):
                partial[lane] += p_t_given_x[x, t + lane] * along[t + lane]
        mean = 0.0
        for lane in range(LANES):
            mean += partial[lane]
        for t in range(n_t):
            along[t] = (along[t] - mean) * p_t_given_x[x, t] * p_x[x]
            total[t] += along[t]
        for i in range(ends[x], ends[x + 1]):
            value = values[i]
            moment = moments[classes[i]]
            for t in range(n_t):
                moment[t] += value * along[t]
