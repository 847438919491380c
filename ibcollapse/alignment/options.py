"""The options of an alignment, checked once and stored with its result."""

import dataclasses
import math
from typing import get_args

from ibcollapse.alignment.fits import Regulariser
from ibcollapse.alignment.spaces import Span
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register


@register("alignment/AlignmentOptions")
@dataclasses.dataclass(frozen=True, kw_only=True)
class AlignmentOptions:
    """What `align` was asked for; its docstring says what each option means.

    Raises
    ------
    InputError
        On a value out of range.
    """

    ridge: float
    shrinkage: float
    alpha: float
    span: Span
    held_out: float
    n_permutations: int
    null_samples: int | None
    n_bootstrap: int
    confidence: float
    rank_tolerance: float
    seed: int

    def __post_init__(self) -> None:
        enough = self.null_samples is None or self.null_samples >= 4
        checks = {
            "ridge": (math.isfinite(self.ridge) and self.ridge >= 0, "a share of at least 0"),
            "shrinkage": (0 <= self.shrinkage <= 1, "0 (none) to 1"),
            "alpha": (0 <= self.alpha <= 1, "0 (whitened) to 1 (as they are)"),
            "span": (self.span in get_args(Span), "'class means' or 'classifier'"),
            "held_out": (0 <= self.held_out < 1, "a share of the samples, below 1"),
            "n_permutations": (
                self.n_permutations == 0 or self.n_permutations >= 2,
                "0 (no null) or at least 2",
            ),
            "null_samples": (enough, "at least 4"),
            "n_bootstrap": (self.n_bootstrap >= 0, "0 (no interval) or more"),
            "confidence": (0 < self.confidence < 1, "a coverage between 0 and 1"),
            "rank_tolerance": (0 < self.rank_tolerance < 1, "a share between 0 and 1"),
        }
        for name, (holds, expected) in checks.items():
            if not holds:
                raise InputError(f"{name} = {getattr(self, name)!r}; expected {expected}")

    @property
    def regulariser(self) -> Regulariser:
        """How the covariances are regularised."""
        return Regulariser(self.ridge, self.shrinkage, self.rank_tolerance)
