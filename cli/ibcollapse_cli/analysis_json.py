"""An analysis as the JSON object that `curve` and `report` write; keys are only ever added."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibcollapse.analysis import Analysis
    from ibcollapse.bottleneck import CurveBootstrap, Hysteresis, PhaseTransition, SeparationTree


def analysis_fields(analysis: "Analysis") -> dict[str, Any]:
    """The JSON object of an analysis, after its schema."""
    traced, fit, summary = analysis.curve, analysis.fit, analysis.channel
    return {
        "units": "nats",
        "status": traced.status,
        "i_xy": summary.i_xy,
        "i_xy_held_out": fit.i_xy_held_out if fit else None,
        "h_y": summary.h_y,
        "class_names": traced.class_names,
        "curve": {
            "beta": traced.beta,
            "i_xt": traced.i_xt,
            "i_ty": traced.i_ty,
            "gap": traced.gap,
            "clusters": traced.n_clusters,
        },
        "transitions": [transition_fields(t) for t in traced.transitions],
        "gaussian": (
            {"critical_betas": analysis.gaussian.critical_betas} if analysis.gaussian else None
        ),
        "channel": {
            "n": summary.n,
            "n_reduced": summary.n_reduced,
            "information_lost": summary.information_lost,
            "temperature": fit.temperature if fit else None,
            "held_out_log_loss": fit.held_out_log_loss if fit else None,
            "held_out_accuracy": fit.held_out_accuracy if fit else None,
            "calibration_error": fit.calibration_error if fit else None,
            "i_xy_plug_in": fit.i_xy_plug_in if fit else None,
        },
        "tree": _tree_fields(analysis.tree),
        "hysteresis": [_hysteresis_fields(loop) for loop in analysis.hysteresis],
        "bootstrap": _bootstrap_fields(analysis.bootstrap) if analysis.bootstrap else None,
        "notes": analysis.notes,
        "provenance": analysis.provenance,
    }


def transition_fields(transition: "PhaseTransition") -> dict[str, Any]:
    """The JSON object of one transition."""
    return {name: getattr(transition, name) for name in transition.__dataclass_fields__}


def _tree_fields(tree: "SeparationTree") -> dict[str, Any]:
    return {"newick": tree.to_newick(), "partings": tree.partings, "beta_end": tree.beta_end}


def _hysteresis_fields(loop: "Hysteresis") -> dict[str, Any]:
    fields: dict[str, Any] = {
        "beta": loop.transition.beta,
        "beta_up": loop.beta_up,
        "beta_down": loop.beta_down,
    }
    for name, branch in (("up", loop.up), ("down", loop.down)):
        fields[name] = {
            "beta": [s.beta for s in branch],
            "i_xt": [s.i_xt for s in branch],
            "i_ty": [s.i_ty for s in branch],
        }
    return fields


def _bootstrap_fields(found: "CurveBootstrap") -> dict[str, Any]:
    return {
        "level": found.level,
        "n_resamples": len(found.i_xy),
        "n_samples": found.n_samples,
        "n_incomplete": found.n_incomplete,
        "n_failed": found.n_failed,
        "status": found.status,
        "i_xy_interval": found.i_xy_interval,
        "i_xt": found.i_xt,
        "band": found.band,
        "transitions": [
            {"beta": transition.beta, "interval": interval, "found_share": share}
            for transition, interval, share in zip(
                found.reference.transitions, found.beta_intervals, found.found_share, strict=True
            )
        ],
    }
