"""Collapse geometry against the one SYRK that a covariance would need, same data, same run.

    python -m benchmarks.geometry [--full] [--rivals]

Prints CPU seconds (minimum of the repeats, interleaved) and their ratio; `--full` adds the
100 000 × 2048 case, which needs about 2 GiB. The accuracy column is the relative error of NC1
against the definition in float64. `--rivals` adds scikit-learn on the small case: linear
discriminant analysis (its eigenproblem is that of tr Σ_B Σ_W^-1) and the nearest centroid, a part
of what we report.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.linalg.blas import ssyrk

from ibcollapse.geometry import collapse_geometry

SMALL, LARGE = (50_000, 512, 10), (100_000, 2048, 100)


def features(n_samples: int, n_features: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(n_classes, size=n_samples)
    x = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    x += rng.standard_normal((n_classes, n_features), dtype=np.float32)[y] + np.float32(5)
    return x, y


def definition(x: np.ndarray, y: np.ndarray) -> float:
    """NC1 from float64 residuals projected on the centred means, all at once."""
    codes = np.unique(y)
    means = np.stack([x[y == c].mean(axis=0, dtype=np.float64) for c in codes])
    centred = means - means.mean(axis=0)
    _, sigma, axes = np.linalg.svd(centred / np.sqrt(len(codes)), full_matrices=False)
    total = 0.0
    for row, c in enumerate(codes):
        along = (x[y == c] - means[row]) @ axes[: len(codes) - 1].T / sigma[: len(codes) - 1]
        total += np.mean(np.sum(along**2, axis=1))
    return total / len(codes) ** 2


def seconds(run: Callable[[], object]) -> float:
    """CPU seconds of all threads: other work on the machine lengthens them less than the wall's."""
    start = time.process_time()
    run()
    return time.process_time() - start


def compare(size: tuple[int, int, int], repeats: int) -> None:
    x, y = features(*size)
    rounds = [
        (seconds(lambda: ssyrk(1.0, x.T)), seconds(lambda: collapse_geometry((x, y))))
        for _ in range(repeats)
    ]
    syrk, ours = np.min(rounds, axis=0)
    error = abs(collapse_geometry((x, y)).nc1 / definition(x, y) - 1)
    print(
        f"{size[0]} x {size[1]}, K = {size[2]}: float32 SYRK {syrk:.3f} s, geometry {ours:.3f} s, "
        f"ratio {ours / syrk:.2f}, relative error of NC1 {error:.1e}"
    )


def rivals(size: tuple[int, int, int], repeats: int) -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.neighbors import NearestCentroid

    x, y = features(*size)
    runs = {
        "geometry": lambda: collapse_geometry((x, y)),
        "LinearDiscriminantAnalysis": lambda: LinearDiscriminantAnalysis(solver="eigen").fit(x, y),
        "NearestCentroid": lambda: NearestCentroid().fit(x, y).predict(x),
    }
    rounds = [[seconds(run) for run in runs.values()] for _ in range(repeats)]
    best = dict(zip(runs, np.min(rounds, axis=0), strict=True))
    for name, value in best.items():
        print(f"{name}: {value:.3f} s, {value / best['geometry']:.1f} times ours")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rivals", action="store_true")
    arguments = parser.parse_args()
    compare(SMALL, repeats=5)
    if arguments.full:
        compare(LARGE, repeats=3)
    if arguments.rivals:
        rivals(SMALL, repeats=3)
