"""Class moments in one pass, class-conditional Gaussian fits, calibrated posteriors."""

from typing import TYPE_CHECKING, Any

from ibcollapse.gaussian.fit import cross_fit, fit_gaussian
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.posterior import posterior
from ibcollapse.gaussian.results import CovarianceModel, CrossFit, GaussianFit, PosteriorTable
from ibcollapse.gaussian.weighting import (
    between_covariance,
    class_shares,
    global_mean,
    total_covariance,
    within_covariance,
)

if TYPE_CHECKING:
    from ibcollapse.gaussian.class_posterior import ClassPosterior

__all__ = [
    "ClassMoments",
    "ClassPosterior",
    "CovarianceModel",
    "CrossFit",
    "GaussianFit",
    "PosteriorTable",
    "between_covariance",
    "class_shares",
    "cross_fit",
    "fit_gaussian",
    "global_mean",
    "posterior",
    "total_covariance",
    "within_covariance",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes longer to import than all the rest of this room: only who asks waits.
    if name == "ClassPosterior":
        from ibcollapse.gaussian.class_posterior import ClassPosterior

        return ClassPosterior
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
