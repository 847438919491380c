"""Optimal weights for fixed atoms: a convex problem, solved to its exact support.

With the atoms fixed, F is convex in the weights. A sequential quadratic program whose subproblem
is a non-negative least-squares problem finds the optimum and its zeros in a few rounds (the
active-set idea of Kim, Carbonetto, Stephens and Anitescu 2020, doi 10.1080/10618600.2019.1689985).
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.deadline import check
from ibcollapse.bottleneck.objective.mixture import Mixture, exponents
from ibcollapse.bottleneck.solver.basic_solution import basic_solution
from ibcollapse.bottleneck.solver.nonnegative import nonnegative_minimum

Array = NDArray[np.float64]

_SHORTEST_STEP = 1e-6
# A gain (nats) that F does not show: such steps are taken whole, as long as the potentials shrink.
_HIDDEN = 1e-15


def optimise_weights(
    channel: Channel, mixture: Mixture, beta: float, *, tol: float = 1e-14, max_rounds: int = 60
) -> Mixture:
    """The mixture with optimal weights for its decoders; atoms of weight zero are dropped.

    Of weights that do equally well those of at most n_x atoms.
    Stops when max_t Φ(r_t) − 1 ≤ `tol`, which bounds what better weights could still gain (nats),
    or when rounding stops the descent.
    """
    log_e = exponents(channel, mixture.log_r, beta)
    e = np.exp(log_e - log_e.max(axis=1, keepdims=True))
    q = mixture.q / mixture.q.sum()
    z = e @ q
    root_p = np.sqrt(channel.p_x)[:, None]
    highest = np.inf
    for _ in range(max_rounds):
        check()
        ratio = e / z[:, None]
        potential = channel.p_x @ ratio
        if potential.max() - 1.0 <= tol:
            break
        # The product of a matrix with itself takes half the time of any other.
        ratio *= root_p
        direction = nonnegative_minimum(ratio.T @ ratio, 1.0 - potential, q) - q
        slope = float((1.0 - potential) @ direction)
        if -slope <= _HIDDEN:
            if potential.max() >= highest:
                break
            highest = potential.max()
        moved = _line_search(channel.p_x, e, q, z, direction, slope)
        if moved is None:
            break
        q, z = moved
    keep = q > 0
    support = Mixture(mixture.log_r[keep], np.log(q[keep] / q[keep].sum()))
    return basic_solution(channel, support, beta)


def _line_search(
    p_x: Array, e: Array, q: Array, z: Array, direction: Array, slope: float
) -> tuple[Array, Array] | None:
    """Weights and Z after a step that lowers F + Σ q enough; None when rounding forbids one.

    `slope` is the derivative of F + Σ q along `direction`.
    """
    change = e @ direction
    step = 1.0
    if -slope <= _HIDDEN and (z + change > 0).all():
        return np.maximum(q + direction, 0.0), z + change
    while step >= _SHORTEST_STEP:
        trial = z + step * change
        if (trial > 0).all():
            gained = float(p_x @ np.log(trial / z)) - step * float(direction.sum())
            if gained >= -0.01 * step * slope and gained > 0:
                moved = q + step * direction
                return np.where(moved > 1e-300, moved, 0.0), trial
        step *= 0.5
    return None
