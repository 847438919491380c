"""Curves of random channels against what must hold for every curve.

`python -m benchmarks.fuzz_curves [COUNT [FIRST_SEED]]` traces COUNT random channels (default 500)
of 2 to 6 classes and 3 to 30 points, of the kinds in `KINDS`, prints each broken invariant with the
seed that repeats it, and at the end how many channels, points and transitions were checked. It ends
with exit code 1 when anything was broken. Minutes: two seconds a channel.
"""

import itertools
import sys
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.rivals import numpy_blahut_arimoto
from ibcollapse import Channel, IBCurve, solve, trace_curve

TOL = 1e-9
FRACTION = 0.85
# How far from a transition, as a share of beta − 1, its two sides are compared.
FAR, NEAR = 1e-4, 1e-5


def dirichlet(rng: np.random.Generator, n_x: int, n_classes: int) -> np.ndarray:
    """Rows of one concentration, uneven weights."""
    concentration = 10.0 ** rng.uniform(-1.3, 1.0)
    rows = rng.dirichlet(np.full(n_classes, concentration), n_x)
    return rows * rng.dirichlet(np.full(n_x, 2.0))[:, None]


def circulant(rng: np.random.Generator, n_x: int, n_classes: int) -> np.ndarray:
    """Every cyclic shift of a few rows: the classes are exchangeable in a circle."""
    base = rng.dirichlet(np.full(n_classes, 0.7), max(1, n_x // n_classes))
    return np.concatenate([np.roll(base, k, axis=1) for k in range(n_classes)])


def symmetric(rng: np.random.Generator, n_x: int, n_classes: int) -> np.ndarray:
    """A symmetric confusion, with some rows twice."""
    a = rng.uniform(0.2, 0.999)
    rows = a * np.eye(n_classes) + (1 - a) / n_classes
    return np.concatenate([rows] * int(rng.integers(1, 4)))


def duplicated(rng: np.random.Generator, n_x: int, n_classes: int) -> np.ndarray:
    """Rows that occur more than once, or almost."""
    joint = dirichlet(rng, n_x, n_classes)
    chosen = rng.integers(0, n_x, n_x)
    nudge = 1 + rng.choice([0.0, 1e-12, 1e-6]) * rng.standard_normal(joint.shape)
    return np.concatenate([joint, joint[chosen] * nudge])


def one_hot(rng: np.random.Generator, n_x: int, n_classes: int) -> np.ndarray:
    """Some points that belong to a class for certain."""
    joint = dirichlet(rng, n_x, n_classes)
    certain = rng.random(n_x) < 0.4
    certain[0] = False
    labels = rng.integers(0, n_classes, n_x)
    joint[certain] = np.eye(n_classes)[labels[certain]] * joint[certain].sum(axis=1)[:, None]
    return joint


def without_mass(rng: np.random.Generator, n_x: int, n_classes: int) -> np.ndarray:
    """Points of no weight and one class that never occurs."""
    joint = dirichlet(rng, n_x, n_classes)
    joint[rng.random(n_x) < 0.2] = 0.0
    joint = np.insert(joint, int(rng.integers(0, n_classes)), 0.0, axis=1)
    joint[0, joint[0] > 0] += 0.1
    return joint


def collapsed(rng: np.random.Generator, n_x: int, n_classes: int) -> np.ndarray:
    """Posteriors as of a network that hardly errs."""
    logits = 10.0 ** rng.uniform(0.5, 1.5) * rng.standard_normal((n_x, n_classes))
    rows = np.exp(logits - logits.max(axis=1, keepdims=True))
    return rows / rows.sum(axis=1, keepdims=True)


def weak(rng: np.random.Generator, n_x: int, n_classes: int) -> np.ndarray:
    """Rows close to one another."""
    share = 10.0 ** rng.uniform(-2.5, -0.5)
    joint = dirichlet(rng, n_x, n_classes)
    joint /= joint.sum()
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return (1 - share) * independent + share * joint


KINDS: tuple[Callable[[np.random.Generator, int, int], np.ndarray], ...] = (
    dirichlet,
    circulant,
    symmetric,
    duplicated,
    one_hot,
    without_mass,
    collapsed,
    weak,
)


def random_channel(seed: int) -> tuple[str, Channel]:
    """Kind and channel of a seed."""
    rng = np.random.default_rng(seed)
    make = KINDS[seed % len(KINDS)]
    joint = make(rng, int(rng.integers(3, 31)), int(rng.integers(2, 7)))
    return make.__name__, Channel.from_joint(joint / joint.sum())


def broken_points(curve: IBCurve) -> Iterator[str]:
    """What fails of: certified, ordered, concave with slope 1/beta, within data processing."""
    beta, rate, relevance = curve.beta, curve.i_xt, curve.i_ty
    for s in curve.solutions:
        if s.converged and not s.gap <= TOL:
            yield f"a point at beta = {s.beta:.9g} converged with a gap of {s.gap:.2g}"
        if not s.converged:
            yield f"a point at beta = {s.beta:.9g}: {s.status}"
    if (np.diff(beta) < 0).any():
        yield "betas decrease"
    if (relevance > np.minimum(rate, curve.i_xy) + 1e-9).any():
        yield "I(T;Y) exceeds I(X;T) or I(X;Y)"
    for b, r, i in zip(beta[1:], rate[1:], relevance[1:], strict=True):
        above = (relevance - i) - (rate - r) / b
        if above.max() > 2 * TOL:
            yield f"not concave around beta = {b:.9g}: {above.max():.2g} nats above the tangent"


def broken_transitions(curve: IBCurve) -> Iterator[str]:
    """What fails of: ordered, one begins where the last ended, orders fit jumps, certified."""
    found = curve.transitions
    if found and found[0].clusters_before != 1:
        yield f"the first transition starts from {found[0].clusters_before} clusters"
    for first, second in itertools.pairwise(found):
        if not first.beta < second.beta:
            yield f"transitions at {first.beta:.9g} and {second.beta:.9g} are out of order"
        if first.clusters_after != second.clusters_before:
            yield (
                f"{first.clusters_after} clusters after beta = {first.beta:.9g}, "
                f"{second.clusters_before} before {second.beta:.9g}"
            )
    for t in found:
        what = f"{t.mechanism} {t.clusters_before} to {t.clusters_after} at {t.beta:.9g}"
        if (t.order == 1) != (t.jump_i_xt > 0):
            yield f"{what}: order {t.order} with a jump of {t.jump_i_xt:.3g}"
        if t.beta_local < t.beta * (1 - 1e-9):
            yield f"{what}: beta_local = {t.beta_local:.9g} lies below"
        if t.clusters_before == t.clusters_after and t.mechanism != "jump":
            yield f"{what}: nothing changes"
        if not t.certified:
            yield f"{what}: not certified"


def broken_orders(channel: Channel, curve: IBCurve) -> Iterator[str]:
    """Transitions beside which I(X;T) does not do what their order says."""
    edges = [1.0, *(t.beta for t in curve.transitions), curve.beta[-1]]
    for at, t in enumerate(curve.transitions):
        room = min(t.beta - edges[at], edges[at + 2] - t.beta)
        if t.beta == 1.0 or room <= 2 * FAR * (t.beta - 1):
            continue
        far, near = (
            solve(channel, t.beta + share * (t.beta - 1), tol=1e-11).i_xt
            - solve(channel, t.beta - share * (t.beta - 1), tol=1e-11).i_xt
            for share in (FAR, NEAR)
        )
        what = f"{t.mechanism} {t.clusters_before} to {t.clusters_after} at {t.beta:.9g}"
        if t.order == 2 and near > max(1e-6, 0.6 * far):
            yield f"{what}: I(X;T) rises by {near:.3g} within {NEAR:g}, {far:.3g} within {FAR:g}"
        if t.order == 1 and abs(near - t.jump_i_xt) > 0.05 * t.jump_i_xt + 1e-6:
            yield f"{what}: I(X;T) rises by {near:.3g}, not by {t.jump_i_xt:.3g}"


def broken_values(channel: Channel, curve: IBCurve, rng: np.random.Generator) -> Iterator[str]:
    """Betas at which a random start does better than `solve`, or the curve and `solve` differ."""
    last = curve.beta[-1]
    for _ in range(2):
        beta = 1.0 + (last - 1.0) * float(rng.uniform(0.0, 1.0))
        ours = solve(channel, beta)
        if not ours.converged:
            yield f"solve at beta = {beta:.12g}: {ours.status}"
        for seed in range(4):
            start = np.random.default_rng(seed)
            rival = numpy_blahut_arimoto(
                channel.p_x, channel.p_y_given_x, beta, 8, rng=start, max_iterations=3000
            )
            if rival.lagrangian < ours.lagrangian - TOL:
                below = ours.lagrangian - rival.lagrangian
                yield f"a random start ends {below:.2g} nats below at beta = {beta:.12g}"
        point = curve.at_beta(beta)
        missing = ours.lagrangian - (point.i_xt - beta * point.i_ty_high)
        if missing < -2 * TOL * beta:
            yield f"solve is {-missing:.2g} nats below the curve's bound at beta = {beta:.12g}"


def broken(seed: int) -> tuple[str, IBCurve, list[str]]:
    """Kind, curve and broken invariants of one random channel."""
    kind, channel = random_channel(seed)
    curve = trace_curve(channel, n_points=12, fraction=FRACTION)
    rng = np.random.default_rng(seed)
    found = [*broken_points(curve), *broken_transitions(curve)]
    if len(curve.solutions) > 1:
        found += [*broken_orders(channel, curve), *broken_values(channel, curve, rng)]
    return kind, curve, found


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    n_points = n_transitions = n_broken = 0
    for seed in range(first, first + count):
        kind, curve, found = broken(seed)
        n_points += len(curve.solutions)
        n_transitions += len(curve.transitions)
        n_broken += bool(found)
        for what in found:
            print(f"seed {seed} ({kind}): {what}", flush=True)
    print(
        f"{count} channels, {n_points} points, {n_transitions} transitions: {n_broken} channels "
        "with a broken invariant"
    )
    sys.exit(1 if n_broken else 0)


if __name__ == "__main__":
    main()
