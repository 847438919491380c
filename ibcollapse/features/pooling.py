"""Turning feature maps and token sequences into one vector a sample, when asked."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError, InputError

Pool = Callable[[NDArray[Any]], NDArray[Any]]

_OPTIONS: dict[int, dict[str, str]] = {
    3: {
        "mean": "average over the middle axis (tokens)",
        "first": "first token (CLS)",
        "last": "last token",
        "flatten": "all values in one vector",
    },
    4: {
        "mean-nchw": "average over positions, channels second",
        "mean-nhwc": "average over positions, channels last",
        "flatten": "all values in one vector",
    },
}
_FLATTEN = {"flatten": "all values in one vector"}
POOLS = ("mean", "first", "last", "mean-nchw", "mean-nhwc", "flatten")


def pooled_width(shape: tuple[int, ...], pool: str | None, where: str) -> int:
    """Features a sample has after pooling.

    Arrays with a single axis longer than one beside the samples, such as (N, C, 1, 1), have only
    one reading and need no pooling.

    Raises
    ------
    FeatureFileError
        On 1-D features, or features of three and more axes without a pooling that fits them.
    InputError
        On an unknown pooling.
    """
    if pool is not None and pool not in POOLS:
        raise InputError(f"pool {pool!r}: expected one of {', '.join(POOLS)}")
    if len(shape) < 2:
        raise FeatureFileError(
            f"{where}: features of shape {shape}, expected (n_samples, n_features); "
            "choose another array with --features-key"
        )
    if len(shape) == 2 or (pool is None and sum(length > 1 for length in shape[1:]) <= 1):
        return math.prod(shape[1:])
    options = _OPTIONS.get(len(shape), _FLATTEN)
    if pool not in options:
        listed = ", ".join(f"--pool {name} ({what})" for name, what in options.items())
        raise FeatureFileError(
            f"{where}: features of shape {shape} hold {len(shape)} axes; say how one vector a "
            f"sample is made of them: {listed}"
        )
    return {"flatten": math.prod(shape[1:]), "mean-nchw": shape[1]}.get(str(pool), shape[-1])


def pool_block(x: NDArray[Any], pool: str | None) -> NDArray[Any]:
    """Block (m, ...) as (m, n_features); averages are taken in float64."""
    if x.ndim == 2:
        return x
    if pool in ("first", "last"):
        return x[:, 0 if pool == "first" else -1]
    if pool in ("mean", "mean-nhwc", "mean-nchw"):
        axes = {"mean": (1,), "mean-nhwc": (1, 2), "mean-nchw": (2, 3)}[pool]
        return np.asarray(x.mean(axis=axes, dtype=np.float64))
    return x.reshape(len(x), -1)
