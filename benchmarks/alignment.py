"""Alignment of two 50 000 × 512 networks against the Gram product it needs, same run.

    python -m benchmarks.alignment [--rivals cca-zoo scikit-learn]

Prints CPU seconds (minimum of interleaved repeats) and ratios to one float64 SYRK of the joined
features, and checks canonical correlations against SciPy's principal angles. `--rivals` runs the
CCA of cca-zoo or of scikit-learn instead, ten modes of the same data: the time, its ratio to ours
(all modes) in the same run, and the largest difference between the correlations. scikit-learn's
power iterations take minutes at full size; `--samples` and `--features` shrink it.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import subspace_angles
from scipy.linalg.blas import dsyrk, ssyrk

from ibcollapse.alignment import align
from ibcollapse.alignment.fits import Regulariser
from ibcollapse.alignment.indices import factors, fit_pair
from ibcollapse.alignment.moments import stream_moments
from ibcollapse.features import open_features
from ibcollapse.features.pairing import pair_sources
from ibcollapse.progress import SILENT

N_SAMPLES, N_FEATURES, N_CLASSES, N_LATENT = 50_000, 512, 10, 64


def networks(n_samples: int, n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two float32 networks that share a latent code of classes and noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(N_CLASSES, size=n_samples)
    latent = rng.standard_normal((n_samples, N_LATENT), dtype=np.float32)
    latent += 3 * rng.standard_normal((N_CLASSES, N_LATENT), dtype=np.float32)[y]

    def network() -> np.ndarray:
        read_out = rng.standard_normal((N_LATENT, n_features), dtype=np.float32)
        noise = rng.standard_normal((n_samples, n_features), dtype=np.float32)
        return latent @ read_out + 20 * noise

    return network(), network(), y


def seconds(run: Callable[[], object]) -> float:
    """CPU seconds of all threads: other work on the machine lengthens them less than the wall's."""
    start = time.process_time()
    run()
    return time.process_time() - start


def whole_space(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> None:
    """One Gram pass and the maps of the whole space: what rivals compute, and R²."""
    paired = pair_sources([open_features((x, y)) for x in (a, b)])
    nobody = np.zeros(len(y), dtype=bool)
    moments = stream_moments(paired, nobody, nobody, SILENT).total.pair(0, 1)
    fit_pair(moments, factors(moments, Regulariser(0.0, 0.0, 1e-10)), 1.0).score(moments)


def compare(a: np.ndarray, b: np.ndarray, y: np.ndarray, repeats: int) -> None:
    joined = np.concatenate([a, b], axis=1)
    doubled = joined.astype(np.float64)
    plain = {"n_permutations": 0, "n_bootstrap": 0}
    runs = {
        "SYRK float32": lambda: ssyrk(1.0, joined.T),
        "SYRK float64": lambda: dsyrk(1.0, doubled.T),
        "moments, CCA, Procrustes, CKA": lambda: whole_space(a, b, y),
        "align, no held-out part": lambda: align((a, y), (b, y), held_out=0.0, **plain),
        "align, held-out": lambda: align((a, y), (b, y), **plain),
    }
    rounds = [[seconds(run) for run in runs.values()] for _ in range(repeats)]
    best = dict(zip(runs, np.min(rounds, axis=0), strict=True))
    for name, value in best.items():
        print(f"{name}: {value:.2f} s, {value / best['SYRK float64']:.2f} of the float64 SYRK")
    bootstrap = seconds(lambda: align((a, y), (b, y), n_permutations=0))
    null = seconds(lambda: align((a, y), (b, y), n_permutations=2, n_bootstrap=0))
    print(f"200 bootstrap samples: {bootstrap - best['align, held-out']:.2f} s more")
    print(f"each permutation: {(null - best['align, held-out']) / 3:.2f} s more")


def check(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> None:
    part = slice(0, 5000)
    rho = align(
        (a[part], y[part]), (b[part], y[part]), held_out=0, n_permutations=0, n_bootstrap=0
    ).whole.rho
    centred = [(x[part] - x[part].mean(axis=0, dtype=np.float64)) for x in (a, b)]
    expected = np.cos(subspace_angles(*centred))[::-1]
    print(f"largest difference from principal angles (5 000 rows): {abs(rho - expected).max():.1e}")


def rivals(names: list[str], a: np.ndarray, b: np.ndarray, y: np.ndarray) -> None:
    from cca_zoo import linear
    from sklearn import cross_decomposition

    ours = min(seconds(lambda: whole_space(a, b, y)) for _ in range(3))
    expected = align((a, y), (b, y), held_out=0.0, n_permutations=0, n_bootstrap=0).whole.rho[:10]
    views = [x.astype(np.float64) for x in (a, b)]
    zoo = linear.CCA(n_components=10)
    power = cross_decomposition.CCA(n_components=10, max_iter=2000)
    if "cca-zoo" in names:
        report("cca-zoo CCA", lambda: zoo.fit(views), lambda: zoo.transform(views), ours, expected)
    if "scikit-learn" in names:
        fit, transform = (lambda: power.fit(*views)), (lambda: power.transform(*views))
        report("scikit-learn CCA", fit, transform, ours, expected)


def report(
    name: str,
    fit: Callable[[], object],
    transform: Callable[[], Sequence[np.ndarray]],
    ours: float,
    expected: np.ndarray,
) -> None:
    elapsed = seconds(fit)
    left, right = transform()
    theirs = [np.corrcoef(u, v)[0, 1] for u, v in zip(left.T, right.T, strict=True)]
    difference = abs(expected - theirs).max()
    print(
        f"{name}: {elapsed:.2f} s, {elapsed / ours:.1f} times ours ({ours:.2f} s), largest "
        f"difference {difference:.1e}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rivals", nargs="+", choices=["cca-zoo", "scikit-learn"], default=[])
    parser.add_argument("--samples", type=int, default=N_SAMPLES)
    parser.add_argument("--features", type=int, default=N_FEATURES)
    arguments = parser.parse_args()
    data = networks(arguments.samples, arguments.features)
    if arguments.rivals:
        rivals(arguments.rivals, *data)
    else:
        compare(*data, repeats=3)
        check(*data)
