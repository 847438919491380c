"""Numba's cache of compiled kernels, which never stops a computation.

Numba raises what its files raise: a file that a crash or a full disk cut short, or a folder that
can no longer be written, ends every later run. Here such a file is one that is not there, and the
kernel is compiled again; a result never depends on the cache.
"""

import contextlib
import hashlib
import pickle
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

_DIGEST_SIZE = 16


class KernelCache(FunctionCache):
    """Cache of one kernel's machine code; what cannot be read or written counts as absent."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file = _CheckedFile(  # type: ignore[no-untyped-call]
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Compiled result for a signature, or None where it has to be compiled."""
        # Anything at all: the files are pickles, and damaged ones raise what they like.
        with contextlib.suppress(Exception):
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store a compiled result, if the folder takes it."""
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


class _CheckedFile(IndexDataCacheFile):
    """Index and data files, the data with a digest at their end.

    A page that a crash left empty inside machine code would unpickle, and take the process with it
    when it runs. Numba's own reader does not look at what follows the pickle.
    """

    def _load_index(self) -> dict[Any, str]:
        try:
            found = super()._load_index()  # type: ignore[no-untyped-call]
        except Exception:
            # A damaged index would otherwise keep the next one from being written.
            return {}
        return found if isinstance(found, dict) else {}

    def _load_data(self, name: str) -> Any:
        raw = Path(self._data_path(name)).read_bytes()  # type: ignore[no-untyped-call]
        if raw[-_DIGEST_SIZE:] != _digest(raw[:-_DIGEST_SIZE]):
            raise OSError(f"{name} is damaged")
        return pickle.loads(raw[:-_DIGEST_SIZE])

    def _dump(self, obj: Any) -> bytes:
        pickled: bytes = super()._dump(obj)  # type: ignore[no-untyped-call]
        return pickled + _digest(pickled)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_SIZE).digest()
