"""Bytes and text are one thing here: the same names, however a file stores them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError, InputError


def as_text(
    values: NDArray[Any],
    where: str,
    error: type[FeatureFileError] | type[InputError] = FeatureFileError,
) -> NDArray[Any]:
    """`values`, bytes decoded as UTF-8 to NumPy strings; `where` names them in the `error`.

    Raises
    ------
    FeatureFileError or InputError
        When bytes are no UTF-8.
    """
    if values.dtype.kind != "S":
        return values
    try:
        text: NDArray[Any] = np.char.decode(values, "utf-8")
    except UnicodeDecodeError as reason:
        raise error(f"{where}: bytes that are no UTF-8 ({reason}); store them as text") from reason
    return text
