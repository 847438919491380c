"""The register tiles as functions that compiled loops can call.

Arrays are C-contiguous float64. Each call becomes a call of an internal LLVM function, one for
every size of tile, so that the tiles are compiled once and not wherever they are used.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic as numba_intrinsic
from numba.np.arrayobj import make_array

from ibcollapse.bottleneck.kernels.tiles import (
    MOMENT_SIZES,
    SCORE_HEIGHT,
    emit_moments,
    emit_scores,
)
from ibcollapse.bottleneck.kernels.vectors import INT64

# Numba declares the typing context as an argument of the function that users call.
intrinsic: Any = numba_intrinsic

ZERO = ir.Constant(INT64, 0)
_VOID = ir.VoidType()


class Arguments:
    """The arguments of one intrinsic: its values, pointers into its arrays, their lengths."""

    def __init__(self, context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> None:
        self._context, self._builder = context, builder
        self._types, self._values = signature.args, values

    def __getitem__(self, argument: int) -> ir.Value:
        return self._values[argument]

    def pointer(self, argument: int, *indices: ir.Value) -> ir.Value:
        """Pointer to the element of an array argument at `indices`."""
        kind, array = self._types[argument], self._array(argument)
        locate: Any = cgutils.get_item_pointer
        return locate(self._context, self._builder, kind, array, list(indices))

    def length(self, argument: int, axis: int) -> ir.Value:
        """Length of an array argument along `axis`."""
        return self._builder.extract_value(self._array(argument).shape, axis)

    def stride(self, argument: int) -> ir.Value:
        """Doubles from one slab of a three-dimensional array to the next."""
        return self._builder.mul(self.length(argument, 1), self.length(argument, 2))

    def _array(self, argument: int) -> Any:
        make: Any = make_array
        kind = self._types[argument]
        return make(kind)(self._context, self._builder, self._values[argument])


@intrinsic
def score_tile(  # type: ignore[no-untyped-def]
    typing, coefficients, t, height, posteriors, slab, offset, scores, top, at
):
    """scores[at, t:t+height] = offset[at] + coefficients[t:t+height] @ posteriors[slab]."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        t, height, slab, at = given[1], given[2], given[4], given[8]
        operands = (
            given.pointer(0, t, ZERO),
            given.length(0, 1),
            given.pointer(3, slab, ZERO, ZERO),
            given.pointer(5, at, ZERO),
            given.pointer(6, at, t, ZERO),
            given.pointer(7, at, ZERO),
        )
        sizes = product(range(1, SCORE_HEIGHT + 1))
        call_of_size(builder, "score_tile", emit_scores, (height,), sizes, operands)
        return context.get_dummy_value()

    i = types.intp
    return types.void(coefficients, i, i, posteriors, i, offset, scores, top, i), generate


@intrinsic
def moment_tile(  # type: ignore[no-untyped-def]
    typing, terms, n_slabs, t, height, posteriors, slab, y, width, moments
):
    """moments[t:t+height, y:y+width] += terms · posteriors over n_slabs slabs of rows."""

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        given = Arguments(context, builder, signature, values)
        n_slabs, t, slab, y = given[1], given[2], given[5], given[6]
        operands = (
            given.pointer(0, ZERO, t, ZERO),
            given.stride(0),
            given.pointer(4, slab, y, ZERO),
            given.stride(4),
            n_slabs,
            given.pointer(8, t, y),
            given.length(8, 1),
        )
        sizes = product(MOMENT_SIZES, MOMENT_SIZES)
        call_of_size(builder, "moment_tile", emit_moments, (given[3], given[7]), sizes, operands)
        return context.get_dummy_value()

    i = types.intp
    return types.void(terms, i, i, i, posteriors, i, i, i, moments), generate


def call_of_size(
    builder: Any,
    name: str,
    emit: Callable[..., Any],
    size: Sequence[ir.Value],
    sizes: Iterable[tuple[int, ...]],
    operands: Sequence[ir.Value],
) -> None:
    """Call the function for a tile size that is known only when the loop runs."""
    done = builder.append_basic_block("done")
    key = ZERO
    for part in size:
        key = builder.add(builder.shl(key, ir.Constant(INT64, 8)), part)
    switch = builder.switch(key, done)
    for known in sizes:
        block = builder.append_basic_block()
        switch.add_case(ir.Constant(INT64, int.from_bytes(bytes(known), "big")), block)
        with builder.goto_block(block):
            call(builder, name, emit, known, operands, _VOID)
            builder.branch(done)
    builder.position_at_end(done)


def call(
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
        if value is None:
            body.ret_void()
        else:
            body.ret(value)
    return builder.call(function, operands)
