"""Log decoders: what stands for log 0 in them, and how far apart two are that count as two."""

import numpy as np
from numpy.typing import NDArray

LOG_ZERO = -1e30
"""Stands for log 0 in products with probabilities: 0 · LOG_ZERO is 0, anything else −∞ enough."""

ABSENT = 1e-60
"""A class of which the Blahut–Arimoto image of an atom holds less than this is absent from it.

Such an entry is on its way to zero, doubly exponentially where beta p(y|x) exceeds one, and would
scale the Hessian beyond the range of doubles; every row that has more than 1e-30 of the class has
less than 1e-30 of the atom, and those that have less do not notice `LOG_ZERO`."""

# Up to this beta the distances at which decoders count as one are as they were measured to be good.
_USUAL = 100.0
_FINEST = 1e-6


def closeness(beta: float) -> float:
    """Factor of every squared distance at which decoders count as one: 1, smaller at huge betas.

    What a distance d is worth is beta d: where rows hardly differ, beta is of the order of 1/d and
    all that happens does so at such distances. Double precision ends at 1e-6 of the usual ones.
    """
    return max(_FINEST, min(1.0, _USUAL / max(beta, 1.0)))


def floored_log(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """log p, `LOG_ZERO` where p is zero."""
    with np.errstate(divide="ignore"):
        floored: NDArray[np.float64] = np.maximum(np.log(probabilities), LOG_ZERO)
    return floored


def log_of_image(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """log p of Blahut–Arimoto images, `LOG_ZERO` for classes that are `ABSENT`: on a face."""
    return floored_log(np.where(probabilities < ABSENT, 0.0, probabilities))
