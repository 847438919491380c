"""Class-conditional Gaussians with an honest, calibrated posterior."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ibcollapse.features import Features, open_features
from ibcollapse.gaussian.calibration import posterior_quality, tempered_log_posterior
from ibcollapse.gaussian.covariance import scatter_kind
from ibcollapse.gaussian.discriminant import make_discriminant
from ibcollapse.gaussian.folds import ALWAYS_TRAINING, FoldMoments, fold_moments
from ibcollapse.gaussian.options import Priors, check_classes, check_held_out, check_options
from ibcollapse.gaussian.posterior import (
    calibrated_posterior,
    cross_fitted_scores,
    row_identity,
    row_weights,
)
from ibcollapse.gaussian.results import CovarianceKind, CrossFit, GaussianFit
from ibcollapse.gaussian.selection import Shrinkage, fitted_models
from ibcollapse.progress import SILENT, Progress

if TYPE_CHECKING:
    from ibcollapse.features.source import FeatureSource


# Names listed in a note.
_LISTED = 10


def fit_gaussian(
    features: Features,
    *,
    covariance: CovarianceKind = "tied",
    rank: int | None = None,
    shrinkage: Shrinkage = "ledoit-wolf",
    priors: Priors = "empirical",
    folds: int = 5,
    seed: int = 0,
    progress: Progress = SILENT,
) -> GaussianFit:
    """Class-conditional Gaussians of all rows; `cross_fit` with its posteriors left out."""
    return cross_fit(
        features,
        covariance=covariance,
        rank=rank,
        shrinkage=shrinkage,
        priors=priors,
        folds=folds,
        seed=seed,
        progress=progress,
    ).fit


def cross_fit(
    features: Features,
    *,
    covariance: CovarianceKind = "tied",
    rank: int | None = None,
    shrinkage: Shrinkage = "ledoit-wolf",
    priors: Priors = "empirical",
    folds: int = 5,
    seed: int = 0,
    progress: Progress = SILENT,
) -> CrossFit:
    """Fit of all rows and calibrated posteriors of each row from a fit that did not see it.

    log p(c|x) ∝ log p(c) + log N(x; μ_c, Σ_c)/T, with one T for all rows that minimises the
    log-loss of the cross-fitted posteriors. It takes two passes over the rows, three with
    Ledoit–Wolf, and one more where rows repeat; memory grows with n by the (n, K) posteriors only.

    Shrinkage works on features in units of their pooled within-class deviation, so multiplying a
    feature by a number changes nothing. Features that are constant up to the rounding of their
    stored type are left out. Equal rows share a fold. `GaussianFit.notes` says of either.

    Parameters
    ----------
    features : path, FeatureSource or (features, labels)
        Labelled rows, as `ibcollapse.open_features` takes them.
    covariance : {"tied", "full", "diagonal", "low-rank"}
        One Σ for all classes; one a class; variances only; or a class's `rank` leading directions
        above isotropic noise (probabilistic PCA).
    rank : int, optional
        Rank of the low-rank model; by held-out likelihood when not given.
    shrinkage : {"ledoit-wolf", "oas", "held-out"} or float
        Intensity α of the shrinkage (1 − α) Σ + α m diag(s²), s the pooled within-class deviations
        of the features and m the mean of Σ's variances over s²: by formula, by held-out
        likelihood, or a number in [0, 1].
    priors : {"empirical", "uniform"}
        Class priors; "uniform" also weights rows so that every class counts the same.
    folds : int
        Parts that are held out in turn, 2 to 100, stratified by class.
    seed : int
        Seed of the assignment to folds.
    progress : Progress
        Told about every chunk of every pass.

    Raises
    ------
    InputError
        On options outside their range, fewer than two classes, a class without rows, only classes
        of one row, or features that are constant or not finite.

    Examples
    --------
    >>> y = np.arange(300) % 3
    >>> x = np.random.default_rng(0).standard_normal((300, 4)) + 2 * np.eye(3, 4)[y]
    >>> fit = cross_fit((x, y)).fit
    >>> 0 < fit.i_xy_held_out < fit.h_y < 1.1
    True

    References
    ----------
    Guo, Pleiss, Sun, Weinberger (2017), arXiv:1706.04599 (temperature scaling, here of the
    likelihood alone).
    """
    source = open_features(features)
    check_options(covariance, rank, shrinkage, priors, folds, source.n_features)
    check_classes(source)
    rng = np.random.default_rng(seed)
    moments = fold_moments(source, folds, scatter_kind(covariance), rng, progress)
    assignment = moments.folds
    check_held_out(assignment)
    models = fitted_models(source, moments, covariance, rank, shrinkage, progress)
    counts = np.bincount(source.labels, minlength=len(source.class_names))
    uniform = priors == "uniform"
    n_classes = len(counts)
    class_priors = np.full(n_classes, 1 / n_classes) if uniform else counts / counts.sum()
    p_x = row_weights(source.labels, n_classes, uniform=uniform)
    discriminants = [make_discriminant(*model) for model in models]
    scores, claimed = cross_fitted_scores(
        source, assignment, discriminants, np.log(class_priors), p_x, progress
    )
    seen = assignment == ALWAYS_TRAINING
    table = calibrated_posterior(source, scores, class_priors, p_x, seen)
    raw = tempered_log_posterior(scores[~seen], np.log(class_priors), 1.0)
    means, model = models[0]
    fit = GaussianFit(
        class_names=tuple(source.class_names),
        counts=counts,
        priors=class_priors,
        means=means,
        covariance=model,
        shrinkage=shrinkage if isinstance(shrinkage, str) else "given",
        temperature=table.temperature,
        h_y=table.h_y,
        i_xy_plug_in=table.h_y - claimed,
        i_xy_held_out=table.i_xy,
        held_out_log_loss=table.log_loss,
        held_out_accuracy=table.accuracy,
        calibration_error=table.calibration_error,
        uncalibrated_log_loss=posterior_quality(raw, source.labels[~seen], p_x[~seen]).log_loss,
        n_folds=folds,
        seed=seed,
        uniform_priors=uniform,
        fitted_rows=row_identity(source),
        notes=model.notes + _repeated_notes(moments) + _singleton_notes(source, seen),
    )
    return CrossFit(fit, table)


def _repeated_notes(moments: FoldMoments) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if moments.n_together:
        notes += (
            f"{moments.n_together} of {len(moments.folds)} rows repeat an earlier one: equal rows "
            "were held out together",
        )
    if moments.collapsed:
        names = ", ".join(repr(name) for name in moments.collapsed[:_LISTED])
        more = len(moments.collapsed) - _LISTED
        notes += (
            "all rows of a class repeat its first one, so they were held out apart: "
            + (f"{names} and {more} more" if more > 0 else names),
        )
    return notes


def _singleton_notes(source: "FeatureSource", seen: NDArray[np.bool_]) -> tuple[str, ...]:
    if not seen.any():
        return ()
    names = [source.class_names[c] for c in np.unique(source.labels[seen])]
    return (
        f"rows without which a fit would not know their class were never held out and are not in "
        f"the held-out measures: {int(seen.sum())} of {', '.join(names)}",
    )
