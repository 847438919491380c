"""Running a compiled loop over the slabs of a channel on several threads."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Part = TypeVar("_Part")

# Multiply-adds, about a millisecond of one thread: starting threads costs a tenth of that.
_WORTH_A_THREAD = 10_000_000


def over_slabs(
    loop: Callable[[int, int], _Part], n_slabs: int, n_threads: int, work: int
) -> list[_Part]:
    """Results of `loop(first, last)` over equal parts of the slabs, in their order.

    The parts depend on the sizes alone, so that the same call gives the same bits. Threads are
    started for each call: a pool that outlived it would be dead after a fork.

    Parameters
    ----------
    loop : callable
        Releases the interpreter lock.
    n_slabs, n_threads : int
        Slabs to cover and the most threads to use.
    work : int
        Multiply-adds of the whole; small problems stay on the calling thread.
    """
    n_parts = max(1, min(n_threads, n_slabs, work // _WORTH_A_THREAD))
    edges = [part * n_slabs // n_parts for part in range(n_parts + 1)]
    if n_parts == 1:
        return [loop(0, n_slabs)]
    with ThreadPoolExecutor(n_parts - 1) as threads:
        waiting = [
            threads.submit(loop, first, last) for first, last in itertools.pairwise(edges[1:])
        ]
        own = loop(edges[0], edges[1])
        return [own, *(part.result() for part in waiting)]
