"""What a fit can be asked for, and the checks of it."""

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.gaussian.folds import ALWAYS_TRAINING
from ibcollapse.gaussian.results import CovarianceKind
from ibcollapse.gaussian.selection import Shrinkage

if TYPE_CHECKING:
    from ibcollapse.features.source import FeatureSource

Priors = Literal["empirical", "uniform"]

_RULES = ("ledoit-wolf", "oas", "held-out")
# Folds are stored in eight bits a row.
_MAX_FOLDS = 100


def check_options(
    covariance: CovarianceKind,
    rank: int | None,
    shrinkage: Shrinkage,
    priors: Priors,
    folds: int,
    n_features: int,
) -> None:
    """Raise `InputError` on the first option outside its range."""
    if covariance not in get_args(CovarianceKind):
        raise InputError(f"covariance={covariance!r}; choose one of {get_args(CovarianceKind)}")
    if priors not in get_args(Priors):
        raise InputError(f"priors={priors!r}; choose 'empirical' or 'uniform'")
    if not 2 <= folds <= _MAX_FOLDS:
        raise InputError(f"folds={folds}; choose 2 to {_MAX_FOLDS}")
    _check_shrinkage(covariance, shrinkage)
    if covariance != "low-rank":
        if rank is not None:
            raise InputError(f"rank={rank} belongs to covariance='low-rank', not {covariance!r}")
    elif n_features < 2:
        raise InputError("covariance='low-rank' needs at least two features; choose 'full'")
    elif rank is not None and not 1 <= rank < n_features:
        raise InputError(f"rank={rank}; choose 1 to {n_features - 1}, below the features")


def _check_shrinkage(covariance: CovarianceKind, shrinkage: Shrinkage) -> None:
    if isinstance(shrinkage, str):
        if shrinkage not in _RULES:
            raise InputError(f"shrinkage={shrinkage!r}; choose one of {_RULES} or a number")
        if shrinkage == "oas" and covariance == "diagonal":
            raise InputError(
                "shrinkage='oas' is derived for full matrices; with covariance='diagonal' choose "
                "'ledoit-wolf', 'held-out' or a number"
            )
    elif not 0 <= shrinkage <= 1:
        raise InputError(f"shrinkage={shrinkage}; choose a number from 0 to 1")


def check_classes(source: "FeatureSource") -> None:
    """Raise `InputError` when the classes of the source do not make a cross-fit possible."""
    counts = np.bincount(source.labels, minlength=len(source.class_names))
    if len(counts) < 2:
        raise InputError(
            f"one class only ({', '.join(source.class_names)}): there is nothing to tell apart; "
            "give features of at least two classes"
        )
    empty = [name for name, n in zip(source.class_names, counts, strict=True) if n == 0]
    if empty:
        raise InputError(f"no rows of class {', '.join(empty)}; leave it out of the class names")
    if counts.max() == 1:
        raise InputError("every class has a single row: none can be held out; give more rows")


def check_held_out(folds: NDArray[np.int8]) -> None:
    """Raise `InputError` when no fold holds a row."""
    if np.all(folds == ALWAYS_TRAINING):
        raise InputError(
            "equal rows are held out together, and without any of them a fit would not know some "
            "class; give more rows that differ"
        )
