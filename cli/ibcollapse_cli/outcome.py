"""How a command ends: its exit code, and the one line that a user reads when it failed."""

import enum
from typing import IO, Any

import click

from ibcollapse.errors import IBCollapseError
from ibcollapse.printable import printable
from ibcollapse_cli.streams import StandardOutputError
from ibcollapse_cli.tracebacks import ReportedInternalError, keep_traceback


class ExitCode(enum.IntEnum):
    """Exit statuses of every command.

    UNFINISHED: the result was written, but some of its points did not reach the tolerance.
    BAD_INPUT: wrong usage, input that cannot be analysed, or an output that cannot be written.
    DEFECT: an internal error, one that nobody foresaw (EX_SOFTWARE of sysexits.h).
    INTERRUPTED and BROKEN_PIPE: as SIGINT and SIGPIPE would have told the shell.
    """

    DONE = 0
    UNFINISHED = 1
    BAD_INPUT = 2
    DEFECT = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class Failure(click.ClickException):
    """A command that failed for its input: click prints "Error: <message>" to standard error."""

    exit_code = ExitCode.BAD_INPUT


class ClosedPipe(Failure):
    """A command whose reader left before the end; there is nothing to tell anybody."""

    exit_code = ExitCode.BROKEN_PIPE

    def show(self, file: IO[Any] | None = None) -> None:
        """Print nothing."""


class Interrupted(Failure):
    """A command that the user stopped."""

    exit_code = ExitCode.INTERRUPTED


class Defect(Failure):
    """A command that an internal error stopped: the reason is not the user's."""

    exit_code = ExitCode.DEFECT


def failure_of(error: BaseException) -> Failure:
    """The one line and the exit code that tell a user about `error`."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Interrupted("interrupted; what was finished is kept, and no file is half-written")
    if isinstance(error, Failure):
        return error
    if isinstance(error, click.ClickException):
        # click exits with 1 for some of its errors; here 1 means unfinished points.
        return Failure(printable(error.format_message()))
    if isinstance(error, StandardOutputError):
        return (ClosedPipe if error.is_closed_pipe else Failure)(str(error))
    if isinstance(error, IBCollapseError):
        return Failure(printable(str(error)))
    if isinstance(error, MemoryError):
        detail = f" ({error})" if str(error) else ""
        return Failure(f"not enough memory{detail}; use fewer --workers or a machine with more")
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return Failure(printable(f"{place}{error.strerror}"))
    if isinstance(error, ReportedInternalError):
        what = str(error)
    else:
        what = f"internal error: {type(error).__name__}: {error}"
    kept = keep_traceback(error)
    place = "above" if kept is None else f"in {kept}"
    return Defect(
        printable(
            f"{what}; please report it with its traceback, which is {place} "
            "(ibcollapse --debug shows it, too)"
        )
    )
