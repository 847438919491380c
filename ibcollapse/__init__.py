"""Information bottleneck, phase transitions and collapse geometry of stored features.

Names are imported when they are first used, so that `import ibcollapse` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibcollapse import landscape, nn
    from ibcollapse import report as plot
    from ibcollapse.alignment import Alignment, align, align_many
    from ibcollapse.analysis import Analysis, curve
    from ibcollapse.bottleneck import (
        Channel,
        GaussianIB,
        IBCurve,
        IBSolution,
        PhaseTransition,
        bootstrap_curve,
        certify,
        find_onset,
        find_transitions,
        grow_separation_tree,
        onset_beta,
        onset_beta_local,
        read_joint,
        solve,
        solve_convex,
        solve_deterministic,
        solve_local,
        solve_rate,
        solve_relevance,
        trace_curve,
        trace_hysteresis,
    )
    from ibcollapse.coincidence import (
        CoincidenceOptions,
        CoincidenceReport,
        measure_coincidence,
    )
    from ibcollapse.features import FeatureSource, FeatureWriter, inspect_features, open_features
    from ibcollapse.frames import to_pandas
    from ibcollapse.gaussian import (
        ClassMoments,
        ClassPosterior,
        GaussianFit,
        cross_fit,
        fit_gaussian,
    )
    from ibcollapse.geometry import GeometryReport, collapse_geometry
    from ibcollapse.matrix_information import MatrixInformation, matrix_information
    from ibcollapse.storage.serialize import load_result
    from ibcollapse.trajectory import Trajectory, dynamics

# Name → the module that defines it; a module itself where the two are the same.
_HOME = {
    "Alignment": "alignment",
    "Analysis": "analysis",
    "Channel": "bottleneck",
    "ClassMoments": "gaussian",
    "ClassPosterior": "gaussian",
    "CoincidenceOptions": "coincidence",
    "CoincidenceReport": "coincidence",
    "FeatureSource": "features",
    "FeatureWriter": "features",
    "GaussianFit": "gaussian",
    "GaussianIB": "bottleneck",
    "GeometryReport": "geometry",
    "IBCurve": "bottleneck",
    "IBSolution": "bottleneck",
    "MatrixInformation": "matrix_information",
    "PhaseTransition": "bottleneck",
    "Trajectory": "trajectory",
    "align": "alignment",
    "bootstrap_curve": "bottleneck",
    "certify": "bottleneck",
    "collapse_geometry": "geometry",
    "align_many": "alignment",
    "cross_fit": "gaussian",
    "curve": "analysis",
    "dynamics": "trajectory",
    "find_onset": "bottleneck",
    "find_transitions": "bottleneck",
    "grow_separation_tree": "bottleneck",
    "fit_gaussian": "gaussian",
    "inspect_features": "features",
    "load_result": "serialize",
    "measure_coincidence": "coincidence",
    "onset_beta": "bottleneck",
    "onset_beta_local": "bottleneck",
    "open_features": "features",
    "read_joint": "bottleneck",
    "solve": "bottleneck",
    "solve_convex": "bottleneck",
    "solve_deterministic": "bottleneck",
    "solve_local": "bottleneck",
    "solve_rate": "bottleneck",
    "solve_relevance": "bottleneck",
    "to_pandas": "frames",
    "trace_curve": "bottleneck",
    "trace_hysteresis": "bottleneck",
}
_MODULES = {
    "landscape": "landscape",
    # Callable, too: see that room.
    "matrix_information": "matrix_information",
    "nn": "nn",
    "plot": "report",
}

__all__ = [
    "Alignment",
    "Analysis",
    "Channel",
    "ClassMoments",
    "ClassPosterior",
    "CoincidenceOptions",
    "CoincidenceReport",
    "FeatureSource",
    "FeatureWriter",
    "GaussianFit",
    "GaussianIB",
    "GeometryReport",
    "IBCurve",
    "IBSolution",
    "MatrixInformation",
    "PhaseTransition",
    "Trajectory",
    "align",
    "align_many",
    "bootstrap_curve",
    "certify",
    "collapse_geometry",
    "cross_fit",
    "curve",
    "dynamics",
    "find_onset",
    "find_transitions",
    "fit_gaussian",
    "grow_separation_tree",
    "inspect_features",
    "landscape",
    "load_result",
    "matrix_information",
    "measure_coincidence",
    "nn",
    "onset_beta",
    "onset_beta_local",
    "open_features",
    "plot",
    "read_joint",
    "solve",
    "solve_convex",
    "solve_deterministic",
    "solve_local",
    "solve_rate",
    "solve_relevance",
    "to_pandas",
    "trace_curve",
    "trace_hysteresis",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"ibcollapse.{_MODULES[name]}")
    if name in _HOME:
        return getattr(importlib.import_module(f"ibcollapse.{_HOME[name]}"), name)
    raise AttributeError(f"module 'ibcollapse' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
