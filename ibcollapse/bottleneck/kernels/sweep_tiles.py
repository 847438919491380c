"""Register tiles of a sweep alone; layouts and conventions as in `tiles.py`.

Numba's cache does not see this file: after an edit, delete `__pycache__`.
"""

from itertools import product

from llvmlite import ir

from ibcollapse.bottleneck.kernels.tiles import (
    LEAST_SCORE,
    SLAB,
    VECTORS,
    add_scores,
    eight_rows,
    integer,
    repeat,
    row_at,
)
from ibcollapse.bottleneck.kernels.vectors import (
    LANES,
    accumulator,
    broadcast,
    ceiling,
    element,
    horizontal_minimum,
    load,
    log2_and_reciprocal,
    minimum,
    multiply_add,
    power_origin,
    powers,
    splat,
    store,
)

POWERS_HEIGHT = 5
"""Clusters in a tile of powers: so short that the products of one tile run beside the exponentials
of the last, which are long chains of other instructions."""

SHARED_HEIGHT = 12
"""Clusters in a tile of moments that multiplies the posteriors by row shares on the way."""

SHARED_WIDTH = 2
"""Classes in it: 24 sums and two of the shares; a posterior is multiplied once for 12 products."""


def emit_score_powers(
    b: ir.IRBuilder,
    height: int,
    coefficients: ir.Value,
    stride: ir.Value,
    posteriors: ir.Value,
    posterior_stride: ir.Value,
    negentropy: ir.Value,
    scale: ir.Value,
    n_slabs: ir.Value,
    terms: ir.Value,
    term_stride: ir.Value,
    sums: ir.Value,
    base: ir.Value,
    first: ir.Value,
) -> None:
    """Terms 2**score of some clusters over n_slabs slabs, and their sums over clusters.

    The last of the `stride` coefficients of a cluster is added to its scores, the others multiply
    posteriors; so does `scale` the negentropy. sums[x] becomes base plus the terms when `first` is
    zero, otherwise grows by them. The scores never leave the registers, and no largest one is taken
    out: for scores of at most 1000, and for sums that the caller finds far above the underflow.
    """
    n_classes = b.sub(stride, integer(1))
    tile = list(product(range(height), VECTORS))
    scores = {place: accumulator(b, splat(0.0)) for place in tile}
    origin = power_origin(b, splat(0.0))
    fresh = b.icmp_signed("==", first, integer(0))
    start, factor = broadcast(b, base), broadcast(b, scale)
    scaled = b.fcmp_unordered("!=", scale, ir.Constant(scale.type, 0.0))
    with repeat(b, n_slabs) as i:
        for t in range(height):
            place = b.add(b.mul(stride, integer(t)), n_classes)
            constant = broadcast(b, b.load(element(b, coefficients, place)))
            for v in VECTORS:
                b.store(constant, scores[t, v])
        with b.if_then(scaled):
            rows = row_at(b, negentropy, i)
            common = [b.fmul(factor, eight_rows(b, rows, v)) for v in VECTORS]
            for t, v in tile:
                b.store(b.fadd(common[v], b.load(scores[t, v])), scores[t, v])
        slab = element(b, posteriors, b.mul(i, posterior_stride))
        add_scores(b, height, coefficients, stride, n_classes, slab, scores)
        term_slab, totals = element(b, terms, b.mul(i, term_stride)), row_at(b, sums, i)
        for v in VECTORS:
            place = element(b, totals, v * LANES)
            total = b.select(fresh, start, load(b, place))
            column = [b.load(scores[t, v]) for t in range(height)]
            for t, term in enumerate(powers(b, column, [origin] * height)):
                store(b, term, element(b, term_slab, t * SLAB + v * LANES))
                total = b.fadd(total, term)
            store(b, total, place)


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
    whole = [ceiling(b, eight_rows(b, top, v)) for v in VECTORS]
    origins = [power_origin(b, w) for w in whole]
    z = [accumulator(b, splat(0.0)) for _ in VECTORS]
    with repeat(b, n_t) as t:
        row = row_at(b, scores, t)
        terms = powers(b, [eight_rows(b, row, v) for v in VECTORS], origins)
        for v in VECTORS:
            store(b, terms[v], element(b, row, v * LANES))
            b.store(b.fadd(b.load(z[v]), terms[v]), z[v])
    for v in VECTORS:
        store(b, b.load(z[v]), element(b, sums, v * LANES))
        store(b, whole[v], element(b, log_z, v * LANES))
        store(b, splat(LEAST_SCORE), element(b, top, v * LANES))


