"""Whether HDF5 survives a file, found out in another process before this one opens it.

HDF5 takes the interpreter with it on some damaged files, or never returns, holding a lock that not
even Ctrl-C passes. So each file is first walked by a child of a helper process
(`hdf5_rehearsal.py`). The helper starts once, in about 0.2 s; a file then costs some milliseconds
and is not walked again until it changes.
"""

import atexit
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from ibcollapse.hdf5_rehearsal import TOO_LARGE

_PROGRAM = Path(__file__).with_name("hdf5_rehearsal.py")
_MOST_REMEMBERED = 4096
_MOST_STARTS = 2


class _Helper:
    """The helper process of this process."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
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


def _ask(path: Path) -> int:
    global _helper
    for _ in range(_MOST_STARTS):
        if _helper is None or not _helper.is_usable:
            _helper = _Helper()
            atexit.register(_helper.end)
        code = _helper.ask(path)
        if code is not None:
            return code
    raise RuntimeError(f"{sys.executable} {_PROGRAM} ended early; is h5py installed there?")


def _in_words(code: int) -> str:
    if code == 0:
        return ""
    if code == -signal.SIGXCPU:
        return "HDF5 would never return from reading it"
    if code == TOO_LARGE:
        return "it asks for more than 3 GiB of memory before any array is read"
    return f"HDF5 crashes on reading it (signal {-code})"
