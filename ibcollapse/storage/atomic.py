"""Files that are either whole or absent: write beside the target, then rename."""

import contextlib
import glob
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ibcollapse.errors import IBCollapseError, OutputError


@contextlib.contextmanager
def atomic_path(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `target` that replaces it when the block ends without error.

    The temporary file carries the target's suffix, is flushed to disk before the rename, and is
    removed when the block raises, so a reader never sees half a file.

    Raises
    ------
    OutputError
        When the folder is missing or not writable, or the disk is full.
    """
    final = Path(target)
    try:
        if final.is_dir():
            raise OutputError(f"{final} is a folder; name a file in it")
        handle, name = tempfile.mkstemp(
            prefix=f".{final.stem}-", suffix=final.suffix, dir=final.parent
        )
        os.close(handle)
    except OSError as error:
        if isinstance(error, IBCollapseError):
            raise
        raise OutputError(
            f"cannot write {final}: {error.strerror}; choose another folder"
        ) from error
    temporary = Path(name)
    try:
        yield temporary
        _flush_to_disk(temporary)
        # mkstemp makes the file private; give the result the mode a plain open() would have given.
        temporary.chmod(0o666 & ~_current_umask())
        temporary.replace(final)
    except OSError as error:
        if isinstance(error, IBCollapseError):
            raise
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {final}: {reason}; nothing was left behind") from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_half_written(target: str | os.PathLike[str]) -> None:
    """Delete the temporary files that killed runs left beside `target`.

    Only for a caller that has made sure that no other process is writing `target`.
    """
    final = Path(target)
    # mkstemp puts eight characters between the two.
    pattern = f".{glob.escape(final.stem)}-{'[a-z0-9_]' * 8}{glob.escape(final.suffix)}"
    with contextlib.suppress(OSError):
        for left in final.parent.glob(pattern):
            left.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
