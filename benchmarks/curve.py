"""Whole certified curves with every transition: time beside accuracy.

`python -m benchmarks.curve [n_classes target max_rows fraction]` prints one line a channel:
posteriors of n = 50 000 samples of a mixture of isotropic Gaussians with simplex means, its noise
chosen so that I(X;Y) is a given share of H(Y); reduced as `ibcollapse.curve` does, kernels compiled
first. The gap is the largest of all points in nats; `lost` is the share of I(X;Y) given up by the
reduction.
"""

import sys
import time

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax

from ibcollapse import Channel, trace_curve

# Classes, I(X;Y) over H(Y), most rows, and the fraction of I(X;Y) at which the curve ends. Beyond
# 0.75 of it the soft channel's optimum gains a cluster every few hundredths of beta.
CHANNELS = [(10, 0.999, 4096, 0.9), (10, 0.6, 2048, 0.7)]
N_SAMPLES = 50_000


def gaussian_channel(n: int, n_classes: int, target: float, *, seed: int = 0) -> Channel:
    """Posteriors of an isotropic mixture on a simplex with I(X;Y) = target · log n_classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    means = (np.eye(n_classes) - 1 / n_classes) / np.sqrt(1 - 1 / n_classes)
    noise = rng.normal(size=(n, n_classes))

    def log_posteriors(log_sigma: float) -> np.ndarray:
        sigma = np.exp(log_sigma)
        return log_softmax((means[labels] + sigma * noise) @ means.T / sigma**2, axis=1)

    def excess(log_sigma: float) -> float:
        rows = log_posteriors(log_sigma)
        return 1 + float(np.sum(np.exp(rows) * rows)) / n / np.log(n_classes) - target

    rows = log_posteriors(brentq(excess, np.log(0.05), np.log(5.0), xtol=1e-10))
    return Channel(np.full(n, 1 / n), rows)


def reduced(channel: Channel, max_rows: int) -> Channel:
    """The channel as `ibcollapse.curve` reduces it."""
    allowed = 1e-3 * min(channel.i_xy, channel.h_y - channel.i_xy)
    return channel.reduce(max_loss=allowed, max_rows=max_rows)


def compile_kernels() -> None:
    """Compile, or load, what small and larger channels need."""
    trace_curve(Channel.from_joint([[0.45, 0.05], [0.05, 0.45]]), n_points=4)
    trace_curve(gaussian_channel(2_000, 10, 0.9), n_points=4, fraction=0.5)


def measure(n_classes: int, target: float, max_rows: int, fraction: float) -> str:
    channel = gaussian_channel(N_SAMPLES, n_classes, target)
    start, cpu = time.perf_counter(), time.process_time()
    small = reduced(channel, max_rows)
    after_reduction = time.perf_counter() - start
    curve = trace_curve(small, fraction=fraction)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    last = curve.solutions[-1]
    return (
        f"{n_classes:>8}{target:>8}{small.n_x:>8}{small.information_lost / channel.i_xy:>10.1e}"
        f"{after_reduction:>10.2f}{wall:>9.1f}{cpu:>9.1f}{len(curve.solutions):>8}"
        f"{len(curve.transitions):>6}{last.n_clusters:>10}{last.i_ty / curve.i_xy:>8.3f}"
        f"{curve.gap.max():>9.1e}  {curve.status}"
    )


class CurveSuite:
    """Asv: time of the collapsed curve and, tracked beside it, the worst gap of its points."""

    def setup(self) -> None:
        self.channel = reduced(gaussian_channel(N_SAMPLES, 10, 0.999), 4096)
        compile_kernels()

    def time_curve(self) -> None:
        trace_curve(self.channel)

    def track_gap(self) -> float:
        return float(trace_curve(self.channel).gap.max())


def main() -> None:
    compile_kernels()
    columns = ("classes", "target", "rows")
    print(
        "".join(f"{c:>8}" for c in columns) + f"{'lost':>10}{'reduce s':>10}{'wall s':>9}"
        f"{'cpu s':>9}{'points':>8}{'trans':>6}{'clusters':>10}{'I/Ixy':>8}{'gap':>9}  status"
    )
    chosen = CHANNELS
    if len(sys.argv) == 5:
        n_classes, target, max_rows, fraction = sys.argv[1:]
        chosen = [(int(n_classes), float(target), int(max_rows), float(fraction))]
    for channel in chosen:
        print(measure(*channel), flush=True)


if __name__ == "__main__":
    main()
