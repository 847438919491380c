"""Compiled passes over a channel's rows; the only modules that import Numba."""

from ibcollapse.bottleneck.kernels.packing import PackedChannel

__all__ = ["PackedChannel"]
