"""Means with intervals over seeds, and tables of them."""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclasses.dataclass(frozen=True)
class Interval:
    """Mean over seeds with its two-sided 95 % interval of Student's t; nan for one value."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def excludes_zero(self) -> bool:
        return bool(self.low > 0 or self.high < 0)

    def text(self, number: str = "{:+.4f}") -> str:
        return f"{number} [{number}, {number}]".format(self.mean, self.low, self.high)


def mean_and_interval(values: NDArray[np.float64]) -> Interval:
    """Interval of the mean of independent values (n,), nan left out."""
    kept = np.asarray(values, dtype=np.float64)
    kept = kept[~np.isnan(kept)]
    if len(kept) == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    mean = float(kept.mean())
    if len(kept) == 1:
        return Interval(mean, np.nan, np.nan, 1)
    half = float(stats.t.ppf(0.975, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept)))
    return Interval(mean, mean - half, mean + half, len(kept))


def paired_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> Interval:
    """Interval of the mean of `second` − `first`, (n,) each, seed by seed."""
    return mean_and_interval(np.asarray(second) - np.asarray(first))


def print_table(rows: list[dict[str, object]]) -> None:
    """Markdown table of rows, empty where a row lacks a key; nothing for no rows."""
    if rows:
        names = list(dict.fromkeys(name for row in rows for name in row))
        print("\n| " + " | ".join(names) + " |\n|" + "---|" * len(names))
        for row in rows:
            print("| " + " | ".join(str(row.get(name, "")) for name in names) + " |")
