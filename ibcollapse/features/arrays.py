"""NumPy arrays from what people hold: arrays, lists, memory maps, tensors of any device."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError


def as_array(values: Any) -> NDArray[Any]:
    """NumPy view (a copy only where unavoidable) of an array, list or tensor.

    A tensor is detached and brought to the CPU; bfloat16, which NumPy does not have, becomes
    float32. No tensor library is imported: whatever has `detach` and `cpu` is taken as a tensor.

    Raises
    ------
    InputError
        When the values form no array (ragged lists, objects).
    """
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        values = values.detach().cpu()
        if "bfloat16" in str(values.dtype):
            values = values.float()
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"a {type(values).__name__} is no array: {error}") from error
    if array.dtype.kind == "O" and all(isinstance(item, (str, bytes)) for item in array.flat):
        return _as_strings(array)
    return array


def _as_strings(array: NDArray[Any]) -> NDArray[Any]:
    """NumPy strings of objects that are text or bytes; text when they are both."""
    if all(isinstance(item, bytes) for item in array.flat):
        return array.astype(np.bytes_)
    try:
        items = [item.decode() if isinstance(item, bytes) else item for item in array.flat]
    except UnicodeDecodeError as error:
        raise InputError(f"bytes that are no UTF-8 among strings ({error})") from error
    return np.array(items, dtype=np.str_).reshape(array.shape)
