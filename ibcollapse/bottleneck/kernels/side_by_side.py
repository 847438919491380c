"""Parts of a kernel's work, done at the same time by threads that wait for more of it."""

import contextvars
import functools
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from ibcollapse.bottleneck.deadline import OutOfTimeError, is_over, now_kept

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")

THREADS = min(4, os.cpu_count() or 1)
"""Threads of a kernel: its parts do not depend on their number, nor do the bits of the result."""

PARTS = 2
"""Parts of a sum over rows, whatever the number of threads: its bits are the same."""


def stretches(length: int, n_parts: int = PARTS) -> list[slice]:
    """Slices of nearly equal length that cover 0, …, length − 1."""
    edges = [length * part // n_parts for part in range(n_parts + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]


def side_by_side(work: Callable[[_Part], None], parts: Sequence[_Part]) -> None:
    """`work` done on every part; parts must not write to the same memory.

    No part begins after the moment that is kept (`bottleneck.deadline`): `OutOfTimeError`.
    """
    until = now_kept()

    def in_time(part: _Part) -> None:
        if is_over(until):
            raise OutOfTimeError
        work(part)

    if THREADS == 1 or len(parts) <= 1:
        for part in parts:
            in_time(part)
        return
    pool = _pool(os.getpid())
    others = [pool.submit(in_time, part) for part in parts[1:]]
    try:
        in_time(parts[0])
    finally:
        # Nobody may go on while others still write.
        wait(others)
    for other in others:
        other.result()


def begun(work: Callable[[], _Result]) -> Callable[[], _Result]:
    """`work` begun by another thread, if there are several; the call of what is returned ends it.

    It may call `side_by_side`, whose threads are others, and keeps the moment that is kept here.
    """
    if THREADS == 1:
        return work
    context = contextvars.copy_context()
    return _background(os.getpid()).submit(context.run, work).result


@functools.cache
def _background(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="background")


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Starting threads takes as long as many a part of an ascent: they stay.

    A forked process has none of its parent's threads, hence the process id among the keys.
    """
    return ThreadPoolExecutor(THREADS, thread_name_prefix="kernel")
