"""Channels whose curve is known in closed form, or cannot be traced."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.kernels.hills import SAME_BASIN
from ibcollapse.bottleneck.objective.distances import hellinger_squared
from ibcollapse.bottleneck.objective.mixture import log_p_y
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.transitions.onset import onset_beta_local

# Below this many nats I(X;Y) is rounding and there is no curve.
_NO_INFORMATION = 1e-12

Array = NDArray[np.float64]


def deterministic_curve(channel: Channel) -> IBCurve:
    """Curve of Y = f(X): one straight segment of slope 1 from (0, 0) to (H(Y), H(Y)).

    The only transition is at beta = 1, from the trivial T to T = Y; a sweep over beta sees nothing
    in between (Kolchinsky, Tracey and Van Kuyk 2019, arXiv 1808.07593). Use a convex Lagrangian or
    target rates to reach the points of the segment.
    """
    alive = channel.p_y > 0
    p_y = channel.p_y[alive]
    order = np.argsort(-p_y, kind="stable")
    decoders = np.eye(channel.n_classes)[alive][order]
    forget = _exact(0.0, np.ones(1), channel.p_y[None, :].copy())
    keep = _exact(channel.h_y, p_y[order], decoders)
    transition = PhaseTransition(
        beta=1.0,
        beta_local=1.0,
        order=1,
        mechanism="jump",
        jump_i_xt=channel.h_y,
        jump_i_ty=channel.h_y,
        clusters_before=1,
        clusters_after=len(p_y),
        multiplicity=len(p_y) - 1,
        separates=tuple(
            (name,) for name, p in zip(channel.class_names, channel.p_y, strict=True) if p
        ),
        certified=True,
    )
    return IBCurve(
        solutions=(forget, keep),
        transitions=(transition,),
        i_xy=channel.i_xy,
        h_y=channel.h_y,
        class_names=channel.class_names,
        status=CONVERGED + ": Y is a function of X, so the curve is the segment of slope 1",
    )


def _exact(information: float, p_t: Array, p_y_given_t: Array) -> IBSolution:
    return IBSolution(
        beta=1.0,
        i_xt=information,
        i_ty=information,
        lagrangian=0.0,
        gap=0.0,
        gap_search="exhaustive",
        p_t=p_t,
        p_y_given_t=p_y_given_t,
        status=CONVERGED,
        n_iterations=0,
        residual=0.0,
    )


def why_untraced(channel: Channel) -> str | None:
    """Why no curve can be traced, if so."""
    if channel.i_xy <= _NO_INFORMATION:
        return "I(X;Y) is zero: the trivial representation is optimal at every beta"
    basin = SAME_BASIN * closeness(onset_beta_local(channel))
    if not hellinger_squared(channel.log_p_y_given_x, log_p_y(channel)).max() > basin:
        return (
            f"I(X;Y) is {channel.i_xy:.3g} nats: the rows of p(y|x) are too close to one another "
            "for double precision to tell clusters apart"
        )
    return None
