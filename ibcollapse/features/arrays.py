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
        return array.astype(np.str_ if isinstance(array.flat[0], str) else np.bytes_)
    return array
