"""LLVM vectors of eight doubles: loads, sums, and the exponential and logarithm in base two.

Numba's own loops call a scalar exp (6 ns) and leave tiles to the loop vectoriser. Written as
explicit vectors, LLVM keeps accumulators in registers, and splits the vectors itself where the
machine's are narrower than 512 bits.
"""

import struct
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

LANES = 8
"""Doubles in one vector."""

DOUBLE = ir.DoubleType()
INT64 = ir.IntType(64)
VECTOR = ir.VectorType(DOUBLE, LANES)
INTEGERS = ir.VectorType(INT64, LANES)

_MANTISSA_BITS = 52


def _bits(value: float) -> int:
    pattern: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return pattern


# 2**x = 2**n · 2**(i/8) · 2**f with |f| <= 1/16. Eight entries are one register of AVX-512, and
# LLVM turns the look-up into one permutation. Each entry lacks the i that the shifted step number
# still carries in its mantissa bits.
_TABLE_BITS = 3
_TABLE = [_bits(2.0 ** (i / 8)) - (i << (_MANTISSA_BITS - _TABLE_BITS)) for i in range(8)]

# Minimax polynomial of 2**f on [-1/16, 1/16], relative error 8.9e-16 (Remez exchange, 50 digits).
_POWER_COEFFICIENTS = (
    1.0000000000000000336,
    0.69314718056004469269,
    0.2402265069589542693,
    0.055504108461226154815,
    0.0096181291958454301223,
    0.0013334600726562343214,
    0.00015402627017157471911,
)

# Minimax polynomial in s**2 of log2((1 + s) / (1 - s)) / s for mantissas in [sqrt(1/2), sqrt(2)],
# relative error 1.7e-16.
_LOG2_COEFFICIENTS = (
    2.8853900817779273143,
    0.96179669392431848568,
    0.57707801725270331033,
    0.41219840112384378296,
    0.32061644871971140476,
    0.26144241927897505056,
    0.24293681358251475741,
)

# Added to a double that is small beside it, it rounds to eighths and leaves the number of eighths
# in the low mantissa bits.
_ROUND_TO_STEP = 1.5 * 2.0 ** (_MANTISSA_BITS - _TABLE_BITS)
_SMALLEST_PLACE = _ROUND_TO_STEP - 1021.0


def splat(value: float) -> ir.Constant:
    """Vector constant with `value` in every lane."""
    return ir.Constant(VECTOR, [value] * LANES)


def splat_integer(value: int) -> ir.Constant:
    """Vector constant with the 64-bit integer `value` in every lane."""
    return ir.Constant(INTEGERS, [value] * LANES)


def element(builder: ir.IRBuilder, pointer: ir.Value, index: ir.Value | int) -> ir.Value:
    """Pointer to the double that lies `index` doubles behind `pointer`."""
    offset = ir.Constant(INT64, index) if isinstance(index, int) else index
    return builder.gep(pointer, [offset])


def load(builder: ir.IRBuilder, pointer: ir.Value) -> ir.Value:
    """The eight doubles at `pointer`; fast where it is a multiple of 64 bytes, right anywhere."""
    return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=8)


def store(builder: ir.IRBuilder, vector: ir.Value, pointer: ir.Value) -> None:
    """Write the eight doubles of `vector` at `pointer`."""
    builder.store(vector, builder.bitcast(pointer, VECTOR.as_pointer()), align=8)


def accumulator(builder: ir.IRBuilder, start: ir.Value) -> ir.Value:
    """A variable of the function for loops to add to; LLVM keeps it in a register."""
    allocate: Any = cgutils.alloca_once_value
    return allocate(builder, start)


def broadcast(builder: ir.IRBuilder, scalar: ir.Value) -> ir.Value:
    """Vector with the double `scalar` in every lane."""
    first = builder.insert_element(
        ir.Constant(VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
    )
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(VECTOR, ir.Undefined), lanes)


