"""How often a certificate is wrong: optima of `solve` against far more ascents than it makes.

`python -m benchmarks.certificates [SEEDS]` solves random tables and Gaussian classes of 300 to 800
points at 1.2 and 1.6 times the beta of local stability, climbs Φ from every row, from the middle of
every pair of atoms and of random pairs of rows, and from random decoders, and prints each state at
which one of these exceeds the gap that was reported by more than 1e-6 nats. Minutes.
"""

import sys
import time

import numpy as np

from benchmarks.one_beta import mixture
from ibcollapse import Channel, solve
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.pricing.ascent import climb
from ibcollapse.bottleneck.transitions.onset import onset_beta_local

RATIOS = (1.2, 1.6)
LEAST = 1e-6


def table(n_x: int, n_classes: int, concentration: float, seed: int) -> Channel:
    rng = np.random.default_rng(seed)
    entries = rng.dirichlet(np.full(n_x * n_classes, concentration))
    return Channel.from_joint(entries.reshape(n_x, n_classes))


def channels(seed: int) -> list[tuple[str, Channel]]:
    """Names and channels of one seed."""
    tables = [
        (f"table {n_x} x {n_classes}, {concentration:g}", (n_x, n_classes, concentration))
        for n_x, n_classes in ((300, 10), (500, 10), (400, 5))
        for concentration in (0.3, 1.0)
    ]
    made = [(name, table(*arguments, seed)) for name, arguments in tables]
    return [*made, ("Gaussian classes 500 x 10", mixture(500, 10, seed))]


def highest_found(channel: Channel, state: Mixture, beta: float) -> float:
    """Largest log Φ (nats) that many more ascents than a certificate's reach."""
    log_v = potential_weights(channel, evaluate(channel, state, beta).log_z)
    rng = np.random.default_rng(0)
    rows = channel.p_y_given_x
    first, second = np.triu_indices(state.n_t, 1)
    starts = np.concatenate(
        [
            rows,
            0.5 * (rows + rows[rng.permutation(len(rows))]),
            0.5 * (state.r[first] + state.r[second]),
            rng.dirichlet(np.full(channel.n_classes, 0.7), 300),
        ]
    )
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(starts), LOG_ZERO)
    found = climb(channel, log_v, logs, beta, hints=state.log_r)
    return float(found.log_phi[0])


def main() -> None:
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    n_states = n_wrong = 0
    for seed in range(n_seeds):
        for name, channel in channels(seed):
            for ratio in RATIOS:
                beta = ratio * onset_beta_local(channel)
                start = time.process_time()
                solution = solve(channel, beta)
                seconds = time.process_time() - start
                state = Mixture.from_probabilities(solution.p_t, solution.p_y_given_t)
                highest = highest_found(channel, state, beta)
                n_states += 1
                if highest > max(solution.gap, 0.0) + LEAST:
                    n_wrong += 1
                    print(
                        f"{name}, seed {seed}, {ratio} b: gap {solution.gap:.1e}, yet log Phi "
                        f"reaches {highest:.1e}; {solution.n_clusters} clusters, {seconds:.2f} s",
                        flush=True,
                    )
    print(f"{n_states} states, {n_wrong} of them with a gap that was too small")


if __name__ == "__main__":
    main()
