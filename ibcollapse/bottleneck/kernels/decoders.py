"""Checking the decoders that a kernel is given: compiled loops trust every shape."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.kernels.compilation import constant
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.errors import InputError

LOG_ZERO = -1e30
"""Stands for log 0 in products with probabilities: 0 · LOG_ZERO is 0, anything else −∞ enough."""

ABSENT = 1e-60
"""A class of which the Blahut–Arimoto image of an atom holds less than this is absent from it.

Such an entry is on its way to zero, doubly exponentially where beta p(y|x) exceeds one, and would
scale the Hessian beyond the range of doubles; every row that has more than 1e-30 of the class has
less than 1e-30 of the atom, and those that have less do not notice `LOG_ZERO`."""

# Up to this beta the distances at which decoders count as one are as they were measured to be good.
_USUAL = 100.0
_FINEST = 1e-4


def closeness(beta: float) -> float:
    """Factor of every squared distance at which decoders count as one: 1, smaller at huge betas.

    What a distance d is worth is beta d: where rows hardly differ, beta is of the order of 1/d and
    all that happens does so at such distances. Double precision ends at 1e-4 of the usual ones.
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


def checked_decoders(
    channel: PackedChannel, log_p_y_given_t: ArrayLike, log_p_t: ArrayLike, beta: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Log-decoders (n_t, n_classes), log-weights (n_t,) and beta, of the types compiled for.

    Raises
    ------
    InputError
        When the decoders do not fit the channel, or beta is negative or not finite.
    """
    decoders = constant(np.ascontiguousarray(log_p_y_given_t, dtype=np.float64))
    weights = constant(np.ascontiguousarray(log_p_t, dtype=np.float64))
    if decoders.ndim != 2 or decoders.shape[1] != channel.n_classes or not len(decoders):
        raise InputError(
            f"log_p_y_given_t has shape {decoders.shape}; the channel needs "
            f"(n_t, {channel.n_classes}) with n_t at least 1"
        )
    if weights.shape != decoders.shape[:1]:
        raise InputError(
            f"log_p_t has shape {weights.shape}; {len(decoders)} decoders need ({len(decoders)},)"
        )
    if not 0.0 <= beta < math.inf:
        raise InputError(f"beta is {beta}; give a finite number that is not negative")
    return decoders, weights, float(beta)
