"""The exponential and logarithm of the vectors, lane by lane, against NumPy in wider precision."""

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ibcollapse.bottleneck.kernels.vectors import (
    LANES,
    load,
    log2_and_reciprocal,
    power_origin,
    powers,
    splat,
    store,
)


def eight_lanes(emit):
    """Intrinsic that replaces the eight doubles at `start` by `emit` of them."""

    @intrinsic
    def apply(typing, array, start):
        def generate(context, builder, signature, values):
            array = context.make_array(signature.args[0])(context, builder, values[0])
            place = cgutils.get_item_pointer(
                context, builder, signature.args[0], array, [values[1]]
            )
            store(builder, emit(builder, load(builder, place)), place)
            return context.get_dummy_value()

        return types.void(array, types.intp), generate

    @njit
    def over(array):
        for start in range(0, len(array), LANES):
            apply(array, start)

    def evaluate(values):
        padded = np.ones(-(-len(values) // LANES) * LANES)
        padded[: len(values)] = values
        over(padded)
        return padded[: len(values)]

    return evaluate


exp2_from_zero = eight_lanes(lambda b, v: powers(b, [v], [power_origin(b, splat(0.0))])[0])
exp2_from_1000 = eight_lanes(lambda b, v: powers(b, [v], [power_origin(b, splat(1000.0))])[0])
log2_of = eight_lanes(lambda b, v: log2_and_reciprocal(b, v)[0])
reciprocal_of = eight_lanes(lambda b, v: log2_and_reciprocal(b, v)[1])


def exact_exp2(values):
    # 2**n exactly times 2**f in extended precision.
    whole = np.floor(values)
    return np.ldexp(np.exp2((values - whole).astype(np.longdouble)), whole.astype(int))


def test_powers_are_right_to_two_units_in_the_last_place():
    values = np.random.default_rng(0).uniform(-1000.0, 1.0, 20_000)
    edges = np.arange(-1020.0, 1.0, 1.0 / 16)
    for exponents in (values, values / 1000.0, edges, np.nextafter(edges, -np.inf)):
        expected = exact_exp2(exponents).astype(np.float64)
        # 8.9e-16 of the polynomial, 2 · 1.1e-16 of table and product.
        np.testing.assert_allclose(exp2_from_zero(exponents), expected, rtol=1.4e-15)


def test_powers_of_whole_numbers_and_their_eighths():
    np.testing.assert_allclose(exp2_from_zero([0.0, -1.0, -1020.0]), [1.0, 0.5, 2.0**-1020], 1e-15)
    np.testing.assert_allclose(exp2_from_1000([1000.0, 999.5]), [1.0, 0.5**0.5], rtol=1e-15)


def test_powers_below_the_normal_range_are_exactly_zero():
    far = np.array([-1021.5, -1022.0, -1075.0, -1e6, -1e15, -1e307, 0.0])
    np.testing.assert_array_equal(exp2_from_zero(far)[:-1], 0.0)


def test_logarithms_and_reciprocals_are_right_over_the_whole_range():
    rng = np.random.default_rng(0)
    values = np.concatenate(
        [
            rng.uniform(0.5, 2.0, 5000),
            2.0 ** rng.uniform(-1000, 1000, 5000),
            2.0 ** np.arange(-9, 9),
        ]
    )
    expected = np.log2(values.astype(np.longdouble)).astype(np.float64)
    np.testing.assert_allclose(log2_of(values), expected, rtol=4e-16, atol=4e-16)
    np.testing.assert_allclose(reciprocal_of(values), 1.0 / values, rtol=1e-15)


def test_logarithm_near_one_keeps_its_relative_precision():
    values = 1.0 + 2.0 ** -np.arange(10.0, 52.0)
    expected = np.log2(values.astype(np.longdouble)).astype(np.float64)
    np.testing.assert_allclose(log2_of(values), expected, rtol=1e-15)


def test_logarithm_of_zero_is_finite_and_beyond_all_others():
    assert log2_of([0.0])[0] == -1e308
