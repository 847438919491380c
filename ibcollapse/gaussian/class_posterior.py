"""The calibrated class-conditional Gaussian posterior as a scikit-learn classifier."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ibcollapse.errors import InputError
from ibcollapse.gaussian.calibration import tempered_log_posterior
from ibcollapse.gaussian.discriminant import make_discriminant
from ibcollapse.gaussian.fit import cross_fit
from ibcollapse.gaussian.options import Priors
from ibcollapse.gaussian.results import CovarianceKind
from ibcollapse.gaussian.scatter import Floats
from ibcollapse.gaussian.selection import Shrinkage


class ClassPosterior(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier by log p(c|x) = log p(c) + log N(x; μ_c, Σ_c)/T − log Z, as `cross_fit` makes it.

    With one covariance it is linear discriminant analysis, with shrinkage and with a temperature T
    that makes its probabilities honest: chosen on rows that the fits did not see.

    Parameters
    ----------
    covariance, rank, shrinkage, priors, folds :
        As in `ibcollapse.gaussian.cross_fit`.
    random_state : int, RandomState instance or None
        Seed of the assignment to folds.

    Attributes
    ----------
    classes_ : (n_classes,)
        Labels, sorted.
    n_features_in_ : int
        Dimension of the rows.
    fit_ : GaussianFit
        Means, covariances, priors, temperature, and what the posteriors are worth on unseen rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> x, y = load_iris(return_X_y=True)
    >>> round(float(cross_val_score(ClassPosterior(), x, y).mean()), 2)
    0.98

    References
    ----------
    Guo, Pleiss, Sun, Weinberger (2017), arXiv:1706.04599 (temperature scaling, here of the
    likelihood alone).
    """

    def __init__(
        self,
        *,
        covariance: CovarianceKind = "tied",
        rank: int | None = None,
        shrinkage: Shrinkage = "ledoit-wolf",
        priors: Priors = "empirical",
        folds: int = 5,
        random_state: Any = 0,
    ) -> None:
        self.covariance = covariance
        self.rank = rank
        self.shrinkage = shrinkage
        self.priors = priors
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> "ClassPosterior":
        """Fit to rows X (n_samples, n_features) with labels y (n_samples,).

        Raises
        ------
        InputError
            On fewer than two classes, a class of one row, or options outside their range.
        ValueError
            On input that scikit-learn refuses: NaN, sparse or complex values, other lengths.
        """
        rows, labels = validate_data(self, X, y, dtype=[np.float64, np.float32], order="C")
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"y holds one class only ({self.classes_[0]!r}); at least two are needed"
            )
        seed = self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = check_random_state(seed).randint(2**31 - 1)
        self.fit_ = cross_fit(
            (rows, codes.astype(np.int64)),
            covariance=self.covariance,
            rank=self.rank,
            shrinkage=self.shrinkage,
            priors=self.priors,
            folds=self.folds,
            seed=int(seed),
        ).fit
        self._score_rows = make_discriminant(self.fit_.means, self.fit_.covariance)
        return self

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """Calibrated log-posteriors in nats, (n_samples, n_classes)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=[np.float64, np.float32], order="C", reset=False)
        scores = self._score_rows(rows)
        return tempered_log_posterior(scores, np.log(self.fit_.priors), 1 / self.fit_.temperature)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Calibrated posteriors, (n_samples, n_classes); rows sum to one."""
        posterior: Floats = np.exp(self.predict_log_proba(X))
        return posterior

    def decision_function(self, X: ArrayLike) -> Floats:
        """Log-posteriors, or log p(c₁|x) − log p(c₀|x), (n_samples,), of two classes; nats."""
        posterior = self.predict_log_proba(X)
        if len(self.classes_) == 2:
            difference: Floats = posterior[:, 1] - posterior[:, 0]
            return difference
        return posterior

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Labels of the largest posterior, (n_samples,)."""
        # First: what is not fitted has no classes_ yet.
        best = self.predict_log_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels
