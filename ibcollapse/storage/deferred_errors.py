"""A file for HDF5 to write that reports a full disk afterwards.

HDF5 cannot back out of a failed write: it keeps the file open, fails again on closing, and brings
the process down on exit. So it is told that every write succeeded; the first error is kept, and
raised by whoever asks, once HDF5 is out of the way.
"""

import io
from typing import Any


class DeferredErrorFile(io.FileIO):
    """A file opened for HDF5 whose failed writes are kept in `error` instead of raised."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of `data`, or keep the error and claim to have written it."""
        view = memoryview(data).cast("B")
        written = 0
        try:
            while written < len(view) and self.error is None:
                written += super().write(view[written:]) or 0
        except OSError as error:
            self.error = error
        return len(view)

    def truncate(self, size: int | None = None, /) -> int:
        """Set the length, or keep the error."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def raise_error(self) -> None:
        """Raise the first error, if there was one."""
        if self.error is not None:
            raise self.error
