"""The register tiles as functions that compiled loops can call.

Arrays are C-contiguous float64. Each call becomes a call of an internal LLVM function, one for
every size of tile, so that the tiles are compiled once and not wherever they are used.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from ibcollapse.bottleneck.kernels.tiles import (
    MOMENT_HEIGHT,
    MOMENT_WIDTH,
    SCORE_HEIGHT,
    emit_moments,
    emit_normalisation,
    emit_powers,
    emit_scores,
)
from ibcollapse.bottleneck.kernels.vectors import DOUBLE, INT64

_ZERO = ir.Constant(INT64, 0)


class _Arguments:
    """The arguments of one intrinsic: pointers into its arrays, their lengths, its integers."""

    def __init__(self, context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> None:
        self._context, self._builder = context, builder
        self._types, self._values = signature.args, values

    def pointer(self, argument: int, *indices: ir.Value) -> ir.Value:
        kind = self._types[argument]
        return cgutils.get_item_pointer(
            self._context, self._builder, kind, self._array(argument), list(indices)
        )

    def length(self, argument: int, axis: int) -> ir.Value:
        return self._builder.extract_value(self._array(argument).shape, axis)

    def stride(self, argument: int) -> ir.Value:
        """Doubles from one slab of a three-dimensional array to the next."""
        return self._builder.mul(self.length(argument, 1), self.length(argument, 2))

    def _array(self, argument: int) -> Any:
        kind = self._types[argument]
        return make_array(kind)(self._context, self._builder, self._values[argument])


@intrinsic
def score_tile(  # type: ignore[no-untyped-def]
    typing, coefficients, t, height, posteriors, slab, offset, scores, top, at
):
    """scores[at, t:t+height] = offset[at] + coefficients[t:t+height] @ posteriors[slab]."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        arguments = _Arguments(context, builder, signature, values)
        _, t, height, _, slab, _, _, _, at = values
        operands = (
            arguments.pointer(0, t, _ZERO),
            arguments.length(0, 1),
            arguments.pointer(3, slab, _ZERO, _ZERO),
            arguments.pointer(5, at, _ZERO),
            arguments.pointer(6, at, t, _ZERO),
            arguments.pointer(7, at, _ZERO),
        )
        sizes = product(range(1, SCORE_HEIGHT + 1))
        _call_of_size(builder, "score_tile", emit_scores, (height,), sizes, operands)
        return context.get_dummy_value()

    i = types.intp
    return types.void(coefficients, i, i, posteriors, i, offset, scores, top, i), generate


@intrinsic
def normalise_slab(  # type: ignore[no-untyped-def]
    typing, scores, at, weights, slab, top, log_z, total
):
    """scores[at] becomes weights[slab] · p(t|x), log_z[at] log2 Z(x); top[at] starts anew."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        arguments = _Arguments(context, builder, signature, values)
        _, at, _, slab, _, _, _ = values
        operands = (
            arguments.pointer(0, at, _ZERO, _ZERO),
            arguments.length(0, 1),
            arguments.pointer(2, slab, _ZERO),
            arguments.pointer(4, at, _ZERO),
            arguments.pointer(5, at, _ZERO),
            arguments.pointer(6, _ZERO),
        )
        _call(builder, "normalise_slab", emit_normalisation, (), operands, ir.VoidType())
        return context.get_dummy_value()

    i = types.intp
    return types.void(scores, i, weights, i, top, log_z, total), generate


@intrinsic
def power_row(typing, scores, n_slabs, t, shift):  # type: ignore[no-untyped-def]
    """scores[:n_slabs, t] becomes 2**(scores - new shift); returns the new shift."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        arguments = _Arguments(context, builder, signature, values)
        _, n_slabs, t, shift = values
        operands = (arguments.pointer(0, _ZERO, t, _ZERO), arguments.stride(0), n_slabs, shift)
        return _call(builder, "power_row", emit_powers, (), operands, DOUBLE)

    return types.float64(scores, types.intp, types.intp, types.float64), generate


@intrinsic
def moment_tile(  # type: ignore[no-untyped-def]
    typing, terms, n_slabs, t, height, posteriors, slab, y, width, moments
):
    """moments[t:t+height, y:y+width] += terms · posteriors over n_slabs slabs of rows."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        arguments = _Arguments(context, builder, signature, values)
        _, n_slabs, t, height, _, slab, y, width, _ = values
        operands = (
            arguments.pointer(0, _ZERO, t, _ZERO),
            arguments.stride(0),
            arguments.pointer(4, slab, y, _ZERO),
            arguments.stride(4),
            n_slabs,
            arguments.pointer(8, t, y),
            arguments.length(8, 1),
        )
        sizes = product(range(1, MOMENT_HEIGHT + 1), range(1, MOMENT_WIDTH + 1))
        _call_of_size(builder, "moment_tile", emit_moments, (height, width), sizes, operands)
        return context.get_dummy_value()

    i = types.intp
    return types.void(terms, i, i, i, posteriors, i, i, i, moments), generate


def _call_of_size(
    builder: Any,
    name: str,
    emit: Callable[..., Any],
    size: Sequence[ir.Value],
    sizes: Iterable[tuple[int, ...]],
    operands: Sequence[ir.Value],
) -> None:
    """Call the function for the tile size known only when the loop runs."""
    done = builder.append_basic_block("done")
    switch = builder.switch(_key(builder, size), done)
    for known in sizes:
        block = builder.append_basic_block()
        switch.add_case(ir.Constant(INT64, _number(known)), block)
        with builder.goto_block(block):
            _call(builder, name, emit, known, operands, ir.VoidType())
            builder.branch(done)
    builder.position_at_end(done)


def _key(builder: Any, size: Sequence[ir.Value]) -> ir.Value:
    key = _ZERO
    for part in size:
        key = builder.add(builder.shl(key, ir.Constant(INT64, 8)), part)
    return key


def _number(size: Sequence[int]) -> int:
    return int.from_bytes(bytes(size), "big")


def _call(
    builder: Any,
    name: str,
    emit: Callable[..., Any],
    size: Sequence[int],
    operands: Sequence[ir.Value],
    result: ir.Type,
) -> Any:
    """Call the module's own function `name` for tiles of `size`, written when first needed."""
    full_name = "_".join(["ibcollapse", name, *map(str, size)])
    function = builder.module.globals.get(full_name)
    if function is None:
        kind = ir.FunctionType(result, [operand.type for operand in operands])
        function = ir.Function(builder.module, kind, full_name)
        function.linkage = "internal"
        # Inlined at each case of the switch, the tiles would share one register allocation.
        function.attributes.add("noinline")
        body = ir.IRBuilder(function.append_basic_block("entry"))
        value = emit(body, *size, *function.args)
        body.ret_void() if value is None else body.ret(value)
    return builder.call(function, operands)
