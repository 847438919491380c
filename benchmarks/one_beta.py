"""One beta, to a true gap of 1e-9, against plain Blahut–Arimoto in NumPy and embo.

`python -m benchmarks.one_beta [--large] [--seconds N] [--times M] [--limit S] [--only NAME]` prints
the CPU seconds of each with the Lagrangian that it bought and how far that lies above the certified
one (nats). "ours" is `solve`, certificate and all; "local" is `solve_local`, which like the rivals
ends without knowing whether there is anything better. A rival starts from random encoders with as
many clusters as the certified solution has, again and again until one of its runs ends at most 1e-9
nats above ours or N seconds of CPU (30), or M times ours (0) if that is more, are over; then its
best counts, and the ratio, marked >=, is a lower bound. A NumPy run ends when no entry of p(t, y)
moves by more than 1e-13, an embo run at a relative tolerance of 1e-13 after at most `BUDGET` maps.
Embo is left out of tables with more than `EMBO_ROWS` rows. Each of our takes starts from a channel
of its own, so that nothing that an earlier one prepared is there. Behind the ratio to ours stands
that to local, where local reached the target.

Betas are multiples of the onset, bc (`onset_beta`), and of the beta of local stability, bl.
`--large` adds tables of up to 50 000 x 100, on which ours may be ended by its limit of S seconds
(300): its status says so. `--only` leaves the problems whose names contain NAME.
"""

import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.curve import gaussian_channel
from benchmarks.rivals import embo_blahut_arimoto, numpy_blahut_arimoto
from ibcollapse import Channel, onset_beta, onset_beta_local, solve, solve_local
from ibcollapse.bottleneck import IBSolution

BUDGET = 20_000
SECONDS = 30.0
LIMIT = 300.0
EMBO_ROWS = 2_000
GAP = 1e-9
# CPU seconds of ours after which the smallest of the takes so far counts.
ENOUGH = 10.0
TAKES = 5
# A solve without certificate is over before a processor has found its pace.
LOCAL_TAKES = 25


def symmetric() -> Channel:
    return Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])


def table(n_x: int, n_classes: int) -> Channel:
    rng = np.random.default_rng(2)
    return Channel.from_joint(rng.dirichlet(np.full(n_x * n_classes, 0.5)).reshape(n_x, n_classes))


