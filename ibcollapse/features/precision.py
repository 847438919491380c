"""What the stored type of features resolves: when a feature is a constant, and equal rows."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ibcollapse.features.source import FeatureSource

# A unit that flips between two neighbouring numbers of its type deviates by at most half their
# distance (ulp), and sums in another order by one or two: spreads up to here are rounding.
CONSTANT_ULPS = 2.0
# Features named in a sentence.
_LISTED = 10


@dataclasses.dataclass(frozen=True)
class Precision:
    """Distance of neighbouring numbers: `eps` relative to their size, `smallest` near zero."""

    eps: float
    smallest: float

    @classmethod
    def of(cls, dtypes: Iterable[np.dtype[Any]]) -> "Precision":
        """Of the coarsest of some types; integers are exact, so they count as float64."""
        limits = [np.finfo(t if t.kind == "f" else np.float64) for t in dtypes]
        return cls(
            max(float(limit.eps) for limit in limits),
            max(float(limit.smallest_subnormal) for limit in limits),
        )

    def rounding(self, mean_square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviation up to which features of this mean square are constants.

        `CONSTANT_ULPS` · max(eps · root mean square, smallest number), in the unit of the features.
        """
        spacing = np.maximum(self.eps * np.sqrt(mean_square), self.smallest)
        return np.asarray(CONSTANT_ULPS * spacing, dtype=np.float64)


def listed_features(features: Sequence[int]) -> str:
    """Numbers of features for a sentence, the first ten of them."""
    names = ", ".join(str(feature) for feature in features[:_LISTED])
    more = len(features) - _LISTED
    return f"{names} and {more} more" if more > 0 else names


def stored_precision(source: "FeatureSource", seen: Iterable[np.dtype[Any]]) -> Precision:
    """Precision of the features of `source`, whose blocks came in the types `seen`.

    A float16 file is read as float32, so a source that knows its stored types names them.
    """
    return Precision.of([*seen, *getattr(source, "stored_dtypes", ())])


def row_signatures(rows: NDArray[Any]) -> NDArray[np.int64]:
    """A 64-bit hash of each row, int64 (n,): equal for rows of equal numbers in this process.

    Two different rows share one with a probability of 2^-64, any two of a million with 3e-8.
    """
    # −0 and 0 are the same number in different bits; a signalling NaN stays what it is.
    with np.errstate(invalid="ignore"):
        plain = rows + rows.dtype.type(0)
    return np.array([hash(row.tobytes()) for row in plain], dtype=np.int64)


def repeated_groups(signatures: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Number of the group of equal rows, int64 (n,), and how many rows repeat an earlier one.

    Groups are numbered as they first occur: hashes are ordered otherwise in every process.
    """
    distinct, first, groups = np.unique(signatures, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[groups], len(signatures) - len(distinct)
