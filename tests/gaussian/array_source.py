"""Arrays in memory as a source of labelled rows, and Gaussian mixtures with a known H(Y|X)."""

import numpy as np
from scipy.special import logsumexp


class ArraySource:
    """The part of the feature-source protocol that this room reads."""

    layer = epoch = None

    def __init__(self, x, labels, class_names=None, *, split="train"):
        self.x = np.asarray(x)
        self.labels = np.asarray(labels, dtype=np.int64)
        n_classes = int(self.labels.max()) + 1
        self.class_names = tuple(class_names or map(str, range(n_classes)))
        self.n_samples, self.n_features = self.x.shape
        self.split = split
        self.fingerprint = "arrays"
        self.n_passes = 0

    def chunks(self, rows=None):
        self.n_passes += 1
        rows = rows or 1000
        for start in range(0, self.n_samples, rows):
            yield self.x[start : start + rows], self.labels[start : start + rows]


class Mixture:
    """Gaussian classes of known parameters, equal priors."""

    def __init__(self, means, covariances):
        self.means = np.asarray(means, dtype=float)
        self.factors = [np.linalg.cholesky(c) for c in covariances]

    def sample(self, n, seed):
        rng = np.random.default_rng(seed)
        y = rng.integers(len(self.means), size=n)
        noise = rng.standard_normal((n, self.means.shape[1]))
        x = self.means[y]
        for c, factor in enumerate(self.factors):
            x[y == c] += noise[y == c] @ factor.T
        return x, y

    def log_posterior(self, x):
        scores = []
        for mean, factor in zip(self.means, self.factors, strict=True):
            z = np.linalg.solve(factor, (x - mean).T)
            scores.append(-0.5 * (z**2).sum(axis=0) - np.log(np.diag(factor)).sum())
        scores = np.array(scores).T
        return scores - logsumexp(scores, axis=1, keepdims=True)

    def conditional_entropy(self, n=20_000, seed=99):
        """H(Y|X) in nats by Monte Carlo, with its standard error."""
        x, _ = self.sample(n, seed)
        log_p = self.log_posterior(x)
        entropies = -(np.exp(log_p) * log_p).sum(axis=1)
        return entropies.mean(), entropies.std() / np.sqrt(n)


def simplex_mixture(n_classes, d, distance, *, spread=0.0, seed=0):
    """Classes with equidistant means and one covariance: white, or log-normal along the axes."""
    rng = np.random.default_rng(seed)
    frame = np.linalg.qr(rng.standard_normal((d, n_classes)))[0].T
    covariance = np.diag(np.exp(spread * rng.standard_normal(d)))
    return Mixture(distance / np.sqrt(2) * frame, [covariance] * n_classes)
