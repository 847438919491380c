"""Collapse geometry: neural-collapse figures, the simplex ETF and other reference geometries."""

from ibcollapse.geometry.class_statistics import GeometryWeighting
from ibcollapse.geometry.consensus_geometry import ConsensusGeometry, consensus_geometry
from ibcollapse.geometry.measures import MEASURES, Measure
from ibcollapse.geometry.references import gram_distance, orthogonal_frame, simplex_etf
from ibcollapse.geometry.report import GeometryReport, collapse_geometry
from ibcollapse.geometry.simplex_fit import SimplexFit, fit_simplex, simplex_vertices

__all__ = [
    "MEASURES",
    "ConsensusGeometry",
    "GeometryReport",
    "GeometryWeighting",
    "Measure",
    "SimplexFit",
    "collapse_geometry",
    "consensus_geometry",
    "fit_simplex",
    "gram_distance",
    "orthogonal_frame",
    "simplex_etf",
    "simplex_vertices",
]
