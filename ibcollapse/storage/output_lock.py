"""One run at a time for one output: a lock that dies with its process."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from ibcollapse.errors import OutputError


@contextlib.contextmanager
def output_lock(output: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other processes from writing to `output`, a file or folder, inside the block.

    A hidden file beside it, `.<name>.lock`, holds the number of this process. What counts is the
    operating system's lock on that file, which a killed process gives back: a file left by one is
    no obstacle.

    Raises
    ------
    OutputError
        When another process holds it (the message has its number), or the folder around `output`
        is missing or read-only.
    """
    target = Path(os.path.abspath(output))  # noqa: PTH100 - a link that is the output stays a link.
    path = target.with_name(_lock_name(target.name))
    try:
        descriptor = _locked(path)
    except BlockingIOError:
        holder = path.read_text(encoding="ascii", errors="replace").strip()
        raise OutputError(
            f"{output}: another run is writing it (process {holder or 'unknown'}); wait for it or "
            "choose another output"
        ) from None
    except OSError as error:
        raise OutputError(
            f"cannot write {output}: {error.strerror}; choose another output"
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _lock_name(name: str) -> str:
    """A name of bounded length: that of the output may be as long as names can be."""
    if len(os.fsencode(name)) > 200:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}.lock"


def _locked(path: Path) -> int:
    """Descriptor of the file at `path`, locked, with this process's number in it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed it between the two lines above.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                _sign(descriptor, path)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _sign(descriptor: int, path: Path) -> None:
    """Write this process's number into the locked file; no file stays where there is no room."""
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except OSError:
        path.unlink()
        raise
