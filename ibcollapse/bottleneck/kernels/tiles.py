"""Register tiles over slabs of 32 rows, written as LLVM functions of explicit vectors.

A slab holds its rows along the last axis, so that every vector is eight rows:

    posteriors  (n_slabs, n_classes, 32)   W[x, y] = p(y|x)
    scores      (n_slabs, n_t, 32)         exponents in bits, later weights of rows in clusters

Each `emit_*` function writes one LLVM function; `numba_calls.py` makes them callable from compiled
loops. Numba's cache does not see this file: after an edit, delete `__pycache__`.
"""

import contextlib
from collections.abc import Iterator
from functools import partial, reduce
from itertools import product

from llvmlite import ir
from numba.core import cgutils

from ibcollapse.bottleneck.kernels.vectors import (
    INT64,
    LANES,
    accumulator,
    broadcast,
    ceiling,
    element,
    horizontal_maximum,
    horizontal_sum,
    load,
    log2_and_reciprocal,
    maximum,
    multiply_add,
    power_origin,
    powers,
    splat,
    store,
)

SLAB = 32
"""Rows in one slab."""

LEAST_SCORE = -(2.0**40)
"""Scores below this, in bits, carry no weight: beta KL is far smaller wherever it is finite."""

SCORE_HEIGHT = 6
"""Clusters in a score tile: with 4 vectors of rows, 29 of the 32 registers of AVX-512."""

MOMENT_HEIGHT = 5
"""Clusters in a moment tile: with 5 classes, 31 registers."""

MOMENT_WIDTH = 5
"""Classes in a moment tile."""

