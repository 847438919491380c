"""Loss landscapes solved: the geometries that theory predicts for collapsed features."""

from ibcollapse.landscape.supcon import (
    SupConGeometry,
    certify_supcon,
    simplex_gram,
    supcon_geometry,
)

__all__ = ["SupConGeometry", "certify_supcon", "simplex_gram", "supcon_geometry"]
