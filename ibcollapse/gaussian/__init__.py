"""Class moments in one pass, class-conditional Gaussian fits, calibrated posteriors."""

from ibcollapse.gaussian.covariances import (
    between_covariance,
    class_shares,
    global_mean,
    total_covariance,
    within_covariance,
)
from ibcollapse.gaussian.moments import ClassMoments

__all__ = [
    "ClassMoments",
    "between_covariance",
    "class_shares",
    "global_mean",
    "total_covariance",
    "within_covariance",
]
