"""Torch tensors as NumPy arrays, for everything that takes arrays."""

from typing import Any

import torch
from numpy.typing import NDArray

from ibcollapse.array_backend import register_arrays


def tensor_array(tensor: torch.Tensor) -> NDArray[Any]:
    """The values of `tensor`, without a copy where it lies on the CPU and NumPy has its type.

    bfloat16 becomes float32.
    """
    held = tensor.detach().cpu()
    if held.dtype == torch.bfloat16:
        held = held.float()
    array: NDArray[Any] = held.numpy()
    return array


register_arrays("torch", tensor_array)
