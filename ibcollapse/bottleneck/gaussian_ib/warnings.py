"""What has to be said beside the numbers of a Gaussian bottleneck."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.gaussian_ib.normality import NormalityTest

# Below this p-value the data are called not jointly Gaussian.
_SIGNIFICANT = 0.01


def gaussian_warnings(
    i_xy: float,
    h_y: float | None,
    above_floor: NDArray[np.bool_],
    floor: float | None,
    normality: NormalityTest | None,
    copula: bool,
) -> tuple[str, ...]:
    """Warnings in plain words, the gravest first; empty when there is nothing to say."""
    said = []
    if h_y is not None and i_xy > h_y:
        said.append(
            f"the Gaussian I(X;Y) of {i_xy:.4g} nats exceeds H(Y) = {h_y:.4g} nats: it grows "
            "without bound as classes collapse and does not belong on the axis of H(Y)"
        )
    if floor is not None and not np.all(above_floor):
        said.append(
            f"{int(np.sum(~above_floor))} of {above_floor.size} modes have rho² below {floor:.4g}, "
            "the level that independent data of this size reach: they are not evidence"
        )
    if normality is not None and normality.p_value < _SIGNIFICANT:
        tested = "normal scores" if copula else "samples"
        said.append(
            f"the leading canonical variates of the {tested} are not jointly Gaussian "
            f"(Henze–Zirkler {normality.statistic:.4g} against {normality.expected:.4g}, p = "
            f"{normality.p_value:.2g}): the Gaussian bottleneck is only a proxy for them"
        )
    return tuple(said)
