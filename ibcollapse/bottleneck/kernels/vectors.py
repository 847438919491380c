"""LLVM vectors of eight doubles: loads, sums, and the exponential and logarithm in base two.

Numba's own loops call a scalar exp (6 ns) and leave tiles to the loop vectoriser. Written as
explicit vectors, LLVM keeps accumulators in registers, and splits the vectors itself where the
machine's are narrower than 512 bits.
"""

import struct
from collections.abc import Sequence
from typing import Any

from llvmlite import ir

LANES = 8
"""Doubles in one vector."""

DOUBLE = ir.DoubleType()
INT64 = ir.IntType(64)
POINTER = DOUBLE.as_pointer()
VECTOR = ir.VectorType(DOUBLE, LANES)
INTEGERS = ir.VectorType(INT64, LANES)

# Minimax polynomial of 2**f on [-1/2, 1/2], relative error 2.1e-16 (Remez exchange, 50 digits).
_EXP2_COEFFICIENTS = (
    1.0000000000000000661,
    0.69314718055994977507,
    0.24022650695908767799,
    0.055504108664458833193,
    0.009618129108034588692,
    0.0013333558228561475528,
    0.00015403529961135955451,
    0.000015252658116561384328,
    1.321566283184610283e-6,
    1.0208537904552163897e-7,
    7.0372795305828035197e-9,
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

# Added to a double below 2**51 in size, it leaves the nearest integer in the low mantissa bits.
_ROUND_TO_INTEGER = 1.5 * 2.0**52
_MANTISSA_BITS = 52
# 2**-1021 is the last power with room for a polynomial value below one in a normal double.
_SMALLEST_EXPONENT = -1021.0
_SQRT_HALF_BITS = struct.unpack("<q", struct.pack("<d", 0.5**0.5))[0]


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


def horizontal_sum(builder: ir.IRBuilder, vector: ir.Value) -> ir.Value:
    """Sum of the lanes, in whatever order is fastest."""
    arguments = (ir.Constant(DOUBLE, 0.0), vector)
    return _call(builder, "llvm.vector.reduce.fadd.v8f64", DOUBLE, arguments, ("reassoc",))


def horizontal_maximum(builder: ir.IRBuilder, vector: ir.Value) -> ir.Value:
    """Largest lane; of no use where one may be NaN."""
    return _call(builder, "llvm.vector.reduce.fmax.v8f64", DOUBLE, (vector,), ("nnan",))


def ceiling(builder: ir.IRBuilder, scalar: ir.Value) -> ir.Value:
    """Smallest whole double that is not below `scalar`."""
    return _call(builder, "llvm.ceil.f64", DOUBLE, (scalar,))


def exp2(builder: ir.IRBuilder, exponent: ir.Value) -> ir.Value:
    """2**exponent to 3e-16 for exponents up to 1023; exactly 0 at -1021 and below."""
    shifted = builder.fadd(exponent, splat(_ROUND_TO_INTEGER))
    fraction = builder.fsub(exponent, builder.fsub(shifted, splat(_ROUND_TO_INTEGER)))
    mantissa = _polynomial(builder, _EXP2_COEFFICIENTS, fraction)
    power = builder.shl(builder.bitcast(shifted, INTEGERS), splat_integer(_MANTISSA_BITS))
    bits = builder.add(builder.bitcast(mantissa, INTEGERS), power)
    representable = builder.fcmp_ordered(">", exponent, splat(_SMALLEST_EXPONENT))
    return builder.bitcast(builder.select(representable, bits, splat_integer(0)), VECTOR)


def log2(builder: ir.IRBuilder, positive: ir.Value) -> ir.Value:
    """Base-two logarithm of normal positive doubles, to 3e-16 absolute or relative."""
    bits = builder.bitcast(positive, INTEGERS)
    power = builder.ashr(
        builder.sub(bits, splat_integer(_SQRT_HALF_BITS)), splat_integer(_MANTISSA_BITS)
    )
    reduced = builder.sub(bits, builder.shl(power, splat_integer(_MANTISSA_BITS)))
    mantissa = builder.bitcast(reduced, VECTOR)
    s = builder.fdiv(builder.fsub(mantissa, splat(1.0)), builder.fadd(mantissa, splat(1.0)))
    slope = _polynomial(builder, _LOG2_COEFFICIENTS, builder.fmul(s, s))
    return multiply_add(builder, s, slope, builder.sitofp(power, VECTOR))


def _polynomial(
    builder: ir.IRBuilder, coefficients: Sequence[float], variable: ir.Value
) -> ir.Value:
    value: ir.Value = splat(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = multiply_add(builder, value, variable, splat(coefficient))
    return value


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
