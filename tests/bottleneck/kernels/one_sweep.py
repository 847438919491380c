"""One Blahut–Arimoto sweep by the compiled loop alone, of logarithms in nats."""

import math
from typing import NamedTuple

import numpy as np

from ibcollapse.bottleneck.kernels.compilation import constant
from ibcollapse.bottleneck.kernels.sweep import pass_over_slabs


class Sweep(NamedTuple):
    """Joint p(t, y) of the map's encoder, and Σ p(x) log Z(x), −inf where a row has no cluster."""

    joint: np.ndarray
    mean_log_z: float


def sweep(channel, log_p_y_given_t, log_p_t, beta):
    """The map of decoders (n_t, n_classes) and weights (n_t,) over a `PackedChannel`."""
    decoders, weights = (constant(np.ascontiguousarray(a)) for a in (log_p_y_given_t, log_p_t))
    joint = np.zeros(decoders.shape)
    rows = channel.posteriors, channel.negentropy, channel.p_x
    mean = pass_over_slabs(*rows, decoders, weights, beta, joint)
    # log Z(x) of a row that no cluster reaches is -1e308, in the mean times p(x).
    return Sweep(joint, mean if mean > -1e280 else -math.inf)
