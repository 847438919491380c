"""Where the traceback of an internal error is kept, for the report of it."""

import contextlib
import logging
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


class ReportedInternalError(Exception):
    """An internal error that the library caught to hand over what was finished before it.

    Its message is what the library says of it, its cause the error if the library logged it.
    """


class _Caught(logging.Handler):
    """The last exception that the library logged."""

    error: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of `record`, if it has one."""
        if record.exc_info and record.exc_info[1] is not None:
            self.error = record.exc_info[1]


_caught = _Caught(logging.ERROR)


def watch_log() -> None:
    """From now on, remember the internal errors that the library catches and logs."""
    _caught.error = None
    logging.getLogger("ibcollapse").addHandler(_caught)


def reported(text: str) -> ReportedInternalError:
    """The error that ends a command after the library said `text` of an internal one."""
    error = ReportedInternalError(text)
    error.__cause__ = _caught.error
    return error


def keep_traceback(error: BaseException) -> Path | None:
    """Write the traceback of `error` to a new file, and return its path.

    The file is made in the current folder or, where that cannot be written, in the one for
    temporary files; where neither can, the traceback goes to standard error, and None comes back.
    """
    import tempfile

    text = (
        f"{shlex.join(sys.argv)}\n{_version()}, Python {sys.version}\n\n"
        f"{''.join(traceback.format_exception(error))}"
    )
    folders: tuple[Callable[[], str], ...] = (os.getcwd, tempfile.gettempdir)
    for folder in folders:
        with contextlib.suppress(OSError):
            return _write(text, folder())
    sys.stderr.write(text)
    return None


def _write(text: str, folder: str) -> Path:
    import tempfile

    handle, name = tempfile.mkstemp(prefix="ibcollapse-error-", suffix=".txt", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        path.unlink()
        raise
    return path


def _version() -> str:
    from importlib import metadata

    try:
        return f"ibcollapse {metadata.version('ibcollapse')}"
    except metadata.PackageNotFoundError:
        return "ibcollapse (not installed: run from its source tree)"
