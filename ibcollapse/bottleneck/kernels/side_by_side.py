"""Parts of a kernel's work, done at the same time by threads that wait for more of it."""

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Part = TypeVar("_Part")

THREADS = min(4, os.cpu_count() or 1)
"""Threads of a kernel: its parts do not depend on their number, nor do the bits of the result."""


def side_by_side(work: Callable[[_Part], None], parts: Sequence[_Part]) -> None:
    """`work` done on every part; parts must not write to the same memory."""
    if THREADS == 1 or len(parts) == 1:
        for part in parts:
            work(part)
    else:
        # The list raises what a part has raised.
        list(_pool(os.getpid()).map(work, parts))


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Starting threads takes as long as many a part of an ascent: they stay.

    A forked process has none of its parent's threads, hence the process id among the keys.
    """
    return ThreadPoolExecutor(THREADS, thread_name_prefix="kernel")
