"""Loss landscapes solved: the geometries that theory predicts for collapsed features."""

from ibcollapse.landscape.augmentation_path import AugmentationPath, augmentation_path
from ibcollapse.landscape.covariances import (
    AugmentationCovariances,
    covariances_from_pairs,
    load_pairs,
    rare_group_covariance,
)
from ibcollapse.landscape.linear_landscape import LinearLandscape, StationaryPoint
from ibcollapse.landscape.selfsupervised import selfsupervised, stationary_point
from ibcollapse.landscape.seli import SELIGeometry, seli_geometry
from ibcollapse.landscape.supcon import (
    SupConGeometry,
    certify_supcon,
    simplex_gram,
    supcon_geometry,
)

__all__ = [
    "AugmentationCovariances",
    "AugmentationPath",
    "LinearLandscape",
    "SELIGeometry",
    "StationaryPoint",
    "SupConGeometry",
    "augmentation_path",
    "certify_supcon",
    "covariances_from_pairs",
    "load_pairs",
    "rare_group_covariance",
    "selfsupervised",
    "seli_geometry",
    "simplex_gram",
    "stationary_point",
    "supcon_geometry",
]
