"""A channel laid out for the kernels: slabs of 32 rows, the rows along the contiguous axis."""

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.kernels.tiles import SLAB
from ibcollapse.errors import InputError

# Stands for the log of zero, which zero times has to be zero.
_LOW = -1e300


@dataclasses.dataclass(frozen=True, eq=False)
class PackedChannel:
    """The rows p(x), p(y|x) in the order in which the kernels read them; made by `pack`.

    Attributes
    ----------
    n_x, n_classes : int
        Rows and classes of the channel.
    p_x : float64 (n_slabs, 32)
        Row weights; zero on the rows that fill up the last slab.
    posteriors : float64 (n_slabs, n_classes, 32)
        p(y|x); zero on those rows.
    negentropy : float64 (n_slabs, 32)
        sum_y p(y|x) log2 p(y|x) of each row, in bits: the kernels count in powers of two.
    """

    n_x: int
    n_classes: int
    p_x: NDArray[np.float64]
    posteriors: NDArray[np.float64]
    negentropy: NDArray[np.float64]

    @classmethod
    def pack(cls, p_x: ArrayLike, log_p_y_given_x: ArrayLike) -> "PackedChannel":
        """Packed copy of a channel.

        Parameters
        ----------
        p_x : float64 (n_x,)
            Row weights.
        log_p_y_given_x : float64 (n_x, n_classes)
            Log-posteriors in nats, -inf for zero; each row's exponentials sum to one.

        Raises
        ------
        InputError
            When the shapes do not belong together or there is no row or no class.
        """
        weights = np.asarray(p_x, dtype=np.float64)
        logs = np.asarray(log_p_y_given_x, dtype=np.float64)
        if logs.ndim != 2 or weights.shape != logs.shape[:1] or logs.size == 0:
            raise InputError(
                f"p_x has shape {weights.shape} and log_p_y_given_x {logs.shape}; "
                "give (n_x,) and (n_x, n_classes), at least one row and one class"
            )
        n_x, n_classes = logs.shape
        n_slabs = -(-n_x // SLAB)
        memory = _aligned_zeros(n_slabs * (n_classes + 2) * SLAB)
        packed = cls(
            n_x=n_x,
            n_classes=n_classes,
            p_x=memory[: n_slabs * SLAB].reshape(n_slabs, SLAB),
            posteriors=memory[2 * n_slabs * SLAB :].reshape(n_slabs, n_classes, SLAB),
            negentropy=memory[n_slabs * SLAB : 2 * n_slabs * SLAB].reshape(n_slabs, SLAB),
        )
        packed._fill(weights, logs)
        for array in (packed.p_x, packed.posteriors, packed.negentropy):
            array.setflags(write=False)
        return packed

    def _fill(self, p_x: NDArray[np.float64], logs: NDArray[np.float64]) -> None:
        self.p_x.reshape(-1)[: self.n_x] = p_x
        negentropy = self.negentropy.reshape(-1)
        # A few thousand rows at a time: no second channel-sized array.
        step = 64 * SLAB
        for first in range(0, self.n_x, step):
            block = logs[first : first + step]
            posteriors = np.exp(block)
            # Where the posterior underflows to zero, 0 · log 0 = 0.
            logs_or_low = np.maximum(block, _LOW)
            bits = np.einsum("xy,xy->x", posteriors, logs_or_low) / math.log(2.0)
            negentropy[first : first + len(block)] = bits
            n_whole, start = len(block) // SLAB, first // SLAB
            slabs = posteriors[: n_whole * SLAB].reshape(n_whole, SLAB, self.n_classes)
            self.posteriors[start : start + n_whole] = slabs.transpose(0, 2, 1)
            rest = posteriors[n_whole * SLAB :]
            if len(rest):
                self.posteriors[start + n_whole, :, : len(rest)] = rest.T


def _aligned_zeros(size: int) -> NDArray[np.float64]:
    # Vectors that straddle two cache lines would load at half the speed.
    buffer = np.zeros(size + 8)
    first = -buffer.ctypes.data % 64 // 8
    return buffer[first : first + size]
