"""What a command hands over when it has its result: files first, then what it prints."""

import contextlib
import functools
import sys
from collections.abc import Callable, Sequence
from types import TracebackType

from ibcollapse.errors import IBCollapseError, NumericalError
from ibcollapse_cli.console import remark
from ibcollapse_cli.outcome import ClosedPipe, ExitCode, Failure, failure_of


def deliver(
    files: Sequence[Callable[[], object]],
    *,
    json_path: str | None,
    write: Callable[[str], object],
    show: Callable[[], object],
    notes: Sequence[str] = (),
    quiet: bool = False,
) -> None:
    """Take the steps that write `files`; `write` the JSON file; `show`, or `write` to "-"; `notes`.

    Every step is taken, whatever became of the one before: a full disk costs no table, an internal
    error in a picture no result file. At the end one error says what failed. Ctrl-C ends it.
    """
    steps = list(files)
    if json_path is not None and json_path != "-":
        steps.append(functools.partial(write, json_path))
    steps += [functools.partial(write, "-") if json_path == "-" else show, sys.stdout.flush]
    errors: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:
            errors.append(error)
    for note in notes:
        remark(f"note: {note}", quiet=quiet)
    if len(errors) > 1:
        raise _as_one(errors) from errors[0]
    if errors:
        raise errors[0]


def _as_one(errors: Sequence[Exception]) -> Failure:
    """One line about all of them, with the exit code of the first, or of the first internal one."""
    failures = sorted(map(failure_of, errors), key=lambda f: f.exit_code != ExitCode.DEFECT)
    told = [f.format_message() for f in failures if not isinstance(f, ClosedPipe)]
    return type(failures[0])("; also: ".join(told))


class Postponed(contextlib.AbstractContextManager["Postponed"]):
    """A block whose error waits until what was finished before it is handed over.

    An input that cannot be used is refused at once. `raise_error` is a step of `deliver`.
    """

    error: Exception | None = None

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool:
        """Keep an error that nobody foresaw and that is not the end of the process."""
        refused = isinstance(error, IBCollapseError) and not isinstance(error, NumericalError)
        if refused or not isinstance(error, Exception):
            return False
        self.error = error
        return True

    def raise_error(self) -> None:
        """Raise what the block raised, if it did."""
        if self.error is not None:
            raise self.error
