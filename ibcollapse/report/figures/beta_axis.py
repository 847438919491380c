"""Trade-offs written and placed readably, also when all of them crowd towards one."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, Locator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from ibcollapse.errors import InputError

BetaScale = Literal["auto", "linear", "log"]

# Mantissas of the ticks, tried from sparse to dense until enough of them fall into the range.
_MANTISSAS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
# Betas that span more than this factor in beta − 1 cannot share a linear axis.
_WIDE_SPAN = 30.0
_FEWEST_TICKS, _MOST_TICKS = 4, 7
# Where a jump at beta = 1 is drawn on a logarithmic axis and where that then begins, as shares of
# its length before the smallest beta above one.
_ONE_AT = 0.06, 0.09
# Below this, 1 + (beta − 1) has too few digits of its own to place a point.
_SMALLEST_EXCESS = 1e-12


def format_beta(beta: float, *, digits: int = 3) -> str:
    """`beta` with `digits` significant digits of beta − 1, so that 1.00191 does not become 1.0.

    Closer to one than 1e-6 it is written as "1 + 1.9e-09"; infinity as "∞".

    Examples
    --------
    >>> format_beta(3.898735), format_beta(1.00191427)
    ('3.90', '1.00191')
    """
    if math.isinf(beta):
        return "∞"
    excess = abs(beta - 1.0)
    if excess == 0.0:
        return "1"
    if excess < 1e-6:
        return f"1 {'+' if beta > 1.0 else '−'} {excess:.{max(digits - 2, 0)}e}"
    decimals = max(digits - 1 - math.floor(math.log10(excess)), 0)
    return f"{beta:.{decimals}f}"


def set_beta_scale(ax: Axes, beta: ArrayLike, i_ty: ArrayLike, *, scale: BetaScale) -> bool:
    """Put beta on the x axis of `ax` and say whether log(beta − 1) was used.

    With `scale="auto"` the logarithm is taken when all of beta lies below 1.1, when half of the
    rise of `i_ty` would be squeezed into the first tenth of a linear axis, or when the rise spans
    more than a factor of thirty in beta − 1.

    Raises
    ------
    InputError
        When `scale` is none of "auto", "linear" and "log".
    """
    if scale not in ("auto", "linear", "log"):
        raise InputError(f"scale {scale!r} is unknown; use 'auto', 'linear' or 'log'")
    trade_off, rise = np.asarray(beta, dtype=float), np.asarray(i_ty, dtype=float)
    has_place = trade_off > 1.0 + _SMALLEST_EXCESS
    above = trade_off[has_place]
    # What happens at beta = 1 no logarithm spreads out.
    squeezed = scale == "auto" and _is_squeezed(above, rise[has_place])
    use_log = (scale == "log" or squeezed) and above.size > 0
    if use_log:
        ax.set_xscale("function", functions=(_log_excess, _from_log_excess))
        low, high = np.log10(above.min() - 1.0), np.log10(above.max() - 1.0)
        margin = max(0.04 * (high - low), 0.01)
        ax.set_xlim(1.0 + 10.0 ** (low - margin), 1.0 + 10.0 ** (high + margin))
    ax.xaxis.set_major_locator(_BetaLocator() if use_log else MaxNLocator(nbins=6))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(_BetaFormatter())
    ax.set_xlabel("trade-off β (log scale of β − 1)" if use_log else "trade-off β")
    return use_log


def make_room_for_one(ax: Axes) -> float:
    """Begin a logarithmic axis a little earlier; returns where a jump at beta = 1 is drawn on it.

    That beta has no place on the scale of beta − 1: a tick with its name stands before the others.
    """
    left, right = ax.get_xlim()
    ticks = list(ax.xaxis.get_major_locator().tick_values(left, right))
    names = ax.xaxis.get_major_formatter().format_ticks(ticks)
    place, begin = (_before(left, right, share) for share in _ONE_AT)
    ax.xaxis.set_ticks([place, *ticks], [format_beta(1.0), *names])
    ax.set_xlim(begin, right)
    return place


def _before(left: float, right: float, share: float) -> float:
    """The beta that lies a share of the axis, logarithmic in beta − 1, before its left end."""
    excess: float = (left - 1.0) * ((left - 1.0) / (right - 1.0)) ** share
    return 1.0 + excess


def _is_squeezed(beta: NDArray[np.float64], i_ty: NDArray[np.float64]) -> bool:
    if beta.size < 2:
        return False
    if beta.max() - 1.0 < 0.1:
        return True
    first_tenth = beta <= beta.min() + 0.1 * np.ptp(beta)
    rise = float(np.ptp(i_ty))
    rising = beta[i_ty > i_ty.min() + 0.02 * rise]
    if rising.size and beta.max() - 1.0 > _WIDE_SPAN * (rising.min() - 1.0):
        return True
    return rise > 0.0 and float(np.ptp(i_ty[first_tenth])) > 0.5 * rise


def _log_excess(beta: Any) -> Any:
    return np.log10(np.maximum(np.asarray(beta, dtype=float) - 1.0, _SMALLEST_EXCESS))


def _from_log_excess(exponent: Any) -> Any:
    return 1.0 + 10.0 ** np.asarray(exponent, dtype=float)


class _BetaFormatter(Formatter):
    """Betas without trailing zeros, with as many digits as tell the ticks apart."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        for digits in range(3, 16):
            labels = [_without_zeros(format_beta(beta, digits=digits)) for beta in values]
            if len(set(labels)) == len(set(values)):
                break
        return labels


def _without_zeros(text: str) -> str:
    return text if "e" in text or "." not in text else text.rstrip("0").rstrip(".")


class _BetaLocator(Locator):
    """Round values of beta − 1 below two and of beta above, four to seven of them."""

    def __call__(self) -> Any:
        assert self.axis is not None
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Any:
        low, high = max(min(vmin, vmax), 1.0 + _SMALLEST_EXCESS), max(vmin, vmax)
        for mantissas in _MANTISSAS:
            ticks = _round_values(low, high, mantissas)
            if len(ticks) >= _FEWEST_TICKS:
                return ticks[:: math.ceil(len(ticks) / _MOST_TICKS)]
        return MaxNLocator(nbins=5).tick_values(low, high)


def _round_values(low: float, high: float, mantissas: tuple[float, ...]) -> list[float]:
    first = math.floor(math.log10(low - 1.0))
    last = math.ceil(math.log10(max(high, 2.0)))
    below_two = [1.0 + m * 10.0**k for k in range(first, 0) for m in mantissas]
    from_two = [m * 10.0**k for k in range(last + 1) for m in (*mantissas, 2.0)]
    candidates = {*below_two, *(beta for beta in from_two if beta >= 1.5)}
    return sorted(beta for beta in candidates if low <= beta <= high)