_VECTORS = range(SLAB // LANES)


def emit_scores(
    b: ir.IRBuilder,
    height: int,
    coefficients: ir.Value,
    n_classes: ir.Value,
    posteriors: ir.Value,
    offset: ir.Value,
    scores: ir.Value,
    top: ir.Value,
) -> None:
    """scores[t, x] = offset[x] + sum_y coefficients[t, y] · posteriors[y, x] for one slab.

    top[x] rises to the largest of them.
    """
    tile = list(product(range(height), _VECTORS))
    sums = {(t, v): accumulator(b, _vector(b, offset, v)) for t, v in tile}
    with _loop(b, n_classes) as y:
        row = _row(b, posteriors, y)
        w = [_vector(b, row, v) for v in _VECTORS]
        for t in range(height):
            place = b.add(b.mul(n_classes, ir.Constant(INT64, t)), y)
            c = broadcast(b, b.load(element(b, coefficients, place)))
            for v in _VECTORS:
                b.store(multiply_add(b, c, w[v], b.load(sums[t, v])), sums[t, v])
    for v in _VECTORS:
        column = [b.load(sums[t, v]) for t in range(height)]
        for t in range(height):
            store(b, column[t], element(b, scores, t * SLAB + v * LANES))
        place = element(b, top, v * LANES)
        store(b, reduce(partial(maximum, b), column, load(b, place)), place)


def emit_row_powers(
    b: ir.IRBuilder,
    scores: ir.Value,
    n_t: ir.Value,
    top: ir.Value,
    log_z: ir.Value,
    sums: ir.Value,
) -> None:
    """Replace the scores of one slab by powers 2**(score - whole), and add them up in sums[x].

    whole, put into log_z[x], is top[x] rounded up: with the largest score taken out no sum can
    underflow. top[x] falls back to LEAST_SCORE for the next slab.
    """
    whole = [ceiling(b, _vector(b, top, v)) for v in _VECTORS]
    origins = [power_origin(b, w) for w in whole]
    z = [accumulator(b, splat(0.0)) for _ in _VECTORS]
    with _loop(b, n_t) as t:
        row = _row(b, scores, t)
        terms = powers(b, [_vector(b, row, v) for v in _VECTORS], origins)
        for v in _VECTORS:
            store(b, terms[v], element(b, row, v * LANES))
            b.store(b.fadd(b.load(z[v]), terms[v]), z[v])
    for v in _VECTORS:
        store(b, b.load(z[v]), element(b, sums, v * LANES))
        store(b, whole[v], element(b, log_z, v * LANES))
        store(b, splat(LEAST_SCORE), element(b, top, v * LANES))


def emit_shares(
    b: ir.IRBuilder,
    n_slabs: ir.Value,
    weights: ir.Value,
    log_z: ir.Value,
    sums: ir.Value,
    total: ir.Value,
) -> None:
    """Replace sums[x] by weights[x] / sums[x], and add the sums' log2 to log_z[x].

    total, eight partial sums, grows by weights[x] · log_z[x]. For a whole block and not slab by
    slab: divisions and logarithms of different rows then fill each other's waiting time.
    """
    grown = accumulator(b, load(b, total))
    with _loop(b, n_slabs) as i:
        for v in _VECTORS:
            weight = _vector(b, _row(b, weights, i), v)
            share = element(b, _row(b, sums, i), v * LANES)
            place = element(b, _row(b, log_z, i), v * LANES)
            logarithm, reciprocal = log2_and_reciprocal(b, load(b, share))
            logarithm = b.fadd(load(b, place), logarithm)
            store(b, logarithm, place)
            store(b, b.fmul(weight, reciprocal), share)
            b.store(multiply_add(b, weight, logarithm, b.load(grown)), grown)
    store(b, b.load(grown), total)


def emit_scaling(b: ir.IRBuilder, terms: ir.Value, n_t: ir.Value, share: ir.Value) -> None:
    """terms[t, x] *= share[x] for one slab."""
    factors = [_vector(b, share, v) for v in _VECTORS]
    with _loop(b, n_t) as t:
        row = _row(b, terms, t)
        for v in _VECTORS:
            store(b, b.fmul(_vector(b, row, v), factors[v]), element(b, row, v * LANES))


def emit_column_powers(
    b: ir.IRBuilder, scores: ir.Value, stride: ir.Value, n_slabs: ir.Value, shift: ir.Value
) -> ir.Value:
    """Replace one cluster's scores by 2**(score - new shift); return the new shift.

    It is the larger of `shift` and the largest score, rounded up: changing it later rescales sums
    by an exact power of two.
    """
    top = [accumulator(b, broadcast(b, shift)) for _ in _VECTORS]
    with _loop(b, n_slabs) as i:
        row = element(b, scores, b.mul(i, stride))
        for v in _VECTORS:
            b.store(maximum(b, _vector(b, row, v), b.load(top[v])), top[v])
    highest = horizontal_maximum(b, reduce(partial(maximum, b), [b.load(t) for t in top]))
    whole = ceiling(b, broadcast(b, highest))
    origins = [power_origin(b, whole)] * len(_VECTORS)
    with _loop(b, n_slabs) as i:
        row = element(b, scores, b.mul(i, stride))
        terms = powers(b, [_vector(b, row, v) for v in _VECTORS], origins)
        for v in _VECTORS:
            store(b, terms[v], element(b, row, v * LANES))
    return b.extract_element(whole, ir.Constant(INT64, 0))


def emit_moments(
    b: ir.IRBuilder,
    height: int,
    width: int,
    terms: ir.Value,
    term_stride: ir.Value,
    posteriors: ir.Value,
    posterior_stride: ir.Value,
    n_slabs: ir.Value,
    moments: ir.Value,
    n_classes: ir.Value,
) -> None:
    """moments[t, y] += sum_x terms[t, x] · posteriors[y, x] over n_slabs slabs."""
    sums = {place: accumulator(b, splat(0.0)) for place in product(range(height), range(width))}
    with _loop(b, n_slabs) as i:
        term_slab = element(b, terms, b.mul(i, term_stride))
        slab = element(b, posteriors, b.mul(i, posterior_stride))
        for v in _VECTORS:
            e = [load(b, element(b, term_slab, t * SLAB + v * LANES)) for t in range(height)]
            for y in range(width):
                w = load(b, element(b, slab, y * SLAB + v * LANES))
                for t in range(height):
                    b.store(multiply_add(b, e[t], w, b.load(sums[t, y])), sums[t, y])
    for (t, y), slot in sums.items():
        row = element(b, moments, b.mul(n_classes, ir.Constant(INT64, t)))
        place = element(b, row, y)
        b.store(b.fadd(b.load(place), horizontal_sum(b, b.load(slot))), place)


def _vector(b: ir.IRBuilder, pointer: ir.Value, v: int) -> ir.Value:
    return load(b, element(b, pointer, v * LANES))


def _row(b: ir.IRBuilder, pointer: ir.Value, index: ir.Value) -> ir.Value:
    return element(b, pointer, b.mul(index, ir.Constant(INT64, SLAB)))


@contextlib.contextmanager
def _loop(b: ir.IRBuilder, count: ir.Value) -> Iterator[ir.Value]:
    with cgutils.for_range(b, count, intp=INT64) as loop:
        yield loop.index
