"""The channel p(y|x) that the information bottleneck compresses."""

import dataclasses
import functools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import as_array
from ibcollapse.bottleneck.channel.prepared import PreparedChannel
from ibcollapse.bottleneck.channel.reduction import (
    all_rows_differ,
    average_rows,
    group_equal_rows,
    group_near_rows,
)
from ibcollapse.bottleneck.deadline import OUT_OF_TIME, deadline, is_over
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register

# Rows and weights may miss their sum by rounding in whoever made them, not by more.
SUM_TOLERANCE = 1e-6
# Sums this close to one are rounding: dividing by them again would only change the last bits, and
# a stored channel would not come back as it was.
_ROUNDING = 1e-14


@register("bottleneck/Channel")
@dataclasses.dataclass(frozen=True, eq=False)
class Channel:
    """Points x with their weights and class posteriors, validated and normalised.

    Points of zero weight are dropped (`n_dropped` counts them).

    Parameters
    ----------
    p_x : array_like (n_x,)
        Weights of the points; non-negative, sum to one within 1e-6.
    log_p_y_given_x : array_like (n_x, n_classes)
        Natural logarithms of the posteriors; −inf is a probability of exactly zero. Rows sum to
        one within 1e-6 after exponentiation.
    class_names : sequence of str, optional
        Names of the columns; "0", "1", … when absent.
    information_lost : float
        Nats of I(X;Y) that an earlier reduction gave up; carried along.

    Raises
    ------
    InputError
        On wrong shapes, NaN, negative or infinite weights, rows that do not sum to one.
    """

    p_x: NDArray[np.float64]
    log_p_y_given_x: NDArray[np.float64]
    class_names: tuple[str, ...] = ()
    information_lost: float = 0.0
    n_dropped: int = 0

    def __post_init__(self) -> None:
        p_x = _as_weights(self.p_x)
        log_w = _as_log_rows(self.log_p_y_given_x, len(p_x))
        names = tuple(str(name) for name in self.class_names)
        names = names or tuple(str(k) for k in range(log_w.shape[1]))
        if len(names) != log_w.shape[1]:
            raise InputError(f"{len(names)} class names for {log_w.shape[1]} classes")
        alive = p_x > 0
        dropped = int(len(p_x) - np.count_nonzero(alive))
        if dropped:
            p_x, log_w = p_x[alive], log_w[alive]
        for array in (p_x, log_w):
            array.setflags(write=False)
        values = (("p_x", p_x), ("log_p_y_given_x", log_w), ("class_names", names))
        for name, value in (*values, ("n_dropped", self.n_dropped + dropped)):
            object.__setattr__(self, name, value)
        self._prepare()

    def _prepare(self) -> None:
        # Made here and not on demand: two threads that ask at once have to find the same one.
        prepared = PreparedChannel(self.p_x, self.log_p_y_given_x)
        object.__setattr__(self, "_prepared", prepared)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what was made of them can be made again."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __setstate__(self, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)
        self._prepare()

    @property
    def prepared(self) -> PreparedChannel:
        """What is made of the rows once for all that compute with them; no field of the channel."""
        found: PreparedChannel = self.__dict__["_prepared"]
        return found

    @classmethod
    def from_joint(cls, p_xy: ArrayLike, *, class_names: Sequence[str] = ()) -> "Channel":
        """Channel of a joint table, shape (n_x, n_classes), entries ≥ 0 that sum to one.

        Counts are accepted when they are: a table of integers is divided by its total.

        Raises
        ------
        InputError
            When the table is not 2-D, has negative or non-finite entries, or sums to something
            other than one (within 1e-6).

        Examples
        --------
        >>> channel = Channel.from_joint([[0.4, 0.1], [0.1, 0.4]])
        >>> round(channel.i_xy, 6)
        0.192745
        """
        table = as_array(p_xy)
        if table.ndim != 2 or 0 in table.shape:
            raise InputError(f"a joint table has two axes (x, y), found shape {table.shape}")
        if table.dtype.kind not in "iuf":
            raise InputError(f"a joint table holds numbers, found dtype {table.dtype}")
        is_counts = table.dtype.kind in "iu"
        table = table.astype(np.float64)
        _refuse_bad_entries(table, "joint table")
        total = float(table.sum())
        if total <= 0 or (not is_counts and abs(total - 1) > SUM_TOLERANCE):
            raise InputError(
                f"the joint table sums to {total:.9g}, expected 1; divide it by its sum, or pass "
                "integer counts"
            )
        p_x = table.sum(axis=1) / total
        alive = p_x > 0
        with np.errstate(divide="ignore"):
            log_w = np.log(table[alive]) - np.log(table[alive].sum(axis=1, keepdims=True))
        dropped = int(len(p_x) - np.count_nonzero(alive))
        return cls(p_x[alive], log_w, class_names=tuple(class_names), n_dropped=dropped)

    @property
    def n_x(self) -> int:
        """Number of points."""
        return len(self.p_x)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.log_p_y_given_x.shape[1])

    @functools.cached_property
    def p_y_given_x(self) -> NDArray[np.float64]:
        """Posteriors, float64 (n_x, n_classes)."""
        return self.prepared.p_y_given_x

    @functools.cached_property
    def p_y(self) -> NDArray[np.float64]:
        """Class probabilities, float64 (n_classes,)."""
        marginal: NDArray[np.float64] = self.p_x @ self.p_y_given_x
        marginal.setflags(write=False)
        return marginal

    @functools.cached_property
    def class_joint(self) -> NDArray[np.float64]:
        """p(t, y) of T drawn from p(y|x), Σ_x p(x) p(t|x) p(y|x), float64, n_classes each way."""
        w = self.p_y_given_x
        joint: NDArray[np.float64] = (w * self.p_x[:, None]).T @ w
        joint.setflags(write=False)
        return joint

    @functools.cached_property
    def negative_entropy(self) -> NDArray[np.float64]:
        """Σ_y p(y|x) log p(y|x) in nats, float64 (n_x,)."""
        w = self.p_y_given_x
        terms = np.zeros_like(w)
        np.multiply(w, self.log_p_y_given_x, out=terms, where=w > 0)
        total: NDArray[np.float64] = terms.sum(axis=1)
        return total

    @functools.cached_property
    def h_y(self) -> float:
        """H(Y), nats."""
        p = self.p_y[self.p_y > 0]
        return float(-np.sum(p * np.log(p)))

    @functools.cached_property
    def h_x(self) -> float:
        """H(X), nats: the rate of the representation that forgets nothing."""
        return float(-np.sum(self.p_x * np.log(self.p_x)))

    @functools.cached_property
    def i_xy(self) -> float:
        """I(X;Y) = Σ_x p(x) KL(p(y|x) ‖ p(y)), nats."""
        return max(0.0, self.h_y + float(self.p_x @ self.negative_entropy))

    def merge(self, groups: NDArray[np.int64]) -> "Channel":
        """Channel whose points are the groups 0, 1, … of `groups`, an int array (n_x,).

        A group's posterior is the weighted mean of its members'; `information_lost` grows by
        I(X;Y) before minus after.
        """
        p_x, log_rows = average_rows(self.p_x, self.log_p_y_given_x, groups)
        merged = Channel(p_x, log_rows, self.class_names, n_dropped=self.n_dropped)
        lost = self.information_lost + max(0.0, self.i_xy - merged.i_xy)
        return dataclasses.replace(merged, information_lost=lost)

    def reduce(
        self,
        *,
        max_loss: float = 0.0,
        max_rows: int | None = None,
        time_limit: float = math.inf,
    ) -> "Channel":
        """Channel of fewer points that keeps I(X;Y) up to `max_loss` nats.

        Equal posteriors merge exactly; near-equal ones are then grouped by a tree that splits the
        group with the largest loss Σ p(x) KL(p(y|x) ‖ mean) until the total is at most `max_loss`
        or `max_rows` groups are reached. A curve of the result is achievable for this channel and
        misses its optimum by at most the recorded `information_lost` (theory §1). After
        `time_limit` seconds the tree has as many groups as it has, which may lose more than
        `max_loss`: then it warns (RuntimeWarning).

        Raises
        ------
        InputError
            When `max_loss` is negative or not finite, `max_rows` < 1, or `time_limit` is not
            positive.
        """
        if not (np.isfinite(max_loss) and max_loss >= 0):
            raise InputError(f"max_loss is {max_loss}, expected nats of at least 0")
        if max_rows is not None and max_rows < 1:
            raise InputError(f"max_rows is {max_rows}, expected at least 1")
        until = deadline(time_limit)
        if max_loss == 0:
            exact = self.prepared.once("merged", self._merge_equal) or self
            return exact if max_rows is None else exact._merge_near(0.0, max_rows, until)
        # The tree never parts equal rows, and sorting a million of them is not free.
        return self._merge_near(max_loss, max_rows, until)

    def _merge_equal(self) -> "Channel | None":
        """The channel of the distinct rows; None where all are."""
        if all_rows_differ(self.log_p_y_given_x):
            return None
        return self.merge(group_equal_rows(self.log_p_y_given_x))

    def _merge_near(self, max_loss: float, max_rows: int | None, until: float) -> "Channel":
        if max_loss == 0 and max_rows is not None and self.n_x <= max_rows:
            return self
        groups = group_near_rows(
            self.p_x, self.p_y_given_x, self.negative_entropy, max_loss, max_rows, until
        )
        merged = self.merge(groups)
        lost = merged.information_lost - self.information_lost
        is_full = max_rows is not None and merged.n_x >= max_rows
        if is_over(until) and not (is_full or lost <= max_loss + _ROUNDING):
            warnings.warn(
                f"{OUT_OF_TIME} at {merged.n_x} points, which lose {lost:.3g} nats of I(X;Y), not "
                f"max_loss = {max_loss:.3g}; raise time_limit",
                RuntimeWarning,
                stacklevel=3,
            )
        return merged


