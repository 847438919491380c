"""One beta, to a certified gap of 1e-9, against plain Blahut–Arimoto in NumPy and embo.

`python -m benchmarks.one_beta` prints the CPU seconds of each with the Lagrangian that it bought
and, for the rivals, how far that lies above the certified one (nats). The
NumPy rival starts from a random encoder with as many clusters as the certified solution has and
stops when no entry of p(t, y) moves by more than 1e-12 or after `BUDGET` maps (marked >): its time
is then a lower bound. Embo gets the same number of clusters and one start.
"""

import time

import numpy as np

from benchmarks.rivals import embo_blahut_arimoto, numpy_blahut_arimoto
from ibcollapse import Channel, solve
from ibcollapse.bottleneck.stability import onset_beta_local

BUDGET = 20_000


def symmetric() -> Channel:
    return Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])


def table(n_x: int, n_classes: int) -> Channel:
    rng = np.random.default_rng(2)
    return Channel.from_joint(rng.dirichlet(np.full(n_x * n_classes, 0.5)).reshape(n_x, n_classes))


def problems() -> list[tuple[str, Channel, float]]:
    """Names, channels and betas; betas near criticality are multiples of the eigenvalue's."""
    found = [
        ("BSC(0.1) 1.01 bc", symmetric(), 1.01 * 1.5625),
        ("BSC(0.1) 1.001 bc", symmetric(), 1.001 * 1.5625),
    ]
    for n_x, n_classes in ((50, 10), (500, 10)):
        channel = table(n_x, n_classes)
        onset = onset_beta_local(channel)
        found.append((f"{n_x}x{n_classes} 1.01 bc", channel, 1.01 * onset))
        found.append((f"{n_x}x{n_classes} 1.5 bc", channel, 1.5 * onset))
    return found


def measure(name: str, channel: Channel, beta: float) -> None:
    takes = []
    for _ in range(3):
        start = time.process_time()
        ours = solve(channel, beta)
        takes.append(time.process_time() - start)
    print(
        f"{name:<20}{'ours':<8}{min(takes):>10.4f} s  L = {ours.lagrangian:.12f}  "
        f"gap {ours.gap:.1e}  clusters {ours.n_clusters}  "
        f"sweeps {ours.n_iterations}  {ours.status}",
        flush=True,
    )
    rows = channel.p_x, channel.p_y_given_x
    start = time.process_time()
    plain = numpy_blahut_arimoto(
        *rows, beta, ours.n_clusters, rng=np.random.default_rng(0), max_iterations=BUDGET
    )
    seconds = time.process_time() - start
    capped = ">" if plain.n_iterations == BUDGET else " "
    report(name, "NumPy", capped, seconds, plain.lagrangian, ours.lagrangian, min(takes))
    start = time.process_time()
    embo = embo_blahut_arimoto(*rows, beta, ours.n_clusters, restarts=1, max_iterations=BUDGET)
    seconds = time.process_time() - start
    report(name, "embo", " ", seconds, embo.lagrangian, ours.lagrangian, min(takes))


def report(
    name: str, who: str, capped: str, seconds: float, value: float, ours: float, best: float
) -> None:
    print(
        f"{name:<20}{who:<8}{capped}{seconds:>9.4f} s  L = {value:.12f}  "
        f"above ours {value - ours:.1e}  time/ours {seconds / best:.0f}",
        flush=True,
    )


def main() -> None:
    solve(symmetric(), 2.0)
    for problem in problems():
        measure(*problem)


if __name__ == "__main__":
    main()
