"""One checkpoint as one row of a tidy table."""

import math
from typing import Any

from ibcollapse.coincidence import (
    CoincidenceReport,
    DiscreteTransitions,
    LabelBottleneck,
    PairProxy,
    overlap,
)
from ibcollapse.trajectory.checkpoint import Checkpoint
from ibcollapse.trajectory.statement import BOTTLENECKS, included

Row = dict[str, Any]


def row_of(checkpoint: Checkpoint, beta: float) -> Row:
    """Every measure of `checkpoint` by name; NaN where it was not made, information in nats.

    `*_included` counts the transitions at or below `beta`, and `optimum_*` is the exact optimum
    there.
    """
    report = checkpoint.coincidence
    row: Row = {"epoch": checkpoint.epoch, "accuracy": checkpoint.accuracy}
    row |= _discrete(report.discrete, beta) | {"onset_gap": report.onset_gap}
    for name in BOTTLENECKS:
        counts = included(checkpoint, name, beta)
        key = name.lower().replace("-", "_")
        row[f"{key}_included"] = math.nan if counts is None else counts[0]
    row |= _labels(report.labels)
    row["modes_needed"] = report.accuracy.modes_needed()[0] if report.accuracy else math.nan
    row |= _proxy("pair", report.pair) | _proxy("meta", report.meta_gaussian)
    row |= _alignment(report) | _geometry(report)
    pair = checkpoint.pair_information
    return row | {
        "mir": checkpoint.information.mir,
        "hdr": checkpoint.information.hdr,
        "pair_mir": pair.mir if pair else math.nan,
        "pair_hdr": pair.hdr if pair else math.nan,
    }


def _discrete(discrete: DiscreteTransitions, beta: float) -> Row:
    onset, optimum = discrete.onset, discrete.at(beta)
    return {
        "i_xy_held_out": discrete.i_xy_held_out,
        "own_i_xt": discrete.own_i_xt,
        "own_i_ty": discrete.own_i_ty,
        "own_i_ty_optimal": discrete.own_i_ty_optimal,
        "optimum_i_xt": optimum[0],
        "optimum_i_ty": optimum[1],
        "onset": onset.beta if onset else math.nan,
        "onset_order": onset.order if onset else math.nan,
        "onset_mechanism": onset.mechanism if onset else "",
        "beta_all": discrete.beta_all,
        "beta_all_low": discrete.beta_all_low,
        "beta_all_high": discrete.beta_all_high,
        "transitions": len(discrete.transitions),
    }


def _labels(labels: LabelBottleneck | None) -> Row:
    keys = (
        "labels_resolved",
        "labels_beta_first",
        "labels_beta_last",
        "excess",
        "excess_bound",
        "spread",
        "spread_limit",
        "labels_overlap",
    )
    if labels is None:
        return dict.fromkeys(keys, math.nan)
    values = (
        int(labels.resolved.sum()),
        float(labels.critical_betas[0]),
        float(labels.critical_betas[-1]),
        labels.excess,
        labels.bound,
        labels.spread,
        labels.spread_limit,
        overlap(labels.angles),
    )
    return dict(zip(keys, values, strict=True))


def _proxy(name: str, proxy: PairProxy | None) -> Row:
    keys = ("resolved", "beta_first", "beta_last", "beta_next", "overlap", "direction_overlap")
    names = [f"{name}_{key}" for key in keys]
    if proxy is None:
        return dict.fromkeys(names, math.nan)
    betas, n = proxy.critical_betas, proxy.n_span
    values = (
        proxy.n_resolved,
        float(betas[0]),
        float(betas[n - 1]),
        # The first mode beyond the classes: a gap after beta_last is what sets K − 1 apart.
        float(betas[n]) if len(betas) > n else math.nan,
        overlap(proxy.angles_a),
        overlap(proxy.direction_angles_a),
    )
    return dict(zip(names, values, strict=True))


def _alignment(report: CoincidenceReport) -> Row:
    whole, identified = report.whole, report.identified
    return {
        "cca_whole": whole.cca_mean_rho.held_out if whole else math.nan,
        "cca_identified": identified.cca_mean_rho.held_out if identified else math.nan,
        "r2_identified": identified.r2_a_to_b.held_out if identified else math.nan,
        "procrustes_identified": identified.procrustes_cosine.held_out if identified else math.nan,
        "cka": whole.cka_debiased.value if whole else math.nan,
    }


def _geometry(report: CoincidenceReport) -> Row:
    geometry = report.geometry
    return {
        "nc1": geometry.nc1,
        "equinorm_cv": geometry.equinorm_cv,
        "equiangular_deviation": geometry.equiangular_deviation,
        "etf_distance": geometry.etf_distance,
        "etf_consensus": report.consensus.etf_distance if report.consensus else math.nan,
    }
