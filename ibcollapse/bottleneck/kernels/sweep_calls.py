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
    typing,
    coefficients,
    t,
    height,
    posteriors,
    slab,
    negentropy,
    scale,
    n_slabs,
    terms,
    sums,
    base,
):
    """terms[:n_slabs, t:t+height] become powers of the scores; sums grow by them from base on.

    Posteriors and negentropy count from `slab`.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        t, height, slab = given[1], given[2], given[4]
        operands = (
            given.pointer(0, t, ZERO),
            given.length(0, 1),
            given.pointer(3, slab, ZERO, ZERO),
            given.stride(3),
            given.pointer(5, slab, ZERO),
            given[6],
            given[7],
            given.pointer(8, ZERO, t, ZERO),
            given.stride(8),
            given.pointer(9, ZERO, ZERO),
            given[10],
            t,
        )
        sizes = product(range(1, POWERS_HEIGHT + 1))
        call_of_size(builder, "score_powers", emit_score_powers, (height,), sizes, operands)
        return context.get_dummy_value()

    i, f = types.intp, types.float64
    kinds = coefficients, i, i, posteriors, i, negentropy, f, i, terms, sums, f
    return types.void(*kinds), generate


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
def shares(  # type: ignore[no-untyped-def]
    typing, n_slabs, weights, slab, shift, shift_slab, scale, sums, log_z, total
):
    """sums becomes weights / sums, log_z scale · shift + log2 sums; total sums weights · log_z.

    Weights count from `slab`, the shift from `shift_slab`. Returns the smallest of the sums.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        operands = (
            given[0],
            given.pointer(1, given[2], ZERO),
            given.pointer(3, given[4], ZERO),
            given[5],
            *(given.pointer(argument, ZERO, ZERO) for argument in (6, 7)),
            given.pointer(8, ZERO),
        )
        return call(builder, "shares", emit_shares, (), operands, DOUBLE)

    i, f = types.intp, types.float64
    return f(i, weights, i, shift, i, f, sums, log_z, total), generate


@intrinsic
def shared_moment_tile(  # type: ignore[no-untyped-def]
    typing, terms, at, n_slabs, t, height, posteriors, slab, y, width, share, moments, ones
):
    """moments[t:t+height, y:y+width] += terms · share · posteriors, the lanes of rows apart.

    moments[ones] grows by share · posteriors. Terms and shares count from `at`, posteriors from
    `slab`.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        at, n_slabs, t, slab, y = given[1], given[2], given[3], given[6], given[7]
        operands = (
            given.pointer(0, at, t, ZERO),
            given.stride(0),
            given.pointer(5, slab, y, ZERO),
            given.stride(5),
            given.pointer(9, at, ZERO),
            n_slabs,
            given.pointer(10, t, y, ZERO),
            given.pointer(10, given[11], y, ZERO),
            given.length(10, 1),
        )
        sizes = product(range(1, SHARED_HEIGHT + 1), range(1, SHARED_WIDTH + 1))
        size = given[4], given[8]
        call_of_size(builder, "shared_moments", emit_shared_moments, size, sizes, operands)
        return context.get_dummy_value()

    i = types.intp
    return types.void(terms, i, i, i, i, posteriors, i, i, i, share, moments, i), generate
