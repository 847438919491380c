"""One clear line for whatever a library raises on a damaged file."""

import contextlib
import pickle
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator

from ibcollapse.errors import FeatureFileError, IBCollapseError
from ibcollapse.features.stores.store import one_line

_RAISED_ON_DAMAGE = (
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AssertionError,
    AttributeError,
    OverflowError,
    MemoryError,
    SystemError,
    EOFError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    pickle.UnpicklingError,
)


@contextlib.contextmanager
def reading_errors(name: str, doing: str) -> Iterator[None]:
    """Turn what a file library raises inside the block into a `FeatureFileError` of one line."""
    try:
        yield
    except IBCollapseError:
        raise
    except _RAISED_ON_DAMAGE as error:
        reason = one_line(" ".join(str(error).split()) or type(error).__name__, 200)
        if "truncated" in reason:
            reason = f"the file is truncated ({reason}); copy or download it again"
        elif "unable to lock" in reason:
            reason = f"another program is writing it ({reason}); wait until that ends"
        raise FeatureFileError(f"{name}: cannot {doing}: {reason}") from error