def emit_shares(
    b: ir.IRBuilder,
    n_slabs: ir.Value,
    weights: ir.Value,
    shift: ir.Value,
    scale: ir.Value,
    sums: ir.Value,
    log_z: ir.Value,
    total: ir.Value,
) -> ir.Value:
    """Replace sums[x] by weights[x] / sums[x], and put scale · shift[x] + log2 sums[x] into log_z.

    total, eight partial sums, grows by weights[x] · log_z[x]; returns the smallest sum. For a whole
    block and not slab by slab: divisions and logarithms of different rows then fill each other's
    waiting time.
    """
    grown = accumulator(b, load(b, total))
    lowest = accumulator(b, splat(1.0))
    factor = broadcast(b, scale)
    with repeat(b, n_slabs) as i:
        rows = [row_at(b, array, i) for array in (weights, shift, sums, log_z)]
        for v in VECTORS:
            weight, before, z = (eight_rows(b, row, v) for row in rows[:3])
            b.store(minimum(b, z, b.load(lowest)), lowest)
            logarithm, reciprocal = log2_and_reciprocal(b, z)
            logarithm = multiply_add(b, factor, before, logarithm)
            store(b, b.fmul(weight, reciprocal), element(b, rows[2], v * LANES))
            store(b, logarithm, element(b, rows[3], v * LANES))
            b.store(multiply_add(b, weight, logarithm, b.load(grown)), grown)
    store(b, b.load(grown), total)
    return horizontal_minimum(b, b.load(lowest))


def emit_shared_moments(
    b: ir.IRBuilder,
    height: int,
    width: int,
    terms: ir.Value,
    term_stride: ir.Value,
    posteriors: ir.Value,
    posterior_stride: ir.Value,
    share: ir.Value,
    n_slabs: ir.Value,
    moments: ir.Value,
    ones: ir.Value,
    n_classes: ir.Value,
) -> None:
    """moments[t, y, lane] += sum_x terms[t, x] · share[x] · posteriors[y, x] over n_slabs slabs.

    ones[y, lane] grows by the same for terms of one: additions, for which some machines have units
    that do not multiply.

    The eight lanes stay apart: summing them here would take as long as four slabs.
    """
    places = {
        (t, y): element(
            b, moments, b.mul(b.add(b.mul(n_classes, integer(t)), integer(y)), integer(LANES))
        )
        for t, y in product(range(height), range(width))
    }
    for y in range(width):
        places[height, y] = element(b, ones, y * LANES)
    sums = {key: accumulator(b, load(b, place)) for key, place in places.items()}
    with repeat(b, n_slabs) as i:
        term_slab = element(b, terms, b.mul(i, term_stride))
        slab = element(b, posteriors, b.mul(i, posterior_stride))
        shares = row_at(b, share, i)
        for v in VECTORS:
            factor = eight_rows(b, shares, v)
            w = [
                b.fmul(load(b, element(b, slab, y * SLAB + v * LANES)), factor)
                for y in range(width)
            ]
            for y in range(width):
                b.store(b.fadd(w[y], b.load(sums[height, y])), sums[height, y])
            for t in range(height):
                e = load(b, element(b, term_slab, t * SLAB + v * LANES))
                for y in range(width):
                    b.store(multiply_add(b, e, w[y], b.load(sums[t, y])), sums[t, y])
    for key, place in places.items():
        store(b, b.load(sums[key]), place)
