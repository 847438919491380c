"""Where the published VICReg loss leaves a linear encoder, beside the form of it in theory."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse import landscape

Array = NDArray[np.float64]

_FLOOR = 1e-4


def vicreg_variances(a0: Array, c: Array, *, n_outputs: int) -> Array:
    """Feature variances with one direction an output, (n_outputs,), decreasing.

    With the share r = c/(a + c) of noise in a direction and weights 25, 25, 1, an output of
    variance g costs, per output, 25 · [2 r g + 1 − √(g + 1e-4)] up to a standard deviation of 1, so
    √(g + 1e-4) = min(1, 1/(4r)): above 1/16, since r ≤ 1. That each output has a direction of its
    own is an assumption, and training refutes it where noise is large: the covariance term, of
    weight 1, does not keep outputs from sharing the best directions.
    """
    # Eigenvalues of the whitened data covariance are 1 − r.
    shares = landscape.selfsupervised(a0, c, n_outputs=n_outputs).eigenvalues[:n_outputs] / 2
    deviation = np.minimum(1.0, 1.0 / (4.0 * (1.0 - shares)))
    return np.asarray(deviation**2 - _FLOOR)