def _as_weights(p_x: ArrayLike) -> NDArray[np.float64]:
    weights = np.array(as_array(p_x), dtype=np.float64)
    if weights.ndim != 1 or weights.size == 0:
        raise InputError(f"p_x has shape {weights.shape}, expected (n_x,) with at least one point")
    _refuse_bad_entries(weights, "p_x")
    total = float(weights.sum())
    if abs(total - 1) > SUM_TOLERANCE:
        raise InputError(f"p_x sums to {total:.9g}, expected 1; divide it by its sum")
    return weights if abs(total - 1) <= _ROUNDING else weights / total


def _as_log_rows(log_rows: ArrayLike, n_x: int) -> NDArray[np.float64]:
    log_w = np.array(as_array(log_rows), dtype=np.float64)
    if log_w.ndim != 2 or log_w.shape[0] != n_x or log_w.shape[1] == 0:
        raise InputError(
            f"log_p_y_given_x has shape {log_w.shape}, expected ({n_x}, n_classes), a row a weight"
        )
    if np.isnan(log_w).any() or (log_w > SUM_TOLERANCE).any():
        raise InputError("log_p_y_given_x holds NaN or positive values; pass log-probabilities")
    sums = np.exp(log_w).sum(axis=1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if abs(sums[worst] - 1) > SUM_TOLERANCE:
        raise InputError(
            f"row {worst} of p(y|x) sums to {sums[worst]:.9g}, expected 1; normalise the rows"
        )
    log_w -= np.where(np.abs(sums - 1) <= _ROUNDING, 0.0, np.log(sums))[:, None]
    return log_w


def _refuse_bad_entries(values: NDArray[np.float64], what: str) -> None:
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{what} has {int(bad.sum())} negative or non-finite entries, the first {values[where]}"
            f" at {where}; expected probabilities"
        )
