"""The time by which a computation hands over what it has.

A limit is kept in one of two ways. A function that takes the moment `until` stops soon after it
with what it has reached. Everything below it that has nothing to hand over runs inside
`kept(until)`, where `check` raises `OutOfTimeError`: before every part of a kernel's work
(`kernels.side_by_side`) and in the loops that take long without one.
"""

import contextlib
import contextvars
import math
import time
from collections.abc import Iterator

from ibcollapse.errors import InputError

OUT_OF_TIME = "the time was up"
"""How the status of a solution or a curve begins that `time_limit` has ended."""

INTERNAL_ERROR = "an internal error stopped"
"""How the status of a curve begins that an error which nobody foresaw has ended."""


class OutOfTimeError(Exception):
    """Raised where the moment that is kept has passed."""


_kept: contextvars.ContextVar[float] = contextvars.ContextVar("kept", default=math.inf)


def deadline(time_limit: float) -> float:
    """The moment, on the monotonic clock, that is `time_limit` seconds ahead; inf for no limit."""
    if not time_limit > 0:
        raise InputError(f"time_limit is {time_limit}, expected seconds above zero")
    return time.monotonic() + time_limit


def seconds_left(until: float) -> float:
    """Seconds to that moment, as a `time_limit`: above zero, however little."""
    return max(until - time.monotonic(), 1e-9) if until < math.inf else math.inf


def is_over(until: float) -> bool:
    """Whether that moment has passed."""
    return until < math.inf and time.monotonic() >= until


def now_kept() -> float:
    """The moment that `check` looks at, inf where there is none."""
    return _kept.get()


@contextlib.contextmanager
def kept(until: float) -> Iterator[None]:
    """Within it `check` raises after the moment `until`, or after an earlier one kept already."""
    token = _kept.set(min(until, _kept.get()))
    try:
        yield
    finally:
        _kept.reset(token)


def check() -> None:
    """Raise `OutOfTimeError` when the moment that is kept has passed."""
    if is_over(_kept.get()):
        raise OutOfTimeError
