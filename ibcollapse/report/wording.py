"""Numbers and names as they stand in a sentence or a cell of a report."""

import math
from collections.abc import Sequence
from typing import Literal

from ibcollapse.errors import InputError
from ibcollapse.printable import printable

Units = Literal["nats", "bits"]

_LONGEST_NAME = 40
_MOST_NAMES = 12
NOTHING = "–"
_TIE = "\N{NO-BREAK SPACE}"


def unit_scale(units: Units) -> float:
    """Factor from nats to `units`.

    Raises
    ------
    InputError
        When `units` is neither "nats" nor "bits".
    """
    scales = {"nats": 1.0, "bits": 1.0 / math.log(2.0)}
    if units not in scales:
        raise InputError(f"units {units!r} is unknown; use 'nats' or 'bits'")
    return scales[units]


def write_number(value: float, *, digits: int = 4) -> str:
    """`value` with `digits` significant digits, "–" for NaN, "∞" for infinity, a real minus sign.

    Examples
    --------
    >>> write_number(0.123456), write_number(-2.5), write_number(float("nan"))
    ('0.1235', '−2.5', '–')
    """
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}g}".replace("-", "−")


def write_share(value: float) -> str:
    """`value` in percent with one decimal; "–" for NaN."""
    return NOTHING if math.isnan(value) else f"{100 * value:.1f}{_TIE}%"


def write_information(nats: float, units: Units) -> str:
    """An information of `nats` nats with its unit, four digits."""
    return f"{write_number(nats * unit_scale(units))}{_TIE}{units}"


def write_count(n: int, noun: str) -> str:
    """`n` and the noun, in the plural unless `n` is one."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def shorten(name: str, length: int = 32) -> str:
    """`name` on one line, its middle left out where it is longer than `length` characters."""
    name = printable(name)
    if len(name) <= length:
        return name
    half = (length - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def write_name(name: str) -> str:
    """`name`, its middle left out where it is very long."""
    return shorten(name, _LONGEST_NAME)


def write_names(names: Sequence[str], *, most: int = _MOST_NAMES) -> str:
    """The names in a row; of more than `most` all but the last, and how many more there are."""
    if len(names) <= most:
        return ", ".join(write_name(name) for name in names)
    most -= 1
    shown = ", ".join(write_name(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more"


def write_sentence(text: str) -> str:
    """`text` with a capital and a full stop, as the library's notes and errors have neither."""
    # The name of an argument keeps its small letter.
    first = text[:1] if "_" in text.partition(" ")[0] else text[:1].upper()
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return first + ended[1:]
