"""The standard streams of a command: where they fail, no result is lost and no exit code is wrong.

What an encoding has no sign for is written as its escape. Standard output that cannot be written
raises `StandardOutputError`, which is no OSError: click and rich have exit codes of their own for
those, and a pipe to a worker process breaks with one, too. Standard error carries remarks only; a
computation goes on without it.
"""

import io
import os
import select
import sys
from typing import Any

from ibcollapse.storage.deferred_errors import DeferredErrorFile


class StandardOutputError(Exception):
    """Standard output is closed, full or a pipe that nobody reads; `cause` says which."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"cannot write to standard output: {cause.strerror}")
        self.cause = cause

    @property
    def is_closed_pipe(self) -> bool:
        """Whether the reader has left, as `head` does."""
        return isinstance(self.cause, BrokenPipeError)


class StandardOutput(io.FileIO):
    """Descriptor 1, whose first failure is raised; what follows it is dropped.

    Buffers keep what they could not write and try again when the interpreter ends.
    """

    _failed = False

    def write(self, data: Any, /) -> int:
        """Write what fits of `data`, waiting for a reader that is not ready."""
        if self._failed:
            return len(data)
        try:
            while (written := super().write(data)) is None:
                select.select([], [self], [])
        except OSError as error:
            self._failed = True
            raise StandardOutputError(error) from error
        return written


def guard_streams() -> None:
    """Put streams of this module in the place of those that the interpreter opened."""
    _occupy_closed_descriptors()
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(StandardOutput(1, "w", closefd=False), sys.__stdout__)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(DeferredErrorFile(2, "w", closefd=False), sys.__stderr__)
        sys.stderr.reconfigure(line_buffering=True)


def _occupy_closed_descriptors() -> None:
    """Open what `>&-` closed, or the next result file becomes standard output.

    Standard output is opened for reading, so that writing to it still fails.
    """
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)


def _text(raw: io.FileIO, former: Any) -> io.TextIOWrapper:
    """A text stream on `raw` with the encoding of the `former` one; None where that was closed."""
    if former is not None:
        former.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8" if former is None else former.encoding,
        errors="backslashreplace",
        line_buffering=raw.isatty(),
    )