def mixture(n_x: int, n_classes: int, seed: int = 3) -> Channel:
    """Posteriors of samples from a simplex of Gaussians, as a trained network's features give."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n_x)
    logits = 2.0 * (np.eye(n_classes)[labels] * 2.0 + rng.standard_normal((n_x, n_classes)))
    posteriors = np.exp(logits - logits.max(axis=1, keepdims=True))
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    return Channel.from_joint(posteriors / n_x)


def collapsed(n_x: int, n_classes: int) -> Channel:
    """Posteriors that know their class: I(X;Y) = 0.999 H(Y)."""
    return gaussian_channel(n_x, n_classes, 0.999)


def problems(large: bool, only: str) -> Iterator[tuple[str, Channel, float]]:
    """Names, channels and betas: multiples of the global onset bc and of the local one, bl.

    No channel is made for a name without `only`.
    """
    for ratio in (1.01, 1.001):
        name = f"BSC(0.1) {ratio} bc"
        if only in name:
            yield name, symmetric(), ratio * 1.5625
    usual = [(1.01, "bc"), (1.01, "bl"), (1.5, "bl")]
    sizes: list[tuple[Callable[[int, int], Channel], int, int, list[tuple[float, str]]]] = [
        (table, 50, 10, usual),
        (table, 500, 10, usual),
        (mixture, 500, 10, usual),
        (mixture, 2_000, 10, usual),
    ]
    if large:
        sizes += [
            (table, 50_000, 10, usual[:2]),
            (mixture, 50_000, 10, usual),
            (table, 5_000, 100, [(1.01, "bc"), (1.1, "bc")]),
            (mixture, 5_000, 100, [(1.01, "bc"), (1.5, "bc"), (1.01, "bl")]),
            (table, 50_000, 100, [(1.01, "bc")]),
            (collapsed, 50_000, 100, [(1.01, "bl")]),
            (mixture, 50_000, 100, [(1.01, "bc"), (1.25, "bc"), (1.01, "bl")]),
        ]
    onset_of = {"bc": onset_beta, "bl": onset_beta_local}
    for make, n_x, n_classes, betas in sizes:
        named = {f"{make.__name__} {n_x}x{n_classes} {ratio} {b}": (ratio, b) for ratio, b in betas}
        wanted = {name: beta for name, beta in named.items() if only in name}
        if not wanted:
            continue
        channel = make(n_x, n_classes)
        onsets = {b: onset_of[b](channel) for b in {b for _, b in wanted.values()}}
        for name, (ratio, b) in wanted.items():
            yield name, channel, ratio * onsets[b]


def measure(
    name: str, channel: Channel, beta: float, seconds: float, times: float, limit: float
) -> None:
    seconds_of_ours, ours = best_take(
        lambda anew: solve(anew, beta, time_limit=limit), channel, TAKES
    )
    print(
        f"{name:<30}{'ours':<6}{seconds_of_ours:>10.4f} s  L = {ours.lagrangian:.12f}  "
        f"gap {ours.gap:.1e}  clusters {ours.n_clusters}  "
        f"sweeps {ours.n_iterations}  {ours.status}",
        flush=True,
    )
    seconds_of_local, local = best_take(
        lambda anew: solve_local(anew, beta, time_limit=limit), channel, LOCAL_TAKES
    )
    above = local.lagrangian - ours.lagrangian
    print(
        f"{name:<30}{'local':<6}{seconds_of_local:>10.5f} s  L = {local.lagrangian:.12f}  "
        f"above ours {above:8.1e}  clusters {local.n_clusters}  sweeps {local.n_iterations}",
        flush=True,
    )
    ratios_of = [("ours", seconds_of_ours)]
    if above <= GAP:
        ratios_of.append(("local", seconds_of_local))
    rows = channel.p_x, channel.p_y_given_x
    target = ours.lagrangian + GAP

    def numpy_run(seed: int, seconds: float) -> float:
        return numpy_blahut_arimoto(
            *rows,
            beta,
            ours.n_clusters,
            rng=np.random.default_rng(seed),
            tol=1e-13,
            target=target,
            max_seconds=seconds,
        ).lagrangian

    def embo_run(seed: int, _: float) -> float:
        return embo_blahut_arimoto(
            *rows, beta, ours.n_clusters, seed=seed, restarts=1, tol=1e-13, max_iterations=BUDGET
        ).lagrangian

    rivals = {"NumPy": numpy_run}
    if channel.n_x <= EMBO_ROWS:
        rivals["embo"] = embo_run
    for who, run in rivals.items():
        got = restarted(run, target, max(seconds, times * seconds_of_ours))
        report(name, who, got, ours.lagrangian, ratios_of)


def best_take(
    solver: Callable[[Channel], IBSolution], channel: Channel, n_takes: int
) -> tuple[float, IBSolution]:
    """The smallest CPU seconds of some takes, each on a new channel, and the last's solution."""
    takes: list[float] = []
    while True:
        anew = Channel(channel.p_x, channel.log_p_y_given_x)
        start = time.process_time()
        solution = solver(anew)
        takes.append(time.process_time() - start)
        if len(takes) >= n_takes or sum(takes) >= ENOUGH:
            return min(takes), solution


def restarted(
    run: Callable[[int, float], float], target: float, seconds: float
) -> tuple[float, float, int]:
    """CPU seconds, lowest Lagrangian and number of the runs that it took to reach the target."""
    start, lowest, n_runs = time.process_time(), np.inf, 0
    while lowest > target and time.process_time() - start < seconds:
        left = seconds - (time.process_time() - start)
        lowest, n_runs = min(lowest, run(n_runs, left)), n_runs + 1
    return time.process_time() - start, lowest, n_runs


def report(
    name: str,
    who: str,
    got: tuple[float, float, int],
    ours: float,
    ratios_of: list[tuple[str, float]],
) -> None:
    seconds, lowest, n_runs = got
    bound = ">=" if lowest - ours > GAP else "  "
    ratios = "".join(f"  time/{which} {bound}{seconds / best:.1f}" for which, best in ratios_of)
    print(
        f"{name:<30}{who:<6}{seconds:>10.4f} s  L = {lowest:.12f}  above ours "
        f"{lowest - ours:8.1e}  runs {n_runs:<4}{ratios}",
        flush=True,
    )


def main() -> None:
    given = sys.argv[1:]

    def option(name: str, default: float) -> float:
        return float(given[given.index(name) + 1]) if name in given else default

    seconds, times = option("--seconds", SECONDS), option("--times", 0.0)
    limit = option("--limit", LIMIT)
    only = given[given.index("--only") + 1] if "--only" in given else ""
    for warming in (symmetric(), table(50, 10)):
        solve(warming, 3.0)
        solve_local(warming, 3.0)
    for problem in problems("--large" in given, only):
        measure(*problem, seconds, times, limit)


if __name__ == "__main__":
    main()
