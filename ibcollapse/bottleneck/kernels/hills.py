"""Hills of log Φ whose maxima are known, and the points on them, compiled."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf

from ibcollapse.bottleneck.deadline import check
from ibcollapse.bottleneck.kernels.compilation import kernel
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO, closeness

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Decoders closer than this in squared Hellinger distance lie in one basin of Φ.
SAME_BASIN = 1e-6
NEAR_MAXIMUM = 1e-3
"""Points within this squared Hellinger distance of a maximum may be taken for points of its hill,
when log Φ between them is what the maximum's own quadratic model says."""
# To this share.
_SAME_HILL = 0.05
# Differences of log Φ this small, nats, are rounding.
_ROUNDING = 1e-13


class Hills:
    """Maxima reached so far: log decoders `log_r` (n, n_classes), their log Φ (n,), and models."""

    def __init__(self, n_classes: int, beta: float) -> None:
        self.log_r = np.empty((0, n_classes))
        self.log_phi = np.empty(0)
        self._beta = beta
        self._roots = np.empty((0, n_classes))
        self._models = np.empty((0, n_classes, n_classes))

    def add(self, log_r: Array, log_phi: Array, models: Array) -> None:
        """Further maxima with lower triangles of the negative Hessian of log Φ in scaled logits.

        `models` (n, K, K) are kept: nobody else may write to them any more.
        """
        for model in models:
            check()
            if dpotrf(model, lower=True)[1] != 0:
                # A saddle explains nothing: what starts beside it may climb past it.
                model[:] = math.nan
        self.log_r = np.concatenate([self.log_r, log_r])
        self.log_phi = np.concatenate([self.log_phi, log_phi])
        self._roots = np.concatenate([self._roots, np.exp(0.5 * log_r)])
        # Of many classes they are most of the memory that an ascent takes.
        is_first = len(self._models) == 0
        self._models = models if is_first else np.concatenate([self._models, models])

    def explain(self, log_r: Array, log_phi: Array) -> Flags:
        """Which decoders are at a known maximum, or have the log Φ that its model predicts."""
        known = np.empty(len(log_r), dtype=np.bool_)
        _recognise(
            np.ascontiguousarray(log_r),
            log_phi,
            self._roots,
            self.log_phi,
            self._models,
            float(self._beta),
            SAME_BASIN * closeness(self._beta),
            known,
        )
        return known


@kernel
def _recognise(
    log_r: Array,
    log_phi: Array,
    roots: Array,
    heights: Array,
    models: Array,
    beta: float,
    same: float,
    known: Flags,
) -> None:
    n, n_classes = log_r.shape
    root, away = np.empty(n_classes), np.empty(n_classes)
    for i in range(n):
        known[i] = False
        for y in range(n_classes):
            root[y] = math.exp(0.5 * log_r[i, y])
        for k in range(len(roots)):
            distance = 0.0
            for y in range(n_classes):
                away[y] = root[y] - roots[k, y]
                distance += 0.5 * away[y] * away[y]
            # A decoder that excludes every row has log Φ = −inf: it is below everything.
            below = heights[k] - max(log_phi[i], LOG_ZERO)
            if distance > NEAR_MAXIMUM or below < -_ROUNDING:
                continue
            # Steps in scaled logits are 2 √beta times those of √r.
            fall = 0.0
            for y in range(n_classes):
                fall += 2.0 * beta * models[k, y, y] * away[y] * away[y]
                for z in range(y):
                    fall += 4.0 * beta * models[k, y, z] * away[y] * away[z]
            # A comparison with the NaN of a saddle is false.
            if distance <= same or abs(below - fall) <= _SAME_HILL * fall + _ROUNDING:
                known[i] = True
                break
