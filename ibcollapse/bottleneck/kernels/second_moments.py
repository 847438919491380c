"""Second moments of the posteriors over pairs of clusters, for second-order methods."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.blas import dsyrk

from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.sweep import encode

# Rows times n_t times n_classes of one block: 8 MiB, and a product long enough for full speed.
_BLOCK_DOUBLES = 1_048_576


def second_moments(
    channel: PackedChannel, log_p_y_given_t: ArrayLike, log_p_t: ArrayLike, beta: float
) -> NDArray[np.float64]:
    """Matrix of sum_x p(x) p(t|x) p(s|x) p(y|x) p(y'|x), in float64.

    Shape (n_t · n_classes, n_t · n_classes), symmetric; row t · n_classes + y belongs to cluster t
    and class y. Summed over y and y' it gives sum_x p(x) p(t|x) p(s|x). Time grows with
    n_x (n_t n_classes)²: for tens of clusters and classes. Arguments and errors as in `sweep`.
    """
    p_t_given_x = encode(channel, log_p_y_given_t, log_p_t, beta)
    n_t = p_t_given_x.shape[1]
    size = n_t * channel.n_classes
    root = np.sqrt(channel.p_x.reshape(-1)[: channel.n_x])
    total = np.zeros((size, size), order="F")
    step = max(1, _BLOCK_DOUBLES // size)
    for first in range(0, channel.n_x, step):
        encoder = p_t_given_x[first : first + step] * root[first : first + step, None]
        posteriors = channel.rows(first, first + len(encoder))
        products = (encoder[:, :, None] * posteriors[:, None, :]).reshape(len(encoder), size)
        total = dsyrk(1.0, products.T, beta=1.0, c=total, overwrite_c=True)
    return np.triu(total) + np.triu(total, 1).T
