"""Loss landscapes solved: the geometries that theory predicts for collapsed features."""

from ibcollapse.landscape.augmentation_path import AugmentationPath, augmentation_path
from ibcollapse.landscape.batches import BatchGraph, batch_graph, bind_batches
from ibcollapse.landscape.bound_distance import (
    BoundDistance,
    cross_entropy_distance,
    supcon_distance,
)
from ibcollapse.landscape.bounds import SupConBound, cross_entropy_bound, supcon_bound
from ibcollapse.landscape.covariances import (
    AugmentationCovariances,
    covariances_from_pairs,
    load_pairs,
    rare_group_covariance,
)
from ibcollapse.landscape.free_descent import FreeDescent, descend_free_features
from ibcollapse.landscape.linear_landscape import LinearLandscape, StationaryPoint
from ibcollapse.landscape.network_bounds import NetworkBounds, network_bounds
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
    "BatchGraph",
    "BoundDistance",
    "FreeDescent",
    "LinearLandscape",
    "NetworkBounds",
    "SELIGeometry",
    "StationaryPoint",
    "SupConBound",
    "SupConGeometry",
    "augmentation_path",
    "batch_graph",
    "bind_batches",
    "certify_supcon",
    "covariances_from_pairs",
    "cross_entropy_bound",
    "cross_entropy_distance",
    "descend_free_features",
    "load_pairs",
    "network_bounds",
    "rare_group_covariance",
    "selfsupervised",
    "seli_geometry",
    "simplex_gram",
    "stationary_point",
    "supcon_bound",
    "supcon_distance",
    "supcon_geometry",
]
