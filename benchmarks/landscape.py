"""Landscape solvers: time, accuracy beside it, and a general convex solver on the same program.

asv collects the classes; `python -m benchmarks.landscape` prints the ratios of one run.
"""

import statistics
import time

import numpy as np

from ibcollapse.landscape import descend_free_features, seli_geometry, supcon_geometry


def long_tail(n_classes: int, *, largest: int = 500, ratio: float = 100.0) -> list[int]:
    decay = ratio ** (-np.arange(n_classes) / max(n_classes - 1, 1))
    return [max(2, int(largest * share)) for share in decay]


class SupConGeometry:
    params = ([10, 100, 1000], [0.1, 1.0])
    param_names = ("n_classes", "temperature")

    def setup(self, n_classes: int, temperature: float) -> None:
        self.counts = long_tail(n_classes)

    def time_solve(self, n_classes: int, temperature: float) -> None:
        supcon_geometry(self.counts, temperature)

    def track_relative_gap(self, n_classes: int, temperature: float) -> float:
        found = supcon_geometry(self.counts, temperature)
        return found.gap / found.excess


class RidgePath:
    params = ([4, 10, 30], [1e-3, 1e-4])
    param_names = ("n_classes", "ridge")

    def setup(self, n_classes: int, ridge: float) -> None:
        self.counts = long_tail(n_classes)

    def time_solve(self, n_classes: int, ridge: float) -> None:
        seli_geometry(self.counts, ridge=ridge)

    def track_relative_gap(self, n_classes: int, ridge: float) -> float:
        found = seli_geometry(self.counts, ridge=ridge)
        return found.gap / found.loss


class FreeDescent:
    def time_forty_starts(self) -> None:
        rng = np.random.default_rng(0)
        descend_free_features([10, 10, 2, 2], 1.0, dimension=5, n_starts=40, rng=rng)


def cvxpy_supcon(counts: list[int], temperature: float) -> float:
    """The same program by a general conic solver, in mean loss."""
    import cvxpy

    n, k = np.array(counts), len(counts)
    gram = cvxpy.Variable((k, k), PSD=True)
    rows = []
    for c in range(k):
        others = [b for b in range(k) if b != c]
        exponents = (gram[c, others] - 1) / temperature + np.log(n[others])
        rows.append(n[c] / n.sum() * cvxpy.log_sum_exp(cvxpy.hstack([np.log(n[c] - 1), exponents])))
    problem = cvxpy.Problem(cvxpy.Minimize(sum(rows)), [cvxpy.diag(gram) == 1])
    return float(problem.solve(solver=cvxpy.CLARABEL))


def compare(n_classes: int, temperature: float, *, rounds: int = 5) -> str:
    """Median seconds of both, interleaved, with what each reached."""
    counts, ours, theirs = long_tail(n_classes), [], []
    for _ in range(rounds):
        start = time.perf_counter()
        found = supcon_geometry(counts, temperature)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        rival = cvxpy_supcon(counts, temperature)
        theirs.append(time.perf_counter() - start)
    a, b = statistics.median(ours), statistics.median(theirs)
    return (
        f"K={n_classes:4d} tau={temperature:4}: {a * 1e3:8.2f} ms, gap {found.gap:.0e}; "
        f"cvxpy/Clarabel {b * 1e3:9.1f} ms, {rival - found.loss:+.0e} above ours; {b / a:.0f}x"
    )


if __name__ == "__main__":
    supcon_geometry([3, 2], 1.0)
    for classes in (4, 8, 16, 32):
        print(compare(classes, 1.0))
    for tau in (0.1, 1.0):
        for classes in (100, 1000):
            begin = time.perf_counter()
            result = supcon_geometry(long_tail(classes), tau)
            print(
                f"K={classes:4d} tau={tau:4}: {(time.perf_counter() - begin) * 1e3:8.1f} ms, "
                f"gap {result.gap:.0e} nats, {result.status}"
            )
