"""Compiled passes over a channel's rows; the only modules that import Numba."""

from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.potential import Potential, potential
from ibcollapse.bottleneck.kernels.second_moments import second_moments
from ibcollapse.bottleneck.kernels.sweep import Sweep, encode, log_partition, sweep

__all__ = [
    "PackedChannel",
    "Potential",
    "Sweep",
    "encode",
    "log_partition",
    "potential",
    "second_moments",
    "sweep",
]
