"""Calibrated posteriors of every row, with what they are worth on rows the fit did not see."""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.features import Features, open_features
from ibcollapse.gaussian.calibration import (
    calibrated_inverse_temperature,
    mean_entropy,
    posterior_quality,
    tempered_log_posterior,
)
from ibcollapse.gaussian.discriminant import Discriminant, make_discriminant
from ibcollapse.gaussian.folds import ALWAYS_TRAINING, checked_chunks
from ibcollapse.gaussian.results import GaussianFit, PosteriorTable
from ibcollapse.gaussian.scatter import Codes, Floats
from ibcollapse.progress import SILENT, Progress

if TYPE_CHECKING:
    from ibcollapse.features.source import FeatureSource


def posterior(
    features: Features, fit: GaussianFit, *, progress: Progress = SILENT
) -> PosteriorTable:
    """Calibrated posteriors of rows that `fit` has not seen, such as a test split.

    The rows that the fit was made from get honest posteriors only from `cross_fit`.

    Parameters
    ----------
    features : path, FeatureSource or (features, labels)
        Rows with the features and a subset of the classes of the fit.
    fit : GaussianFit
        A fit of other rows.

    Raises
    ------
    InputError
        When the features or classes do not fit, or the source is the one that was fitted.
    """
    source = open_features(features)
    codes = _codes_in_fit(source, fit)
    labels = codes[source.labels]
    if row_identity(source) == fit.fitted_rows:
        raise InputError(
            "these are the rows that the fit was made from, their posteriors would be "
            "over-confident; use cross_fit(...).posterior"
        )
    score = make_discriminant(fit.means, fit.covariance)
    log_posterior = np.empty((source.n_samples, len(fit.class_names)))
    for rows, x, _ in checked_chunks(source, "posteriors", progress):
        scores = score(x)
        if not np.isfinite(scores).all():
            raise InputError(
                f"rows {rows.start} to {rows.stop} hold NaN or infinite features; drop them"
            )
        log_posterior[rows] = tempered_log_posterior(
            scores, np.log(fit.priors), 1 / fit.temperature
        )
    p_x = row_weights(labels, len(fit.class_names), uniform=fit.uniform_priors)
    quality = posterior_quality(log_posterior, labels, p_x)
    return PosteriorTable(
        log_posterior,
        p_x,
        labels,
        fit.class_names,
        fit.temperature,
        label_entropy(labels, p_x),
        **dataclasses.asdict(quality),
        n_seen=0,
    )


def cross_fitted_scores(
    source: "FeatureSource",
    folds: NDArray[np.int8],
    discriminants: Sequence[Discriminant],
    log_priors: Floats,
    p_x: Floats,
    progress: Progress,
) -> tuple[Floats, float]:
    """Held-out log-likelihoods (n, K) and the H(Y|X) that the fit of all rows claims for them.

    Parameters
    ----------
    folds : int8 (n,)
        Which fold holds out each row.
    discriminants : sequence
        Of the fit of all rows first, then of all but fold 0, 1, …
    log_priors, p_x : float64 (K,), (n,)
        Log class priors, and weights of the rows.
    """
    scores = np.empty((source.n_samples, len(log_priors)))
    claimed = 0.0
    for rows, x, _ in checked_chunks(source, "posteriors", progress, parts=len(discriminants) - 1):
        in_sample = discriminants[0](x)
        claimed += mean_entropy(tempered_log_posterior(in_sample, log_priors, 1.0), p_x[rows])
        block = scores[rows]
        for fold in np.unique(folds[rows]):
            members = np.flatnonzero(folds[rows] == fold)
            if fold == ALWAYS_TRAINING:
                block[members] = in_sample[members]
            else:
                block[members] = discriminants[1 + fold](x[members])
    return scores, claimed


def calibrated_posterior(
    source: "FeatureSource",
    scores: Floats,
    priors: Floats,
    p_x: Floats,
    seen: NDArray[np.bool_],
) -> PosteriorTable:
    """Table of cross-fitted `scores` (n, K) under the temperature that suits the unseen rows."""
    unseen = ~seen
    labels, weights = source.labels[unseen], p_x[unseen] / p_x[unseen].sum()
    inverse = calibrated_inverse_temperature(scores[unseen], labels, priors, weights)
    log_posterior = tempered_log_posterior(scores, np.log(priors), inverse)
    quality = posterior_quality(log_posterior[unseen], labels, weights)
    return PosteriorTable(
        log_posterior,
        p_x,
        source.labels.copy(),
        tuple(source.class_names),
        1 / inverse if inverse > 0 else math.inf,
        label_entropy(source.labels, p_x),
        **dataclasses.asdict(quality),
        n_seen=int(seen.sum()),
    )


def row_identity(source: "FeatureSource") -> str:
    """Which rows these are: content, layer, epoch and split."""
    return f"{source.fingerprint} {source.layer} {source.epoch} {source.split}"


def row_weights(labels: Codes, n_classes: int, *, uniform: bool) -> Floats:
    """Weights (n,) that sum to one: equal, or equal per class that is present."""
    if not uniform:
        return np.full(len(labels), 1 / len(labels))
    counts = np.bincount(labels, minlength=n_classes)
    weights: Floats = 1 / (counts[labels] * (counts > 0).sum())
    return weights


def label_entropy(labels: Codes, weights: Floats) -> float:
    """H(Y) in nats of labels with weights that sum to one."""
    p_y = np.bincount(labels, weights)
    p_y = p_y[p_y > 0]
    return float(-p_y @ np.log(p_y))


def _codes_in_fit(source: "FeatureSource", fit: GaussianFit) -> Codes:
    n_features = fit.means.shape[1]
    if source.n_features != n_features:
        raise InputError(
            f"{source.n_features} features, but the fit was made from {n_features}; "
            "choose the same layer"
        )
    unknown = [name for name in source.class_names if name not in fit.class_names]
    if unknown:
        raise InputError(f"classes {unknown} are not among the fit's {list(fit.class_names)}")
    return np.array([fit.class_names.index(name) for name in source.class_names], dtype=np.int64)
