"""NumPy arrays from what people hold: arrays, lists, memory maps, tensors of any device.

Everything that a user may hand over as an array goes through `as_array`. No tensor library is
imported here, nor by any numerics: the sub-package that works with one registers how its arrays are
converted, and is loaded when the first of them comes.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError

# Library → the module that registers its arrays when it is imported.
_PROVIDERS = {"torch": "ibcollapse.nn.tensors"}

_converters: dict[str, Callable[[Any], Any]] = {}


def register_arrays(library: str, convert: Callable[[Any], Any]) -> None:
    """From now on, let `convert` make NumPy arrays of the arrays of the package `library`.

    It holds for objects of every class that is defined in that package, or derived from one.
    """
    _converters[library] = convert


def as_array(values: Any) -> NDArray[Any]:
    """NumPy view (a copy only where unavoidable) of an array, list or tensor.

    A torch tensor is detached and brought to the CPU; bfloat16, which NumPy does not have, becomes
    float32.

    Raises
    ------
    InputError
        When the values form no array (ragged lists, objects).

    Examples
    --------
    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    >>> as_array([[1, 2], [3]])
    Traceback (most recent call last):
    ibcollapse.errors.InputError: a list is no array: ...
    """
    convert = _converter_of(type(values))
    try:
        array = np.asarray(values if convert is None else convert(values))
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"a {type(values).__name__} is no array: {error}") from error
    if array.dtype.kind == "O" and all(isinstance(item, (str, bytes)) for item in array.flat):
        return _as_strings(array)
    return array


def as_floats(values: Any) -> NDArray[np.float64]:
    """`as_array` in float64.

    Raises
    ------
    InputError
        When the values form no array, or no array of real numbers.

    Examples
    --------
    >>> as_floats([1, 2])
    array([1., 2.])
    """
    array = as_array(values)
    if array.dtype.kind not in "fiubO":
        raise InputError(f"an array of {array.dtype}; expected real numbers")
    try:
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"an array of objects that are no real numbers: {error}") from error


def is_array(values: Any) -> bool:
    """Whether `values` are one array, of NumPy or another library, and not a list of something."""
    return hasattr(values, "__array__") or _converter_of(type(values)) is not None


def _converter_of(cls: type) -> Callable[[Any], Any] | None:
    for base in cls.__mro__:
        library = base.__module__.partition(".")[0]
        if library in _PROVIDERS and library not in _converters:
            importlib.import_module(_PROVIDERS[library])
        if library in _converters:
            return _converters[library]
    return None


def _as_strings(array: NDArray[Any]) -> NDArray[Any]:
    """NumPy strings of objects that are text or bytes; text when they are both."""
    if all(isinstance(item, bytes) for item in array.flat):
        return array.astype(np.bytes_)
    try:
        items = [item.decode() if isinstance(item, bytes) else item for item in array.flat]
    except UnicodeDecodeError as error:
        raise InputError(f"bytes that are no UTF-8 among strings ({error})") from error
    return np.array(items, dtype=np.str_).reshape(array.shape)
