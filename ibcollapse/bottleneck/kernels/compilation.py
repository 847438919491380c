"""How every loop here is compiled: once, cached, without the interpreter lock."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """`function` compiled by Numba on first use; `function.py_func` stays the plain one.

    The compiled code is cached beside the module or in the user's cache folder. The cache follows
    the file of `function` alone: after an edit of `tiles.py` or `vectors.py`, delete
    `__pycache__`.
    """
    try:
        compiled: Any = njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        # Neither folder can be written (a locked-down container): compile in each process.
        compiled = njit(nogil=True, error_model="numpy")(function)
    typed: _Function = compiled
    return typed


def part_of_kernel(function: _Function) -> _Function:
    """`function` written into each kernel that calls it, which saves compiling it by itself."""
    compiled: Any = njit(inline="always", error_model="numpy")(function)
    typed: _Function = compiled
    return typed


def constant(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read-only view: Numba compiles a loop once more for each mix of writable and other arrays."""
    view = array.view()
    view.setflags(write=False)
    return view


@part_of_kernel
def aligned(size: int) -> NDArray[np.float64]:
    """Uninitialised float64 (size,) that starts at a multiple of 64 bytes, one cache line."""
    buffer = np.empty(size + 8)
    first = (-buffer.ctypes.data % 64) // 8
    return buffer[first : first + size]
