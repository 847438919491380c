"""One Blahut–Arimoto sweep against its two lower bounds and against NumPy.

`python -m benchmarks.sweep` prints a table; asv tracks the same sizes. Every figure is the smallest
CPU time of one thread over rounds in which all rivals take turns, each with one call unmeasured
first, so that a busy machine slows them alike. Bounds: the two products at the rate of the fastest
DGEMM, and one exponential a row and cluster, by NumPy's exp or by a sweep of a channel with one
class, which is little else; the faster counts. `ours/sum` is the share of both together: below one,
as of n_t clusters and K classes only (n_t - 1)(K - 1) products of scores and n_t - 1 exponentials
have to be formed where no two scores of a row are far apart.
"""

import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.rivals import negentropy_of, numpy_sweep
from ibcollapse.bottleneck.kernels import PackedChannel
from ibcollapse.bottleneck.kernels.compilation import constant
from ibcollapse.bottleneck.kernels.sweep import pass_over_slabs

SIZES = [(50_000, 10, 10), (50_000, 20, 10), (50_000, 20, 2), (50_000, 100, 100), (2_000, 10, 10)]
BETA = 5.0


def problem(n_x: int, n_t: int, n_classes: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "p_x": np.full(n_x, 1.0 / n_x),
        "log_p_y_given_x": np.log(rng.dirichlet(np.full(n_classes, 0.5), n_x) + 1e-300),
        "log_p_y_given_t": np.log(rng.dirichlet(np.ones(n_classes), n_t)),
        "log_p_t": np.log(rng.dirichlet(np.ones(n_t))),
    }


def sweep(
    channel: PackedChannel, log_p_y_given_t: np.ndarray, log_p_t: np.ndarray, beta: float
) -> np.ndarray:
    """p(t, y) after one map, by the compiled loop alone."""
    rows = channel.posteriors, channel.negentropy, channel.p_x
    joint = np.zeros(log_p_y_given_t.shape)
    pass_over_slabs(*rows, constant(log_p_y_given_t), constant(log_p_t), beta, joint)
    return joint


def cpu_seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """CPU time of one call, the data in cache as between the sweeps of a solver."""
    call()
    start = time.thread_time()
    for _ in range(repeats):
        call()
    return (time.thread_time() - start) / repeats


class Rivals:
    """The sweep, its bounds and NumPy's sweep for one problem."""

    def __init__(self, n_x: int, n_t: int, n_classes: int) -> None:
        given = problem(n_x, n_t, n_classes)
        self.decoders = given["log_p_y_given_t"], given["log_p_t"], BETA
        self.channel = PackedChannel.pack(given["p_x"], given["log_p_y_given_x"])
        p_y_given_x = np.exp(given["log_p_y_given_x"])
        self.rows = given["p_x"], p_y_given_x, negentropy_of(p_y_given_x)
        self.flops = 4.0 * n_x * n_t * n_classes
        self.n_exponentials = n_x * n_t
        self.square = np.random.default_rng(0).random((768, 768))
        self.product = np.empty_like(self.square)
        self.exponents = -20.0 * np.random.default_rng(0).random(4096)
        self.powers = np.empty_like(self.exponents)
        single = PackedChannel.pack(np.full(4096, 1 / 4096), np.zeros((4096, 1)))
        self.single = single, np.zeros((100, 1)), np.log(np.full(100, 0.01)), BETA

    def ours(self) -> float:
        return cpu_seconds(lambda: sweep(self.channel, *self.decoders))

    def products_at_peak(self) -> float:
        seconds = cpu_seconds(lambda: np.dot(self.square, self.square, out=self.product))
        return seconds * self.flops / (2.0 * 768**3)

    def exponentials(self) -> float:
        numpy = cpu_seconds(lambda: np.exp(self.exponents, out=self.powers), 20) / 4096
        own = cpu_seconds(lambda: sweep(*self.single)) / (4096 * 100)
        return min(numpy, own) * self.n_exponentials

    def numpy(self) -> float:
        return cpu_seconds(lambda: numpy_sweep(*self.rows, *self.decoders))

    def error(self) -> float:
        expected = numpy_sweep(*self.rows, *self.decoders)
        return float(np.abs(sweep(self.channel, *self.decoders) / expected - 1.0).max())


def measure(size: tuple[int, int, int], rounds: int) -> dict[str, float]:
    rivals = Rivals(*size)
    error = rivals.error()
    with threadpool_limits(1):
        takes = [
            (rivals.ours(), rivals.products_at_peak(), rivals.exponentials()) for _ in range(rounds)
        ]
        numpy = min(rivals.numpy() for _ in range(3))
    ours, products, exponentials = np.min(takes, axis=0)
    return {
        "ours": ours,
        "products": products,
        "exponentials": exponentials,
        "numpy": numpy,
        "error": error,
    }


def main() -> None:
    print("CPU time of one thread, ms; bound = larger of products and exponentials")
    columns = (
        "n_x",
        "n_t",
        "classes",
        "ours",
        "products",
        "exps",
        "ours/bound",
        "ours/sum",
        "numpy",
        "numpy/ours",
    )
    print("".join(f"{column:>12}" for column in (*columns, "error")))
    for size in SIZES:
        got = measure(size, rounds=6 if size[1] * size[2] > 1000 else 40)
        bound = max(got["products"], got["exponentials"])
        both = got["products"] + got["exponentials"]
        print(
            "".join(f"{part:>12}" for part in size)
            + f"{1e3 * got['ours']:12.3f}{1e3 * got['products']:12.3f}"
            + f"{1e3 * got['exponentials']:12.3f}{got['ours'] / bound:12.2f}"
            + f"{got['ours'] / both:12.2f}"
            + f"{1e3 * got['numpy']:12.2f}{got['numpy'] / got['ours']:12.1f}{got['error']:12.1e}"
        )


class SweepSuite:
    """Asv: time of a sweep and, tracked beside it, its largest relative error."""

    params = (SIZES,)
    param_names = ("n_x, n_t, n_classes",)

    def setup(self, size: tuple[int, int, int]) -> None:
        self.rivals = Rivals(*size)
        self.rivals.ours()

    def time_sweep(self, size: tuple[int, int, int]) -> None:
        sweep(self.rivals.channel, *self.rivals.decoders)

    def track_error(self, size: tuple[int, int, int]) -> float:
        return self.rivals.error()


if __name__ == "__main__":
    main()
