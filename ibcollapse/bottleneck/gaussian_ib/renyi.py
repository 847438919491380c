"""The Gaussian bottleneck with Rényi's information in place of Shannon's.

For two Gaussian variables of squared correlation c, the divergence of order a of their joint law
from the product of the marginals is

    I_a(c) = −½ log(1 − c) − log(1 − (a − 1)² c) / (2 (a − 1)),

Shannon's information at a → 1, and adds up over canonical modes. With c_i the squared correlation
of T and X in mode i, the optimum of I_a(X;T) − beta I_a(T;Y) has, in every mode by itself,
I_a'(c_i) = beta rho_i² I_a'(rho_i² c_i). At c_i → 0 this is beta rho_i² = 1 for every order: other
representations, the same critical betas (Ngampruetikorn, Schwab 2023, arXiv:2303.17762).
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from ibcollapse.bottleneck.gaussian_ib.modes import GaussianModes
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]

# Bracket of the log-odds of c_i: within 1e-300 of zero and of one.
_LOG_ODDS = 690.0


@register("bottleneck/RenyiGaussianPoint")
@dataclasses.dataclass(frozen=True)
class RenyiGaussianPoint:
    """Optimum of I_a(X;T) − beta I_a(T;Y) for Gaussian modes, in nats.

    Attributes
    ----------
    beta, order : float
        Trade-off and order a.
    gain : float64 (n_modes,)
        Signal-to-noise ratio of each mode in T = A X + N(0, I): the rows of A are
        √gain_i · directions_i; zero below the critical beta of the mode.
    renyi_xt, renyi_ty : float
        I_a(X;T) and I_a(T;Y), nats.
    i_xt, i_ty : float
        Shannon's I(X;T) and I(T;Y) of the same T, nats.
    """

    beta: float
    order: float
    gain: FloatArray
    renyi_xt: float
    renyi_ty: float
    i_xt: float
    i_ty: float

    def __post_init__(self) -> None:
        self.gain.setflags(write=False)


def renyi_information(gain: FloatArray, residual: FloatArray, order: float) -> FloatArray:
    """I_a in nats of variables with squared correlation c, from c / (1 − c) and from 1 − c."""
    shannon = 0.5 * np.log1p(gain)
    if order == 1:
        return np.asarray(shannon)
    # 1 − (a − 1)² c = (1 − c) + a (2 − a) c keeps its digits at c → 1.
    shared = np.log(residual * (1 + order * (2 - order) * gain))
    return np.asarray(shannon - shared / (2 * (order - 1)))


def solve_renyi(modes: GaussianModes, beta: float, *, order: float) -> RenyiGaussianPoint:
    """Gaussian bottleneck at `beta` with informations of Rényi's `order`.

    Parameters
    ----------
    modes : GaussianModes
        For instance a `GaussianIB`.
    beta : float
        Finite trade-off ≥ 0.
    order : float
        0 < order ≤ 2, the orders at which the information of every Gaussian pair is finite; 1 is
        Shannon's.

    Raises
    ------
    InputError
        On a beta or an order outside its range.

    Examples
    --------
    >>> from ibcollapse.bottleneck.gaussian_ib.gaussian_ib import GaussianIB
    >>> point = solve_renyi(GaussianIB.from_correlations([0.9, 0.6, 0.3]), 2.0, order=0.5)
    >>> round(point.renyi_xt, 4), round(point.i_xt, 4), point.gain.round(4).tolist()
    (0.4314, 0.6284, [2.5144, 0.0, 0.0])
    """
    if not 0 <= beta < np.inf:
        raise InputError(f"beta is {beta}, expected a finite number ≥ 0")
    if not 0 < order <= 2:
        raise InputError(f"order is {order}, expected 0 < order ≤ 2 (1 is Shannon's)")
    snr = modes.snr
    gain = np.array([_optimal_gain(float(s), beta, order) for s in snr])
    # Squared correlation of T and Y: rho² c, of ratio gain s / (1 + s + gain).
    gain_y = gain * snr / (1 + snr + gain)
    residual_y = (1 + snr + gain) / ((1 + gain) * (1 + snr))
    return RenyiGaussianPoint(
        beta=float(beta),
        order=float(order),
        gain=gain,
        renyi_xt=float(renyi_information(gain, 1 / (1 + gain), order).sum()),
        renyi_ty=float(renyi_information(gain_y, residual_y, order).sum()),
        i_xt=float(0.5 * np.log1p(gain).sum()),
        i_ty=float(0.5 * np.log1p(gain_y).sum()),
    )


def _optimal_gain(snr: float, beta: float, order: float) -> float:
    """Gain c / (1 − c) at which the slope of the mode's objective vanishes; 0 below critical."""
    if (beta - 1) * snr <= 1:
        return 0.0
    log_reward = float(np.log(beta) + np.log(snr) - np.log1p(snr))

    def excess_slope(log_odds: float) -> float:
        c, residual = float(expit(log_odds)), float(expit(-log_odds))
        residual_y = residual + c / (1 + snr)
        c_y = c * snr / (1 + snr)
        return _log_slope(c, residual, order) - _log_slope(c_y, residual_y, order) - log_reward

    return float(np.exp(brentq(excess_slope, -_LOG_ODDS, _LOG_ODDS, xtol=1e-13, rtol=1e-14)))


def _log_slope(c: float, residual: float, order: float) -> float:
    """log of I_a'(c) up to a constant: (1 − (a−1)c) / ((1 − c)(1 − (a−1)²c))."""
    rising = residual + (2 - order) * c
    falling = residual + order * (2 - order) * c
    return float(np.log(rising) - np.log(residual) - np.log(falling))
