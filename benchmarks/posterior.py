"""Cross-fitted posteriors of the tied Gaussian model against scikit-learn in the same run.

The rival is what scikit-learn's users do for the same result: Ledoit–Wolf linear discriminants,
cross-validated probabilities, without calibration; the held-out log-losses are printed beside the
times. Run as a script for the figures, or under asv.
"""

import time

import numpy as np
from ibcollapse.features import open_features
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import cross_val_predict

from ibcollapse.gaussian import cross_fit

N_CLASSES = 10
FOLDS = 5
SHAPES = ((5_000, 512), (50_000, 512))


def labelled_features(n_samples, n_features, seed=0):
    """float32 rows of ten overlapping Gaussian classes with one correlated covariance.

    The principal axes are random: a network's features have none that are preferred. (On axes of
    unequal variance scikit-learn, which standardises before it shrinks, gets better posteriors.)
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(N_CLASSES, size=n_samples)
    x = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    axes = np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]
    x = x @ (np.linspace(0.5, 1.5, n_features)[:, None] * axes).astype(np.float32)
    x += (0.12 * rng.standard_normal((N_CLASSES, n_features)))[y].astype(np.float32)
    return x, y


def rival_log_loss(x, y):
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    p = cross_val_predict(model, x, y, cv=FOLDS, method="predict_proba")
    return float(-np.log(np.maximum(p[np.arange(len(y)), y], np.finfo(float).tiny)).mean())


def our_log_loss(x, y, **options):
    return cross_fit(open_features((x, y)), folds=FOLDS, **options).fit.held_out_log_loss


class TimePosterior:
    params = (list(SHAPES), ["tied", "diagonal"])
    param_names = ("shape", "covariance")

    def setup(self, shape, covariance):
        self.x, self.y = labelled_features(*shape)

    def time_cross_fit(self, shape, covariance):
        our_log_loss(self.x, self.y, covariance=covariance)


class TrackPosterior:
    params = (list(SHAPES),)
    param_names = ("shape",)

    def setup(self, shape):
        self.x, self.y = labelled_features(*shape)

    def track_held_out_log_loss(self, shape):
        return our_log_loss(self.x, self.y)

    def track_speedup_over_sklearn(self, shape):
        ours, rival = interleaved(self.x, self.y, repeats=1)
        return rival[0] / ours[0]


def interleaved(x, y, repeats=3):
    """Median seconds and held-out log-loss, ours and the rival's, measured in turn."""
    ours, rival = [], []
    for _ in range(repeats):
        ours.append(timed(our_log_loss, x, y))
        rival.append(timed(rival_log_loss, x, y))
    return np.median(ours, axis=0), np.median(rival, axis=0)


def timed(work, *args):
    start = time.perf_counter()
    result = work(*args)
    return time.perf_counter() - start, result


def main():
    for shape in SHAPES:
        ours, rival = interleaved(*labelled_features(*shape))
        print(
            f"N x d = {shape}: {ours[0]:.2f} s, {rival[0] / ours[0]:.1f} x faster than "
            f"scikit-learn ({rival[0]:.2f} s); held-out log-loss {ours[1]:.4f}, theirs "
            f"{rival[1]:.4f}"
        )


if __name__ == "__main__":
    main()
