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
    element,
    horizontal_sum,
    load,
    maximum,
    multiply_add,
    splat,
    store,
)

SLAB = 32
"""Rows in one slab."""

LEAST_SCORE = -(2.0**40)
"""Scores below this, in bits, carry no weight: beta KL is far smaller wherever it is finite."""

SCORE_HEIGHT = 6
"""Clusters in a score tile: with 4 vectors of rows, 29 of the 32 registers of AVX-512."""

MOMENT_SIZES = (1, 3, 4, 5)
"""Clusters, and classes, in a moment tile: with five of both, 31 registers. Two are taken one at a
time: each pair of sizes is one more function to compile."""

VECTORS = range(SLAB // LANES)
"""Vectors in one row of a slab."""


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
    offsets = [eight_rows(b, offset, v) for v in VECTORS]
    sums = {(t, v): accumulator(b, offsets[v]) for t, v in product(range(height), VECTORS)}
    add_scores(b, height, coefficients, n_classes, n_classes, posteriors, sums)
    for v in VECTORS:
        column = [b.load(sums[t, v]) for t in range(height)]
        for t in range(height):
            store(b, column[t], element(b, scores, t * SLAB + v * LANES))
        place = element(b, top, v * LANES)
        store(b, reduce(partial(maximum, b), column, load(b, place)), place)


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
    with repeat(b, n_slabs) as i:
        term_slab = element(b, terms, b.mul(i, term_stride))
        slab = element(b, posteriors, b.mul(i, posterior_stride))
        for v in VECTORS:
            e = [load(b, element(b, term_slab, t * SLAB + v * LANES)) for t in range(height)]
            for y in range(width):
                w = load(b, element(b, slab, y * SLAB + v * LANES))
                for t in range(height):
                    b.store(multiply_add(b, e[t], w, b.load(sums[t, y])), sums[t, y])
    for (t, y), slot in sums.items():
        row = element(b, moments, b.mul(n_classes, ir.Constant(INT64, t)))
        place = element(b, row, y)
        b.store(b.fadd(b.load(place), horizontal_sum(b, b.load(slot))), place)


def add_scores(
    b: ir.IRBuilder,
    height: int,
    coefficients: ir.Value,
    stride: ir.Value,
    n_classes: ir.Value,
    posteriors: ir.Value,
    sums: dict[tuple[int, int], ir.Value],
) -> None:
    """sums[t, v] += coefficients[t] · posteriors for `height` clusters and each vector of rows."""
    with repeat(b, n_classes) as y:
        row = row_at(b, posteriors, y)
        w = [eight_rows(b, row, v) for v in VECTORS]
        for t in range(height):
            place = b.add(b.mul(stride, integer(t)), y)
            c = broadcast(b, b.load(element(b, coefficients, place)))
            for v in VECTORS:
                b.store(multiply_add(b, c, w[v], b.load(sums[t, v])), sums[t, v])


def integer(value: int) -> ir.Constant:
    """Constant index."""
    return ir.Constant(INT64, value)


def eight_rows(b: ir.IRBuilder, pointer: ir.Value, v: int) -> ir.Value:
    """Eight rows, the v-th of the four vectors at `pointer`."""
    return load(b, element(b, pointer, v * LANES))


def row_at(b: ir.IRBuilder, pointer: ir.Value, index: ir.Value) -> ir.Value:
    """Pointer to the row of 32 that is `index` rows behind `pointer`."""
    return element(b, pointer, b.mul(index, ir.Constant(INT64, SLAB)))


@contextlib.contextmanager
def repeat(b: ir.IRBuilder, count: ir.Value) -> Iterator[ir.Value]:
    """Body of a loop over 0, …, count − 1; yields the index."""
    with cgutils.for_range(b, count, intp=INT64) as loop:
        yield loop.index
