"""The precision and the scale at which losses are computed."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

from ibcollapse.errors import InputError


@contextlib.contextmanager
def no_autocast(reference: Tensor) -> Iterator[None]:
    """Keep autocast from turning the products of a loss into half precision."""
    with torch.autocast(reference.device.type, enabled=False):
        yield


def at_least_float32(values: Tensor) -> Tensor:
    """`values` in float32, unless they are float32 or float64 already.

    A float16 overflows at 65504, which the square of a norm reaches at 256, and a bfloat16 keeps
    3 digits of a logit; the loss therefore leaves half precision before its first product.
    """
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def unit_rows(values: Tensor) -> Tensor:
    """`values` (..., d) with rows of length one; a zero row stays zero.

    The gradient at a zero row is bounded: the row is divided by one, not by a tiny epsilon that
    would multiply the gradient by 1e12.
    """
    norms: Tensor = torch.linalg.vector_norm(values, dim=-1, keepdim=True)
    return values / norms.masked_fill(norms == 0, 1.0)


def check_pair(first: Tensor, second: Tensor, names: tuple[str, str]) -> None:
    """Raise `InputError` unless both are (n, d) of one shape with n ≥ 2."""
    if first.ndim != 2 or first.shape != second.shape or len(first) < 2:
        raise InputError(
            f"{names[0]} has shape {tuple(first.shape)} and {names[1]} {tuple(second.shape)}; "
            "both must be (n, d) of one shape, with row i of each from the same sample and n >= 2"
        )


def check_positive(name: str, value: float) -> None:
    """Raise `InputError` unless `value` is a finite number above zero."""
    if not 0.0 < value < float("inf"):
        raise InputError(f"{name} is {value}; it must be a finite number above 0")
