"""Independent Gaussian modes and everything the Gaussian bottleneck says about them."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.gaussian_ib import curve
from ibcollapse.bottleneck.gaussian_ib.curve import GaussianIBCurve, GaussianTransition
from ibcollapse.errors import InputError

FloatArray = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class GaussianModes:
    """Canonical modes of X about Y; the closed-form optimum at any beta, in nats.

    Attributes
    ----------
    snr : float64 (n_modes,)
        rho² / (1 − rho²) of each mode, decreasing; the state from which the rest follows.
    directions : float64 (n_modes, n_features) or None
        Rows v_i with v_iᵀ Σ_x v_i = 1 and v_iᵀ Σ_x v_j = 0; None when only correlations are known.
    """

    snr: FloatArray
    directions: FloatArray | None = None

    def __post_init__(self) -> None:
        for array in (self.snr, self.directions):
            if array is not None:
                array.setflags(write=False)

    @property
    def rho(self) -> FloatArray:
        """Canonical correlations (n_modes,), decreasing."""
        return np.sqrt(self.snr / (1 + self.snr))

    @property
    def critical_betas(self) -> FloatArray:
        """Betas 1/rho² at which the modes open (n_modes,), increasing; inf where rho = 0."""
        return curve.critical_betas(self.snr)

    @property
    def breakpoints(self) -> FloatArray:
        """I(X;T) in nats at which each mode with rho > 0 opens, increasing from 0."""
        return curve.breakpoints(self.snr)

    @property
    def i_xy(self) -> float:
        """The Gaussian I(X;Y) = −½ Σ log(1 − rho²), nats; unbounded, unlike that of labels."""
        return float(0.5 * np.sum(np.log1p(self.snr)))

    def point(self, beta: float) -> tuple[float, float]:
        """(I(X;T), I(T;Y)) in nats of the optimum at `beta` ≥ 0, which may be infinite."""
        i_xt, i_ty = curve.information_at(self.snr, np.asarray(_checked("beta", beta)))
        return float(i_xt), float(i_ty)

    def at_rate(self, rate: float) -> tuple[float, float]:
        """(beta, I(T;Y)) of the optimum with I(X;T) = `rate` ≥ 0 nats; finite."""
        if np.isinf(rate):
            raise InputError("rate is infinite; point(numpy.inf) gives that end of the curve")
        beta, i_ty = curve.optimum_at_rate(self.snr, np.asarray(_checked("rate", rate)))
        return float(beta), float(i_ty)

    def curve(
        self, betas: ArrayLike | None = None, *, n_points: int = 200, fraction: float = 0.99
    ) -> GaussianIBCurve:
        """The information curve at `betas`, or at points equally spaced in I(X;T).

        Without `betas` the curve runs from the first critical beta to where I(T;Y) reaches
        `fraction` of I(X;Y), on `n_points` points and the breakpoints between them.
        """
        if betas is None:
            if not (0 < fraction < 1 and n_points >= 2):
                raise InputError(
                    f"fraction = {fraction}, n_points = {n_points}; expected 0 < fraction < 1 and "
                    "n_points ≥ 2"
                )
            return curve.trace(self.snr, n_points, fraction)
        values = np.atleast_1d(np.asarray(betas, dtype=np.float64))
        for beta in values:
            _checked("betas", beta)
        return curve.curve_at(self.snr, np.sort(values))

    def transitions(self, *, rtol: float = 1e-6) -> tuple[GaussianTransition, ...]:
        """Second-order transitions by increasing beta.

        Neighbouring modes whose beta − 1 agree to the relative tolerance `rtol` open together;
        finite samples spread degenerate modes by about n_samples^(−1/2), so widen it for them.
        """
        return curve.group_transitions(self.snr, rtol)

    def projection(self, beta: float) -> FloatArray:
        """Optimal A of T = A X + N(0, I), rows alpha_i v_iᵀ of the open modes.

        alpha_i² = (beta (1 − lambda_i) − 1) / lambda_i with lambda_i = 1 − rho_i² and the scale
        v_iᵀ Σ_x v_i = 1; any invertible map of the rows, noise included, is as good.

        Returns
        -------
        float64 (n_open, n_features)

        Raises
        ------
        InputError
            When only correlations are known, or `beta` is not finite.
        """
        if self.directions is None:
            raise InputError("correlations alone give no directions; start from covariances")
        if np.isinf(_checked("beta", beta)):
            raise InputError("beta is infinite, where T is X without noise; choose a finite beta")
        alpha_squared = (beta - 1) * self.snr - 1
        open_modes = alpha_squared > 0
        return np.sqrt(alpha_squared[open_modes])[:, None] * self.directions[open_modes]


def _checked(name: str, value: float) -> float:
    if not value >= 0:
        raise InputError(f"{name} holds {value}, expected a number ≥ 0")
    return float(value)
