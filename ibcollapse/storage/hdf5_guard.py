"""Whether HDF5 survives a file, found out in another process before this one opens it.

HDF5 takes the interpreter with it on some damaged files, or never returns, holding a lock that not
even Ctrl-C passes. So each file is first walked by a child of a helper process
(`hdf5_rehearsal.py`). The helper starts once and mostly imports h5py, while this process does the
same when `prepare` was called in time; a file then costs some milliseconds and is not walked again
until it changes.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

_PROGRAM = Path(__file__).with_name("hdf5_rehearsal.py")
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Exit code of a child that ran out of memory; the program is told it.
_TOO_LARGE = 3
_MOST_REMEMBERED = 4096
_MOST_STARTS = 2


class _Helper:
    """The helper process of this process."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            # Without `site`: what it would add to the path is handed over below.
            [sys.executable, "-P", "-S", str(_PROGRAM), str(_TOO_LARGE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                # No threads of NumPy: they take time to start and the program forks.
                "OPENBLAS_NUM_THREADS": "1",
            },
        )

    @property
    def is_usable(self) -> bool:
        """Whether it runs and is not that of a process that this one was forked from."""
        return self._owner == os.getpid() and self._process.poll() is None

    def ask(self, path: Path) -> int | None:
        """Exit code of a child that walked the file; None when the helper itself ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(os.fsencode(path.resolve()).hex().encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            return None
        except BaseException:
            # Ctrl-C came before the answer, which must not be taken for that of the next file.
            self.end()
            raise
        return int(answer) if answer else None

    def end(self) -> None:
        """End the process, if it is this one's."""
        if self._owner == os.getpid():
            self._process.kill()
            self._process.communicate()


_lock = threading.Lock()
_helper: _Helper | None = None
_remembered: dict[tuple[int, int, int, int], str] = {}


def prepare(path: Path) -> None:
    """Start the helper, without waiting for it, when `find_danger` will need it for this file.

    Called before h5py is imported, it hides the helper's own start behind that import. It does
    nothing for what does not begin like an HDF5 file.
    """
    with contextlib.suppress(OSError), path.open("rb") as file, _lock:
        if file.read(len(_SIGNATURE)) == _SIGNATURE:
            _running()


def find_danger(path: Path) -> str:
    """What HDF5 would do to a process that reads the file, in words; empty when it survives.

    Raises
    ------
    OSError
        When there is no such file.
    """
    status = path.stat()
    key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    with _lock:
        if key not in _remembered:
            if len(_remembered) >= _MOST_REMEMBERED:
                _remembered.clear()
            _remembered[key] = _in_words(_ask(path))
        return _remembered[key]


def _running() -> _Helper:
    """The helper, started when there is none that can be used."""
    global _helper
    if _helper is None or not _helper.is_usable:
        _helper = _Helper()
        atexit.register(_helper.end)
    return _helper


def _ask(path: Path) -> int:
    for _ in range(_MOST_STARTS):
        code = _running().ask(path)
        if code is not None:
            return code
    raise RuntimeError(f"{sys.executable} {_PROGRAM} ended early; is h5py installed there?")


def _in_words(code: int) -> str:
    if code == 0:
        return ""
    if code == -signal.SIGXCPU:
        return "HDF5 would never return from reading it"
    if code == _TOO_LARGE:
        return "it asks for more than 3 GiB of memory before any array is read"
    return f"HDF5 crashes on reading it (signal {-code})"
