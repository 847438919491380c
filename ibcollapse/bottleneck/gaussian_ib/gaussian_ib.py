"""The Gaussian information bottleneck in closed form."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import as_array
from ibcollapse.bottleneck.gaussian_ib.canonical_spectrum import (
    CanonicalSpectrum,
    null_floor,
    spectrum_from_classes,
    spectrum_from_covariances,
)
from ibcollapse.bottleneck.gaussian_ib.meta_gaussian import normal_scores
from ibcollapse.bottleneck.gaussian_ib.modes import GaussianModes
from ibcollapse.bottleneck.gaussian_ib.normality import NormalityTest, henze_zirkler
from ibcollapse.bottleneck.gaussian_ib.samples import (
    check_priors,
    class_moments,
    joint_covariance,
    read_samples,
)
from ibcollapse.bottleneck.gaussian_ib.warnings import gaussian_warnings
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]

# The normality test has power in few dimensions and costs rows².
_TESTED_VARIATES = 4
_TESTED_ROWS = 2000


@register("bottleneck/GaussianIB")
@dataclasses.dataclass(frozen=True, kw_only=True)
class GaussianIB(GaussianModes):
    """Optimal Gaussian representations T = A X + noise of X about Y, at every beta; nats.

    Mode i opens at beta = 1/rho_i² in a second-order transition, rho_i the canonical correlations
    (Chechik, Globerson, Tishby, Weiss 2005, JMLR 6:165). For data with other marginals and a
    Gaussian copula, use the normal scores (`from_samples(..., copula=True)`).

    Attributes
    ----------
    snr, directions
        The modes (`GaussianModes`).
    rank_x, rank_y : int or None
        Linearly independent features of X and Y at `rank_tol`.
    rank_tol : float or None
        A feature was left out as redundant when others explain all but this fraction of its
        variance.
    n_samples : int or None
        Samples behind the covariances; None for population values.
    null_floor : float or None
        Edge of the squared correlations of independent X and Y at this sample size.
    h_y : float or None
        Entropy of Y in nats where Y are labels.
    copula : bool
        Whether the samples were replaced by their normal scores (the meta-Gaussian bottleneck).
    normality : NormalityTest or None
        Test of the leading canonical variates above the floor, at most four.

    Examples
    --------
    >>> gaussian = GaussianIB.from_correlations([0.9, 0.6, 0.3])
    >>> gaussian.critical_betas.round(6).tolist()
    [1.234568, 2.777778, 11.111111]
    >>> i_xt, i_ty = gaussian.point(5)
    >>> round(i_xt, 6), round(i_ty, 6)
    (1.823617, 0.830366)
    """

    rank_x: int | None = None
    rank_y: int | None = None
    rank_tol: float | None = None
    n_samples: int | None = None
    null_floor: float | None = None
    h_y: float | None = None
    copula: bool = False
    normality: NormalityTest | None = None

    @classmethod
    def from_correlations(cls, rho: ArrayLike) -> "GaussianIB":
        """Bottleneck of canonical correlations `rho` (n_modes,), 0 ≤ rho < 1, in any order.

        Raises
        ------
        InputError
            On an empty list, or a correlation outside [0, 1).
        """
        values = np.atleast_1d(np.asarray(as_array(rho), dtype=np.float64))
        if values.ndim != 1 or values.size == 0:
            raise InputError(f"rho has shape {values.shape}, expected (n_modes,) with n_modes ≥ 1")
        wrong = ~((values >= 0) & (values < 1))
        if np.any(wrong):
            raise InputError(
                f"rho holds {values[wrong][0]:.6g}; canonical correlations lie in [0, 1), and at 1 "
                "the Gaussian information is infinite"
            )
        ordered = np.sort(values)[::-1]
        return cls(snr=ordered**2 / ((1 - ordered) * (1 + ordered)))

    @classmethod
    def from_covariances(
        cls,
        cov_x: ArrayLike,
        cov_y: ArrayLike,
        cov_xy: ArrayLike,
        *,
        n_samples: int | None = None,
        rank_tol: float = 1e-12,
    ) -> "GaussianIB":
        """Bottleneck of jointly Gaussian X and Y.

        Parameters
        ----------
        cov_x, cov_y, cov_xy : array (d_x, d_x), (d_y, d_y), (d_x, d_y)
            Covariances; any of them may be rank deficient.
        n_samples : int, optional
            Samples they were estimated from; gives the null floor.
        rank_tol : float
            A feature is redundant when the others explain all but this fraction of its variance.

        Raises
        ------
        InputError
            On shapes that do not fit, non-finite or indefinite input, or a correlation of one.
        """
        matrices = [np.asarray(as_array(c), dtype=np.float64) for c in (cov_x, cov_y, cov_xy)]
        spectrum = spectrum_from_covariances(*matrices, rank_tol=rank_tol)
        return cls._from_spectrum(spectrum, rank_tol, n_samples)

    @classmethod
    def from_class_moments(
        cls,
        weights: ArrayLike,
        means: ArrayLike,
        within_covariance: ArrayLike,
        *,
        n_samples: int | None = None,
        rank_tol: float = 1e-12,
    ) -> "GaussianIB":
        """Bottleneck of features X about their one-hot class Y, from class moments.

        Solves Σ_B v = s Σ_W v through the K whitened class means, so d > n (with a shrunk
        `within_covariance`) and K − 1 > d both work.

        Parameters
        ----------
        weights : array (n_classes,)
            Class counts or priors; classes of weight zero are left out.
        means : array (n_classes, d)
            Class means.
        within_covariance : array (d, d)
            Pooled covariance inside the classes, divided by the number of samples.
        n_samples : int, optional
            Samples behind the moments; gives the null floor.
        rank_tol : float
            As in `from_covariances`, for `within_covariance`.

        Raises
        ------
        InputError
            On shapes that do not fit, fewer than two classes, non-finite input, or means that
            differ along a direction without variance inside the classes.
        """
        centres = np.asarray(as_array(means), dtype=np.float64)
        within = np.asarray(as_array(within_covariance), dtype=np.float64)
        priors, present = check_priors(weights, centres, within)
        spectrum = spectrum_from_classes(priors, centres[present], within, rank_tol=rank_tol)
        h_y = float(-np.sum(priors * np.log(priors)))
        return cls._from_spectrum(spectrum, rank_tol, n_samples, h_y)

    @classmethod
    def from_samples(
        cls,
        x: ArrayLike,
        y: ArrayLike,
        *,
        copula: bool = False,
        rank_tol: float = 1e-12,
        seed: int = 0,
    ) -> "GaussianIB":
        """Bottleneck of paired samples.

        Parameters
        ----------
        x : array (n_samples, d_x)
            Features, finite.
        y : array (n_samples,) or (n_samples, d_y)
            Integers, booleans or strings of one dimension are class labels (one-hot Y); floats are
            the second variable.
        copula : bool
            Replace every column by its normal scores first: the meta-Gaussian bottleneck, unchanged
            by increasing maps of the columns (one-hot columns are already binary and stay).
        rank_tol : float
            As in `from_covariances`.
        seed : int
            Chooses the 2000 rows of the normality test where there are more.

        Raises
        ------
        InputError
            On different lengths, non-finite values, one class only, or a correlation of one (always
            so when the dimensions together reach the number of samples).
        """
        features, other, labels = read_samples(x, y)
        if copula:
            features = normal_scores(features)
            other = None if other is None else normal_scores(other)
        n, d = features.shape
        directions_y = None
        if other is None:
            counts, means, within = class_moments(features, labels)
            fit = cls.from_class_moments(counts, means, within, n_samples=n, rank_tol=rank_tol)
        else:
            cov = joint_covariance(np.hstack([features, other]))
            spectrum = spectrum_from_covariances(
                cov[:d, :d], cov[d:, d:], cov[:d, d:], rank_tol=rank_tol
            )
            fit = cls._from_spectrum(spectrum, rank_tol, n)
            directions_y = spectrum.directions_y
        most = _TESTED_VARIATES if other is None else _TESTED_VARIATES // 2
        leading = slice(max(1, min(most, int(np.sum(fit.above_floor)))))
        pairs = [(features, fit.directions), (other, directions_y)]
        variates = [v @ a[leading].T for v, a in pairs if v is not None and a is not None]
        normality = henze_zirkler(np.hstack(variates), max_rows=_TESTED_ROWS, seed=seed)
        return dataclasses.replace(fit, copula=copula, normality=normality)

    @classmethod
    def _from_spectrum(
        cls,
        spectrum: CanonicalSpectrum,
        rank_tol: float,
        n_samples: int | None,
        h_y: float | None = None,
    ) -> "GaussianIB":
        ranks = (spectrum.rank_x, spectrum.rank_y)
        return cls(
            snr=spectrum.snr,
            directions=spectrum.directions,
            rank_x=ranks[0],
            rank_y=ranks[1],
            rank_tol=rank_tol,
            n_samples=n_samples,
            null_floor=None if n_samples is None else null_floor(n_samples, *ranks),
            h_y=h_y,
        )

    @property
    def above_floor(self) -> NDArray[np.bool_]:
        """Modes whose rho² exceeds the null floor (n_modes,); all, where there is no floor."""
        return self.rho**2 > (-1.0 if self.null_floor is None else self.null_floor)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the numbers has to know, a sentence each."""
        return gaussian_warnings(
            self.i_xy, self.h_y, self.above_floor, self.null_floor, self.normality, self.copula
        )
