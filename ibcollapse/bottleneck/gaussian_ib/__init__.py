"""Jointly Gaussian X and Y: the curve, its transitions and samples in closed form."""

from ibcollapse.bottleneck.gaussian_ib.canonical_spectrum import null_floor
from ibcollapse.bottleneck.gaussian_ib.curve import GaussianIBCurve, GaussianTransition
from ibcollapse.bottleneck.gaussian_ib.gaussian_ib import GaussianIB
from ibcollapse.bottleneck.gaussian_ib.meta_gaussian import normal_scores
from ibcollapse.bottleneck.gaussian_ib.modes import GaussianModes
from ibcollapse.bottleneck.gaussian_ib.normality import NormalityTest, henze_zirkler
from ibcollapse.bottleneck.gaussian_ib.renyi import RenyiGaussianPoint, solve_renyi

__all__ = [
    "GaussianIB",
    "GaussianIBCurve",
    "GaussianModes",
    "GaussianTransition",
    "NormalityTest",
    "RenyiGaussianPoint",
    "henze_zirkler",
    "normal_scores",
    "null_floor",
    "solve_renyi",
]
