"""Class moments in one pass, class-conditional Gaussian fits, calibrated posteriors."""

from ibcollapse.gaussian.covariance import CovarianceModel
from ibcollapse.gaussian.fit import CrossFit, GaussianFit, cross_fit, fit_gaussian
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.posterior import PosteriorTable, posterior
from ibcollapse.gaussian.weighting import (
    between_covariance,
    class_shares,
    global_mean,
    total_covariance,
    within_covariance,
)

__all__ = [
    "ClassMoments",
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
