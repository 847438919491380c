"""The options of a coincidence report, checked once and stored with its result."""

import dataclasses

from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register


@register("coincidence/CoincidenceOptions")
@dataclasses.dataclass(frozen=True, kw_only=True)
class CoincidenceOptions:
    """What `measure_coincidence` does.

    Attributes
    ----------
    shrinkage : float
        Weight in [0, 1] of (tr Σ / d) I in the covariances, within classes and of each network.
    n_bootstrap : int
        Bootstrap samples behind the intervals of the critical betas; 0 for none.
    n_resamples : int
        Resamples behind the interval of the exact bottleneck's last transition; 0 for none. Each
        solves that bottleneck twice or more. The ends are values of two resamples: of fewer than
        40, and at a confidence of 0.95, the smallest and the largest.
    confidence : float
        Coverage of those intervals, in (0, 1).
    folds : int
        Of the cross-fit and of the accuracy by modes, at least 2.
    copula : bool
        Whether the meta-Gaussian bottleneck of a pair is made, too.
    fraction : float
        Share of I(X;Y) at which the discrete curve ends. 0.9 is short of the last class where
        classes hardly overlap: two of ten equal classes merged keep 94 % of log 10.
    max_rows : int
        Points that the channel is reduced to for the discrete curve.
    max_clusters : int, optional
        Clusters at which that curve ends; default two more than classes. Where classes overlap,
        the optimum goes on to ever more clusters, and tracing those costs most of the time.
    n_points : int
        Points of that curve per H(Y).
    n_permutations : int
        Permutations of the alignment's and the matrix information's null: 0, or at least 2.
    seed : int

    Raises
    ------
    InputError
        On a value out of range.
    """

    shrinkage: float = 0.0
    n_bootstrap: int = 200
    confidence: float = 0.95
    folds: int = 5
    copula: bool = True
    fraction: float = 0.97
    max_rows: int = 512
    max_clusters: int | None = None
    n_points: int = 30
    n_permutations: int = 0
    n_resamples: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        checks = {
            "shrinkage": (0 <= self.shrinkage <= 1, "0 (none) to 1"),
            "n_bootstrap": (self.n_bootstrap >= 0, "0 (no interval) or more"),
            "n_resamples": (self.n_resamples >= 0, "0 (no interval) or more"),
            "confidence": (0 < self.confidence < 1, "a coverage between 0 and 1"),
            "folds": (2 <= self.folds <= 100, "2 to 100"),
            "fraction": (0 < self.fraction <= 1, "a share of I(X;Y) in (0, 1]"),
            "max_rows": (self.max_rows >= 2, "2 or more"),
            "max_clusters": (self.max_clusters is None or self.max_clusters >= 2, "2 or more"),
            "n_points": (self.n_points >= 2, "2 or more"),
            "n_permutations": (
                self.n_permutations == 0 or self.n_permutations >= 2,
                "0 (no null) or at least 2",
            ),
            "seed": (self.seed >= 0, "0 or more"),
        }
        for name, (holds, expected) in checks.items():
            if not holds:
                raise InputError(f"{name} = {getattr(self, name)!r}; expected {expected}")


DEFAULTS = CoincidenceOptions()
