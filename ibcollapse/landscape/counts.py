"""Class counts: what they may be, and which classes a permutation can exchange."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.array_backend import as_array
from ibcollapse.errors import InputError


def validated_counts(
    counts: Sequence[int] | NDArray[np.int64], *, minimum: int
) -> NDArray[np.int64]:
    """Counts as a fresh int64 (n_classes,) array.

    Raises
    ------
    InputError
        On fewer than two classes, on fractions, or on a class with fewer than `minimum` samples.
    """
    given = as_array(counts)
    if given.ndim != 1 or given.size < 2:
        raise InputError(
            f"counts has shape {given.shape}; give one count a class and at least two classes"
        )
    if given.dtype.kind not in "iuf" or not np.all(np.isfinite(given)):
        raise InputError(f"counts {given.tolist()} are no finite numbers; give whole numbers")
    whole = given.astype(np.int64)
    if np.any(whole != given):
        raise InputError(f"counts {given.tolist()} are not whole numbers")
    low = np.flatnonzero(whole < minimum)
    if low.size:
        raise InputError(
            f"class {low[0]} has {whole[low[0]]} samples, at least {minimum} are needed; "
            f"drop the class or add samples"
        )
    return whole


def validated_positive(value: float, name: str) -> float:
    """`value` as a float; `InputError` unless it is positive and finite."""
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"{name} is {value}, expected a positive finite number")
    return float(value)


def validated_tolerance(tol: float) -> float:
    """`tol` as a float; `InputError` outside (0, 1)."""
    if not 0 < tol < 1:
        raise InputError(f"tol is {tol}, expected a number between 0 and 1")
    return float(tol)


@dataclasses.dataclass(frozen=True)
class CountGroups:
    """Classes gathered by equal count.

    A convex problem that only knows the counts has a solution that is unchanged when classes of
    the same count are exchanged (average any solution over the exchanges), so one unknown a group
    is enough.

    Attributes
    ----------
    count : float64 (n_groups,)
        Samples in each class of the group, decreasing.
    size : float64 (n_groups,)
        Classes in the group.
    of_class : int64 (n_classes,)
        Group of each class.
    """

    count: NDArray[np.float64]
    size: NDArray[np.float64]
    of_class: NDArray[np.int64]

    @property
    def weight(self) -> NDArray[np.float64]:
        """Share of all samples in each group, (n_groups,), sums to one."""
        samples = self.count * self.size
        return np.asarray(samples / samples.sum())

    @property
    def n_classes(self) -> int:
        """Number of classes in all groups."""
        return len(self.of_class)


def group_by_count(counts: NDArray[np.int64]) -> CountGroups:
    """Groups of classes with the same count, largest count first."""
    negative, of_class, size = np.unique(-counts, return_inverse=True, return_counts=True)
    return CountGroups(
        count=(-negative).astype(np.float64),
        size=size.astype(np.float64),
        of_class=of_class.reshape(-1).astype(np.int64),
    )