def multiply_add(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """A·b + c, fused where the machine can."""
    # Not llvm.fma: without the hardware instruction that becomes a library call per lane.
    return _call(builder, "llvm.fmuladd.v8f64", VECTOR, (a, b, c))


def maximum(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    """Lane-wise maximum; of no use where a lane may be NaN."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def minimum(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    """Lane-wise minimum; of no use where a lane may be NaN."""
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def horizontal_sum(builder: ir.IRBuilder, vector: ir.Value) -> ir.Value:
    """Sum of the lanes, in whatever order is fastest."""
    arguments = (ir.Constant(DOUBLE, 0.0), vector)
    return _call(builder, "llvm.vector.reduce.fadd.v8f64", DOUBLE, arguments, ("reassoc",))


def horizontal_minimum(builder: ir.IRBuilder, vector: ir.Value) -> ir.Value:
    """Smallest lane; of no use where one may be NaN."""
    return _call(builder, "llvm.vector.reduce.fmin.v8f64", DOUBLE, (vector,), ("nnan",))


def ceiling(builder: ir.IRBuilder, vector: ir.Value) -> ir.Value:
    """Smallest whole numbers that are not below the lanes."""
    return _call(builder, "llvm.ceil.v8f64", VECTOR, (vector,))


def power_origin(builder: ir.IRBuilder, whole: ir.Value) -> ir.Value:
    """What `powers` counts from, for whole numbers up to 2**48 in size."""
    return builder.fsub(splat(_ROUND_TO_STEP), whole)


def powers(
    b: ir.IRBuilder, exponents: Sequence[ir.Value], origins: Sequence[ir.Value]
) -> list[ir.Value]:
    """2**(exponent - whole) for the whole numbers of `origins`; exactly 0 under 2**-1021.

    Relative error 1e-15, for differences up to 1023. Several vectors go through each step together,
    as each has to wait for its own chain of multiplications.
    """
    places = [b.fadd(e, o) for e, o in zip(exponents, origins, strict=True)]
    nearest = [b.fsub(p, o) for p, o in zip(places, origins, strict=True)]
    fractions = [b.fsub(e, n) for e, n in zip(exponents, nearest, strict=True)]
    ratios = _polynomial(b, _POWER_COEFFICIENTS, fractions)
    steps = [b.bitcast(p, INTEGERS) for p in places]
    heads = [_power_of_step(b, step) for step in steps]
    values = [b.fmul(h, r) for h, r in zip(heads, ratios, strict=True)]
    normal = [b.fcmp_ordered(">", p, splat(_SMALLEST_PLACE)) for p in places]
    return [b.select(n, v, splat(0.0)) for n, v in zip(normal, values, strict=True)]


def _power_of_step(b: ir.IRBuilder, steps: ir.Value) -> ir.Value:
    table = ir.Constant(INTEGERS, _TABLE)
    index = b.and_(steps, splat_integer(len(_TABLE) - 1))
    entries: ir.Value = ir.Constant(INTEGERS, ir.Undefined)
    for lane in range(LANES):
        place = ir.Constant(INT64, lane)
        entry = b.extract_element(table, b.extract_element(index, place))
        entries = b.insert_element(entries, entry, place)
    shifted = b.shl(steps, splat_integer(_MANTISSA_BITS - _TABLE_BITS))
    return b.bitcast(b.add(entries, shifted), VECTOR)


def log2_and_reciprocal(b: ir.IRBuilder, value: ir.Value) -> tuple[ir.Value, ir.Value]:
    """log2 z and 1/z of doubles from 2**-1022 to 2**1022, to a few units in the last place.

    The logarithm of zero is -1e308: finite, as a weight of zero may multiply it. One division
    serves both: 1/(m (m + 1)), m the mantissa in [sqrt(1/2), sqrt(2)], gives 1/m and the
    (m - 1)/(m + 1) of the logarithm's series.
    """
    shift, one = splat_integer(_MANTISSA_BITS), splat(1.0)
    bits = b.bitcast(value, INTEGERS)
    power = b.ashr(b.sub(bits, splat_integer(_bits(0.5**0.5))), shift)
    exponent_field = b.shl(power, shift)
    m = b.bitcast(b.sub(bits, exponent_field), VECTOR)
    above = b.fadd(m, one)
    inverse = b.fdiv(one, b.fmul(m, above))
    s = b.fmul(b.fmul(b.fsub(m, one), m), inverse)
    (slope,) = _polynomial(b, _LOG2_COEFFICIENTS, [b.fmul(s, s)])
    logarithm = multiply_add(b, s, slope, b.sitofp(power, VECTOR))
    positive = b.fcmp_ordered(">", value, splat(0.0))
    mantissa = b.bitcast(b.fmul(above, inverse), INTEGERS)
    reciprocal = b.bitcast(b.sub(mantissa, exponent_field), VECTOR)
    return b.select(positive, logarithm, splat(-1e308)), reciprocal


def _polynomial(
    b: ir.IRBuilder, coefficients: Sequence[float], variables: Sequence[ir.Value]
) -> list[ir.Value]:
    values: list[ir.Value] = [splat(coefficients[-1])] * len(variables)
    for coefficient in reversed(coefficients[:-1]):
        constant = splat(coefficient)
        values = [
            multiply_add(b, value, variable, constant)
            for value, variable in zip(values, variables, strict=True)
        ]
    return values


def _call(
    builder: ir.IRBuilder,
    name: str,
    result: ir.Type,
    arguments: Sequence[ir.Value],
    flags: tuple[str, ...] = (),
) -> Any:
    module = builder.module
    function = module.globals.get(name)
    if function is None:
        function = ir.Function(module, ir.FunctionType(result, [a.type for a in arguments]), name)
    return builder.call(function, arguments, fastmath=flags)
