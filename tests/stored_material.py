import dataclasses
import math

import numpy as np

import ibcollapse
from ibcollapse.bottleneck import (
    Channel,
    GaussianIB,
    henze_zirkler,
    solve,
    solve_deterministic,
    solve_renyi,
    trace_curve,
)
from ibcollapse.provenance import provenance_of

SUFFIXES = (".json", ".h5", ".hdf5")


def channel():
    joint = np.random.default_rng(0).dirichlet(np.full(20, 0.5)).reshape(5, 4)
    return Channel.from_joint(joint, class_names=["á", "b/c", "", "d e"])


def solution(**changes):
    return dataclasses.replace(solve(channel(), 3.0), **changes)


def results():
    rng = np.random.default_rng(1)
    features, labels = rng.standard_normal((60, 3)), np.repeat([0, 1, 2], 20)
    features[:, 0] += labels
    gaussian = GaussianIB.from_correlations([0.9, 0.6, 0.3])
    fitted = ibcollapse.cross_fit(ibcollapse.open_features((features, labels)), folds=2)
    return {
        "channel": channel(),
        "reduced": channel().reduce(max_rows=2),
        "solution": solution(),
        "not computed": solution(gap=math.nan, residual=math.inf, lagrangian=-0.0),
        "curve": trace_curve(channel(), n_points=4, fraction=0.5),
        "deterministic": trace_curve(Channel.from_joint(np.diag([0.25, 0.75]))),
        "hard": solve_deterministic(channel(), 2.0),
        "gaussian": gaussian,
        "gaussian curve": gaussian.curve(),
        "renyi": solve_renyi(gaussian, 3.0, order=2.0),
        "normality": henze_zirkler(features),
        "fit": fitted.fit,
        "posterior": fitted.posterior,
        "geometry": ibcollapse.collapse_geometry((features, labels)),
        "analysis": ibcollapse.curve(channel(), n_points=4, fraction=0.5),
        "provenance": provenance_of("test", "", {"a": None, "b": [1, 2.5], "c": {"d": True}}),
    }
