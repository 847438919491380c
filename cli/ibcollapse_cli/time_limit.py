"""An end to long work, made by the same means as Ctrl-C."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class TimeLimit:
    """Whether the time was `up` before the work was done."""

    up = False


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[TimeLimit]:
    """Interrupt the block after `seconds` (0: never): what handles Ctrl-C hands over what it has.

    Only for the main thread, where signals arrive.
    """
    limit = TimeLimit()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        limit.up = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield limit
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
