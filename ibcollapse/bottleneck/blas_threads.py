"""One thread for the linear algebra of a solver.

Its matrix products are many and small. OpenBLAS's threads wait for each other by spinning, which
took four times the computing and more than twice as long for a curve of ten soft classes on two
processors (`python -m benchmarks.curve 10 0.6 4096 0.9`, with and without OMP_NUM_THREADS=1). The
kernels that are worth it have threads of their own.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

# Its BLAS is another library than NumPy's, and must be there before they are counted.
import scipy.linalg.blas  # noqa: F401
from threadpoolctl import ThreadpoolController

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


@functools.cache
def _libraries() -> ThreadpoolController:
    # Looking for them takes milliseconds, as long as a small solve.
    return ThreadpoolController()


def on_one_blas_thread(
    function: Callable[_Arguments, _Result],
) -> Callable[_Arguments, _Result]:
    """`function`, run with one thread of linear algebra; then it is as before."""

    @functools.wraps(function)
    def limited(*args: _Arguments.args, **options: _Arguments.kwargs) -> _Result:
        with _libraries().limit(limits=1, user_api="blas"):
            return function(*args, **options)

    return limited
