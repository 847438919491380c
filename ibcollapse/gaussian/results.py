"""What fits give back: covariances, the fit, the posteriors of its rows."""

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ibcollapse.gaussian.scatter import Codes, Floats
from ibcollapse.storage.serialize import register

CovarianceKind = Literal["tied", "full", "diagonal", "low-rank"]


@register("gaussian/CovarianceModel")
@dataclasses.dataclass(frozen=True)
class CovarianceModel:
    """Within-class covariances in feature units, invertible but for the features left out.

    Attributes
    ----------
    kind : {"tied", "full", "diagonal", "low-rank"}
        The model.
    matrix : float64
        "tied": (d, d). "full": (K, d, d). "diagonal": variances (K, d). "low-rank": noise variances
        (K, d) to which the loadings add (equal for all features in standardised units; results
        stored before had them equal in feature units, (K, 1)). Zero where a feature was left out.
    loadings : float64 (K, d, r) or None
        F_c of the low-rank model F_c F_cᵀ + diag(noise_c).
    intensity : float64 (1,) or (K,)
        Shrinkage towards the mean variance, in standardised units, that was applied, per
        covariance.
    jitter : float
        Share of each feature's pooled within-class variance that was added to every diagonal
        because a covariance was singular; 0 when none was.
    notes : tuple of str
        What was done for constant features and for classes or directions with too few rows.
    """

    kind: CovarianceKind
    matrix: Floats
    loadings: Floats | None
    intensity: Floats
    jitter: float
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        for array in (self.matrix, self.intensity, self.loadings):
            if array is not None:
                array.setflags(write=False)

    @property
    def live(self) -> NDArray[np.intp]:
        """Features that the scores use: those with a variance."""
        diagonal = self.matrix
        if self.kind in ("tied", "full"):
            diagonal = np.diagonal(self.matrix, axis1=-2, axis2=-1)
        if self.loadings is not None:
            diagonal = np.broadcast_to(self.matrix, self.loadings.shape[:2])
        return np.flatnonzero(diagonal.reshape(-1, diagonal.shape[-1]).any(axis=0))

    def pooled(self, weights: Floats) -> Floats:
        """Covariance within classes averaged with class weights (K,), shape (d, d)."""
        if self.kind == "tied":
            return self.matrix
        if self.kind == "full":
            average: Floats = np.einsum("c,cij->ij", weights, self.matrix)
            return average
        if self.loadings is None:
            return np.diag(weights @ self.matrix)
        average = np.einsum("c,cir,cjr->ij", weights, self.loadings, self.loadings)
        np.einsum("ii->i", average)[...] += weights @ self.matrix
        return average


@register("gaussian/GaussianFit")
@dataclasses.dataclass(frozen=True)
class GaussianFit:
    """One Gaussian a class, and how much its posteriors are worth on rows it did not see.

    Attributes
    ----------
    class_names : tuple of str
        Names of the classes, the order of every array below.
    counts : int64 (K,)
        Rows of each class.
    priors : float64 (K,)
        Class priors, empirical or uniform.
    means : float64 (K, d)
        Class means.
    covariance : CovarianceModel
        Within-class covariances with the shrinkage and jitter that were applied.
    shrinkage : str
        How the intensity was chosen: "ledoit-wolf", "oas", "held-out" or "given".
    temperature : float
        Divides the log-likelihoods; chosen on held-out rows; inf when the features say nothing.
    h_y : float
        Entropy of the labels under the priors, nats.
    i_xy_plug_in : float
        H(Y) − mean entropy of the untempered posteriors of the fitted rows themselves, nats: what
        an analysis without held-out rows would report.
    i_xy_held_out : float
        H(Y) − held-out log-loss, nats.
    held_out_log_loss, held_out_accuracy, calibration_error : float
        Of the cross-fitted, calibrated posteriors; nats, share, expected calibration error.
    uncalibrated_log_loss : float
        Held-out log-loss before the temperature, nats.
    n_folds, seed : int
        Folds of the cross-fit and the seed of their assignment.
    uniform_priors : bool
        Whether every class weighs the same, in the priors and in all averages over rows.
    fitted_rows : str
        Identity of the rows (fingerprint, layer, epoch, split), so that they are not scored as if
        unseen.
    notes : tuple of str
        What was done for constant features, singular covariances, small classes, more features
        than rows, and repeated rows.
    """

    class_names: tuple[str, ...]
    counts: NDArray[np.int64]
    priors: Floats
    means: Floats
    covariance: CovarianceModel
    shrinkage: str
    temperature: float
    h_y: float
    i_xy_plug_in: float
    i_xy_held_out: float
    held_out_log_loss: float
    held_out_accuracy: float
    calibration_error: float
    uncalibrated_log_loss: float
    n_folds: int
    seed: int
    uniform_priors: bool
    fitted_rows: str
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        for array in (self.counts, self.priors, self.means):
            array.setflags(write=False)


@register("gaussian/PosteriorTable")
@dataclasses.dataclass(frozen=True)
class PosteriorTable:
    """p(y|x) of every row, from fits that did not see the row: the channel from X to Y.

    Attributes
    ----------
    log_p_y_given_x : float64 (n, K)
        Calibrated log-posteriors in nats, in row order; rows sum to one.
    p_x : float64 (n,)
        Weights of the rows, summing to one: equal under empirical priors, and so that every class
        weighs the same under uniform ones.
    labels : int64 (n,)
        Class codes of the rows.
    class_names : tuple of str
        Names of the columns.
    temperature : float
        Temperature that the likelihoods were divided by; inf when the features say nothing.
    h_y : float
        Entropy of the labels under `p_x`, nats.
    log_loss : float
        Held-out log-loss, nats: an honest H(Y|X), an upper bound in expectation.
    accuracy, calibration_error : float
        Held-out accuracy and expected calibration error (15 equal bins).
    n_seen : int
        Rows whose fit did see them, the only members of their class; not in the measures.
    """

    log_p_y_given_x: Floats
    p_x: Floats
    labels: Codes
    class_names: tuple[str, ...]
    temperature: float
    h_y: float
    log_loss: float
    accuracy: float
    calibration_error: float
    n_seen: int

    def __post_init__(self) -> None:
        for array in (self.log_p_y_given_x, self.p_x, self.labels):
            array.setflags(write=False)

    @property
    def i_xy(self) -> float:
        """Held-out I(X;Y) in nats: `h_y` − `log_loss`; below zero when worse than the priors."""
        return self.h_y - self.log_loss


@dataclasses.dataclass(frozen=True)
class CrossFit:
    """A fit of all rows, and the posterior of each row from a fit that did not see it."""

    fit: GaussianFit
    posterior: PosteriorTable
