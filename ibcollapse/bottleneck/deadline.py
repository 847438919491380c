"""The time by which a computation hands over what it has."""

import math
import time

from ibcollapse.errors import InputError

OUT_OF_TIME = "the time was up"
"""How the status of a solution or a curve begins that `time_limit` has ended."""

INTERNAL_ERROR = "an internal error stopped"
"""How the status of a curve begins that an error which nobody foresaw has ended."""


class OutOfTimeError(Exception):
    """Raised inside a trace whose time is up; `Tracer` turns it into the curve so far."""


def deadline(time_limit: float) -> float:
    """The moment, on the monotonic clock, that is `time_limit` seconds ahead; inf for no limit."""
    if not time_limit > 0:
        raise InputError(f"time_limit is {time_limit}, expected seconds above zero")
    return time.monotonic() + time_limit


def is_over(until: float) -> bool:
    """Whether that moment has passed."""
    return until < math.inf and time.monotonic() >= until


def check(until: float) -> None:
    """Raise `OutOfTimeError` when it has."""
    if is_over(until):
        raise OutOfTimeError
