"""Convex Lagrangians, which reach every point of the curve, straight segments included.

Maximising I(T;Y) − beta_u u(I(X;T)) with u strictly convex has one solution for each beta_u on any
concave curve F: the rate r at which F'(r) = beta_u u'(r), even where F is straight and a sweep over
the ordinary beta jumps (Kolchinsky, Tracey and Van Kuyk 2019, arXiv 1808.07593, u = r²; Rodríguez
Gálvez, Thobaben and Skoglund 2020, doi 10.3390/e22010098, u = exp(rate · r)).
"""

import dataclasses
import math
from typing import Literal

from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.targets.rate import check_tolerances
from ibcollapse.bottleneck.targets.solve import solve_target
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register

Form = Literal["squared", "exponential"]


@register("bottleneck/ConvexSolution")
@dataclasses.dataclass(frozen=True)
class ConvexSolution:
    """Optimum of I(T;Y) − beta_u u(I(X;T)), nats.

    Attributes
    ----------
    solution : IBSolution
        The representation; its `beta` is the ordinary trade-off 1/(beta_u u'(I(X;T))) at which it
        is optimal too.
    beta_u : float
        Weight of u; larger compresses more.
    form : str
        "squared", u(r) = r², or "exponential", u(r) = exp(rate · r).
    rate : float
        Growth of the exponential, 1/nats; NaN for the squared form.
    objective : float
        I(T;Y) − beta_u u(I(X;T)).
    gap : float
        No representation has an objective more than this above it, as far as the gap of
        `solution` is right; contains what a missed target costs.
    """

    solution: IBSolution
    beta_u: float
    form: str
    rate: float
    objective: float
    gap: float

    @property
    def converged(self) -> bool:
        """Whether the target and the gap of `solution` are within their tolerances."""
        return self.solution.converged


@dataclasses.dataclass(frozen=True)
class _Penalty:
    """beta_u u, with u = r² or exp(rate · r)."""

    beta_u: float
    rate: float

    def __call__(self, i_xt: float) -> float:
        if math.isnan(self.rate):
            return self.beta_u * i_xt * i_xt
        return self.beta_u * math.exp(self.rate * i_xt)

    def rate_of_slope(self, slope: float) -> float:
        """The r with beta_u u'(r) = slope; negative where even u'(0) is steeper."""
        if math.isnan(self.rate):
            return 0.5 * slope / self.beta_u
        return math.log(slope / (self.beta_u * self.rate)) / self.rate


@on_one_blas_thread
def solve_convex(
    channel: ChannelLike,
    beta_u: float,
    *,
    form: Form = "squared",
    rate: float | None = None,
    tol: float = 1e-9,
    gap_tol: float = 1e-9,
    max_clusters: int | None = None,
    seed: int = 0,
    time_limit: float = math.inf,
) -> ConvexSolution:
    """Certified optimum of the convex Lagrangian I(T;Y) − `beta_u` u(I(X;T)).

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y).
    beta_u : float
        Positive weight of u. It multiplies the rate, unlike the beta of `solve`: large values
        compress.
    form : {"squared", "exponential"}
        u(r) = r² or exp(`rate` · r), r in nats.
    rate : float
        Of the exponential form, 1/nats, and of it alone. Trivial T is optimal from beta_u · rate =
        1/beta at the onset on; the larger `rate`, the narrower the range of rates that a range of
        beta_u spans.
    tol : float
        Stops when I(X;T) is within tol nats of the rate at which u' has the curve's slope.
    gap_tol : float
        Largest optimality gap in nats of the representation at its ordinary beta.
    max_clusters : int, optional
        As in `solve`.
    seed : int
        Of the search for violators.
    time_limit : float
        As in `solve_rate`.

    Returns
    -------
    ConvexSolution

    Raises
    ------
    InputError
        On an unknown form, a beta_u or rate that is not positive and finite, or a rate that is
        missing for the exponential form or given for the squared one.

    Examples
    --------
    A label among ten that X determines: every ordinary beta > 1 gives T = Y.

    >>> import numpy as np
    >>> joint = 0.1 * np.eye(10)
    >>> [round(solve_convex(joint, b).solution.i_xt, 9) for b in (0.25, 0.5, 1.0)]
    [2.0, 1.0, 0.5]
    """
    channel = as_channel(channel)
    penalty = _penalty(beta_u, form, rate)
    check_tolerances(tol, gap_tol, max_clusters)
    merged = channel.reduce()
    solution = solve_target(
        merged,
        lambda i_xt, _, beta: i_xt - penalty.rate_of_slope(1 / beta),
        tol=tol,
        options=Options(tol=gap_tol, max_clusters=max_clusters),
        seed=seed,
        time_limit=time_limit,
    )
    objective = solution.i_ty - penalty(solution.i_xt)
    best = _upper_bound(penalty, solution, merged.i_xy)
    return ConvexSolution(
        solution=solution,
        beta_u=float(beta_u),
        form=form,
        rate=penalty.rate,
        objective=objective,
        gap=max(0.0, best - objective),
    )


def _penalty(beta_u: float, form: str, rate: float | None) -> _Penalty:
    if form not in ("squared", "exponential"):
        raise InputError(f"form is {form!r}, expected 'squared' or 'exponential'")
    if not (math.isfinite(beta_u) and beta_u > 0):
        raise InputError(f"beta_u is {beta_u}, expected a positive weight")
    if form == "squared":
        if rate is not None:
            raise InputError(f"rate = {rate} belongs to form='exponential'; leave it out")
        return _Penalty(float(beta_u), math.nan)
    if rate is None or not (math.isfinite(rate) and rate > 0):
        raise InputError(f"rate is {rate}, expected the exponential's positive growth in 1/nats")
    return _Penalty(float(beta_u), float(rate))


def _upper_bound(penalty: _Penalty, solution: IBSolution, i_xy: float) -> float:
    """Largest objective under the certified line of slope 1/beta and under I(X;Y)."""
    line = -solution.lagrangian + solution.gap
    meets_top = max(solution.beta * i_xy - line, 0.0)
    i_xt = min(max(penalty.rate_of_slope(1 / solution.beta), 0.0), meets_top)
    return min((i_xt + line) / solution.beta, i_xy) - penalty(i_xt)
