"""The sweep's register tiles as functions that compiled loops can call; see `numba_calls.py`."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from llvmlite import ir
from numba.core import types

from ibcollapse.bottleneck.kernels.numba_calls import (
    ZERO,
    Arguments,
    call,
    call_of_size,
    intrinsic,
)
from ibcollapse.bottleneck.kernels.sweep_tiles import (
    POWERS_HEIGHT,
    SHARED_HEIGHT,
    SHARED_WIDTH,
    emit_row_powers,
    emit_score_powers,
    emit_shared_moments,
    emit_shares,
)
from ibcollapse.bottleneck.kernels.vectors import DOUBLE

_VOID = ir.VoidType()


@intrinsic
def score_powers_tile(  # type: ignore[no-untyped-def]
    typing, coefficients, t, height, posteriors, slab, negentropy, scale, terms, sums, at
):
    """terms[at, t:t+height] = powers of the scores; sums[at] their sums over the tiles so far."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        t, height, slab, at = given[1], given[2], given[4], given[9]
        operands = (
            given.pointer(0, t, ZERO),
            given.length(0, 1),
            given.pointer(3, slab, ZERO, ZERO),
            given.pointer(5, slab, ZERO),
            given[6],
            given.pointer(7, at, t, ZERO),
            given.pointer(8, at, ZERO),
            t,
        )
        sizes = product(range(1, POWERS_HEIGHT + 1))
        call_of_size(builder, "score_powers", emit_score_powers, (height,), sizes, operands)
        return context.get_dummy_value()

    i, f = types.intp, types.float64
    return types.void(coefficients, i, i, posteriors, i, negentropy, f, terms, sums, i), generate


@intrinsic
def row_powers(typing, scores, top, log_z, sums, at):  # type: ignore[no-untyped-def]
    """scores[at] becomes powers, sums[at] their sums over clusters, log_z[at] what they lack."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        at = given[4]
        rows = [given.pointer(argument, at, ZERO) for argument in (1, 2, 3)]
        operands = (given.pointer(0, at, ZERO, ZERO), given.length(0, 1), *rows)
        call(builder, "row_powers", emit_row_powers, (), operands, _VOID)
        return context.get_dummy_value()

    return types.void(scores, top, log_z, sums, types.intp), generate


@intrinsic
def shares(typing, n_slabs, weights, slab, shift, sums, log_z, total):  # type: ignore[no-untyped-def]
    """sums becomes weights / sums, log_z shift + log2 sums; total sums weights · log_z.

    Returns the smallest of the sums.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        operands = (
            given[0],
            given.pointer(1, given[2], ZERO),
            *(given.pointer(argument, ZERO, ZERO) for argument in (3, 4, 5)),
            given.pointer(6, ZERO),
        )
        return call(builder, "shares", emit_shares, (), operands, DOUBLE)

    i = types.intp
    return types.float64(i, weights, i, shift, sums, log_z, total), generate


@intrinsic
def shared_moment_tile(  # type: ignore[no-untyped-def]
    typing, terms, n_slabs, t, height, posteriors, slab, y, width, share, moments
):
    """moments[t:t+height, y:y+width] += terms · share · posteriors, the lanes of rows apart."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        n_slabs, t, slab, y = given[1], given[2], given[5], given[6]
        operands = (
            given.pointer(0, ZERO, t, ZERO),
            given.stride(0),
            given.pointer(4, slab, y, ZERO),
            given.stride(4),
            given.pointer(8, ZERO, ZERO),
            n_slabs,
            given.pointer(9, t, y, ZERO),
            given.length(9, 1),
        )
        sizes = product(range(1, SHARED_HEIGHT + 1), range(1, SHARED_WIDTH + 1))
        size = given[3], given[7]
        call_of_size(builder, "shared_moments", emit_shared_moments, size, sizes, operands)
        return context.get_dummy_value()

    i = types.intp
    return types.void(terms, i, i, i, posteriors, i, i, i, share, moments), generate
