"""How every loop here is compiled: once, cached, without the interpreter lock."""

import contextlib
import gc
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numba.core import event
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.kernel_cache import KernelCache

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _CollectorPause(event.Listener):
    """No cyclic garbage collection while a kernel of this package compiles.

    Numba makes millions of objects that live until it is done, and looking through them again and
    again takes a fifth of the time. Events come one at a time, under Numba's compiler lock.
    """

    def __init__(self) -> None:
        self._n_compiling = 0
        self._resume = False

    def on_start(self, event: Any) -> None:
        if self._is_ours(event):
            if self._n_compiling == 0:
                self._resume = gc.isenabled()
                gc.disable()
            self._n_compiling += 1

    def on_end(self, event: Any) -> None:
        if self._is_ours(event):
            self._n_compiling -= 1
            if self._n_compiling == 0 and self._resume:
                gc.enable()

    @staticmethod
    def _is_ours(event: Any) -> bool:
        module = getattr(event.data["dispatcher"].py_func, "__module__", None) or ""
        return str(module).split(".")[0] == __name__.split(".")[0]


event.register("numba:compile", _CollectorPause())  # type: ignore[no-untyped-call]


def kernel(function: _Function) -> _Function:
    """`function` compiled by Numba on first use; `function.py_func` stays the plain one.

    The compiled code is cached beside the module, in the user's cache folder or in
    NUMBA_CACHE_DIR. The cache follows the file of `function` alone: after an edit of `tiles.py` or
    `vectors.py`, delete `__pycache__`.
    """
    compiled: Any = njit(nogil=True, error_model="numpy")(function)
    # Where no folder can be written (a locked-down container), each process compiles.
    with contextlib.suppress(RuntimeError):
        compiled._cache = KernelCache(function)
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
