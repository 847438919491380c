"""The metric in which the Blahut–Arimoto step is steepest descent with step one."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.objective.mixture import Mixture

Array = NDArray[np.float64]


def scales(mixture: Mixture, beta: float) -> tuple[Array, Array]:
    """Square roots of the metric: (n_t,) for the weights, (n_t, n_classes) for the decoders."""
    root_q = np.exp(0.5 * mixture.log_q)
    root_r = np.exp(0.5 * mixture.log_r)
    return root_q, np.sqrt(beta) * root_q[:, None] * root_r


def scaled(weights: Array, decoders: Array, root_q: Array, scale: Array) -> Array:
    """A gradient in the scaled variables, flat; entries of decoders that are zero do not move."""
    first = np.divide(weights, root_q, out=np.zeros_like(weights), where=root_q > 0)
    rest = np.divide(decoders, scale, out=np.zeros_like(decoders), where=scale > 0)
    return np.concatenate([first[:, None], rest], axis=1).ravel()


def unscaled(step: Array, root_q: Array, scale: Array) -> tuple[Array, Array]:
    """Relative changes of the weights and changes of the logits that a flat scaled step means."""
    parts = step.reshape(len(root_q), -1)
    log_q = np.divide(parts[:, 0], root_q, out=np.zeros_like(root_q), where=root_q > 0)
    logits = np.divide(parts[:, 1:], scale, out=np.zeros_like(scale), where=scale > 0)
    return log_q, logits
