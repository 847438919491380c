"""Class moments against one SYRK of the same shape: time and accuracy in the same run.

Run as a script for the ratios, or under asv for the history.
"""

import time

import numpy as np
from scipy.linalg.blas import dgemm, dsyrk, ssyrk

from ibcollapse.gaussian import ClassMoments

SHAPES = ((50_000, 512), (20_000, 2048))
N_CLASSES = 10
OFFSET = 5.0


def labelled_features(n_samples, n_features, seed=0):
    """float32 rows around ten class means at a common offset, in shuffled order."""
    rng = np.random.default_rng(seed)
    y = rng.integers(N_CLASSES, size=n_samples)
    x = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    x += (OFFSET + rng.standard_normal((N_CLASSES, n_features)))[y].astype(np.float32)
    return x, y


def class_moments(x, y, scatter="tied"):
    moments = ClassMoments(N_CLASSES, x.shape[1], scatter=scatter)
    moments.update(x, y)
    return moments


def single_precision_scatter(x, y, block=1024):
    """The alternative that was measured and not taken: SSYRK of centred float32 blocks."""
    means = np.array([x[y == c].mean(axis=0, dtype=np.float64) for c in range(N_CLASSES)])
    lower = np.zeros((x.shape[1], x.shape[1]), order="F")
    for start in range(0, len(x), block):
        rows = slice(start, start + block)
        centred = (x[rows] - means[y[rows]]).astype(np.float32)
        lower += ssyrk(1.0, centred.T, lower=1)
    return lower


class TimeMoments:
    params = (list(SHAPES), ["tied", "full", "diagonal"])
    param_names = ("shape", "scatter")

    def setup(self, shape, scatter):
        self.x, self.y = labelled_features(*shape)

    def time_one_pass(self, shape, scatter):
        class_moments(self.x, self.y, scatter)


class TrackMoments:
    params = (list(SHAPES),)
    param_names = ("shape",)

    def setup(self, shape):
        self.x, self.y = labelled_features(*shape)

    def track_share_of_syrk_rate(self, shape):
        return shares(self.x, self.y, repeats=3)["of dsyrk"]

    def track_relative_error(self, shape):
        return relative_errors(self.x, self.y)["float64 blocks"]


def shares(x, y, repeats=7):
    """Share of the BLAS rate that the pooled moments reach; medians of interleaved ratios."""
    doubles = x.astype(np.float64)
    columns = doubles.T
    lower = np.zeros((x.shape[1], x.shape[1]), order="F")
    rounds = []
    for _ in range(repeats):
        ours = seconds(class_moments, x, y)
        syrk = seconds(dsyrk, 1.0, columns, beta=1.0, c=lower, lower=1, overwrite_c=1)
        # SYRK does half of GEMM's multiplications for the same symmetric result.
        gemm = seconds(dgemm, 1.0, columns, columns, trans_b=1) / 2
        single = seconds(single_precision_scatter, x, y)
        rounds.append((ours, syrk, gemm, single))
    times = np.array(rounds)
    ours, syrk, gemm, single = times.T
    return {
        "seconds": float(np.median(ours)),
        "of dsyrk": float(np.median(syrk / ours)),
        "of dgemm rate": float(np.median(gemm / ours)),
        "single precision seconds": float(np.median(single)),
    }


def relative_errors(x, y):
    """Largest entry error relative to the diagonal, against two passes in float64."""
    means = np.array([x[y == c].mean(axis=0, dtype=np.float64) for c in range(N_CLASSES)])
    centred = x - means[y]
    truth = np.tril(centred.T @ centred)
    scale = np.abs(np.diag(truth)).max()
    ours = np.tril(class_moments(x, y).scatter)
    single = np.tril(single_precision_scatter(x, y))
    return {
        "float64 blocks": float(np.abs(ours - truth).max() / scale),
        "float32 blocks": float(np.abs(single - truth).max() / scale),
    }


def seconds(work, *args, **options):
    start = time.perf_counter()
    work(*args, **options)
    return time.perf_counter() - start


def main():
    for shape in SHAPES:
        x, y = labelled_features(*shape)
        figures = {**shares(x, y), **relative_errors(x, y)}
        print(f"N x d = {shape}: " + ", ".join(f"{k} {v:.3g}" for k, v in figures.items()))


if __name__ == "__main__":
    main()
