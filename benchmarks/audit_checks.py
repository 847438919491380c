"""What must hold of every curve and every solution, checked without the solver's own code.

Each check yields `Finding`s. Kinds that fail an audit: "crash", "nan", "false" (a certificate, or a
status, that an independent search refutes), "broken" (an invariant of the curve, a closed form or a
symmetry), "time" (an end of time that was passed over). "open" is an honest end before the optimum.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator

import numpy as np

from benchmarks import violators
from ibcollapse import IBCurve
from ibcollapse.bottleneck import IBSolution, PhaseTransition

FAILURES = ("crash", "nan", "false", "broken", "time")

TOL = 1e-9
# What rounding of L and of log Φ may add, nats, and a share of beta that multiplies it.
SLACK, ROUNDING = 1e-10, 2e-14
# The engine leaves out couplings below the first, which changes no Lagrangian by more than the
# second (docs/reliability.md): its L is that of the channel without them, F here has them.
COUPLING, CUT = 1e-11, 3e-10
# I(X;T) and I(T;Y) of a point at a gap of 1e-9 are not known any better, nats.
INFORMATION = 1e-6
# Transitions of the same channel agree within this share of beta − 1 (where a leak of 1e-4 makes Φ
# flat, no two ways of locating them agree better than 4e-6), and within what a rounding of log Φ
# moves the beta of a class with a thousandth of the weight.
SAME_BETA, LEAST_BETA = 1e-5, 1e-11
# One next to beta = 1 that is not certified is known to what rounding hides there: the share u of
# beta − 1 at which (beta − 1) u² is so many nats.
HIDDEN = 1e-13
# Points so near a transition, as a share of beta − 1, may count the cluster that is born there.
BESIDE = 1e-6
# An end before the optimum says a gap that a multistart found; it is not asked for more digits.
OPEN_GAP = 0.01


@dataclasses.dataclass(frozen=True)
class Finding:
    """A kind (see above) and a sentence with the numbers."""

    kind: str
    what: str


def show(beta: float) -> str:
    """Beta with the digits that matter, also next to one."""
    return f"{beta:.12g}" if not 0 < beta - 1 < 1e-3 else f"1 + {beta - 1:.8g}"


def digits_of(transition: PhaseTransition) -> float:
    """The share of beta − 1 to which a transition is known."""
    if transition.certified or transition.beta <= 1:
        return SAME_BETA
    return max(SAME_BETA, math.sqrt(HIDDEN / (transition.beta - 1)))


def slack(beta: float) -> float:
    return SLACK + ROUNDING * abs(beta)


def is_near(beta: float, other: float, digits: float) -> bool:
    """Whether two betas agree within a share `digits` of what they are above one."""
    return abs(beta - other) <= digits * abs(other - 1) + LEAST_BETA


def is_converged(status: str) -> bool:
    # Closed forms add a reason behind a colon.
    return status == "converged" or status.startswith("converged:")


def check_finite(solution: IBSolution) -> Iterator[Finding]:
    numbers = [solution.beta, solution.i_xt, solution.i_ty, solution.lagrangian, solution.residual]
    values = np.concatenate([numbers, solution.p_t, solution.p_y_given_t.ravel()])
    if not np.isfinite(values).all():
        yield Finding("nan", f"not finite at beta = {show(solution.beta)}: {solution.status}")
    elif not math.isfinite(solution.gap) and is_converged(solution.status):
        yield Finding("nan", f"converged with a gap of {solution.gap} at {show(solution.beta)}")


def check_solution(
    joint: np.ndarray, solution: IBSolution, tol: float = TOL, seed: int = 0, maps: int = 1500
) -> Iterator[Finding]:
    """One solution: finite, honest, the values of its own encoder, no violator, no lower L."""
    at = f"beta = {show(solution.beta)} ({solution.n_clusters} clusters, gap {solution.gap:.2g})"
    problems = list(check_finite(solution))
    if problems:
        yield from problems
        return
    weights, decoders = solution.p_t, solution.p_y_given_t
    if not (
        np.abs(decoders.sum(axis=1) - 1).max() < 1e-9
        and abs(weights.sum() - 1) < 1e-9
        and (weights > 0).all()
        and (decoders >= 0).all()
    ):
        yield Finding("broken", f"weights or decoders are no probabilities at {at}")
        return
    converged = is_converged(solution.status)
    if converged and not solution.gap <= tol:
        yield Finding("false", f"converged with a gap above {tol:g} at {at}")
    if not converged:
        yield Finding("open", f"{at}: {solution.status}")
    problem = violators.Problem.of(joint, solution.beta)
    i_xt, i_ty = problem.informations(weights, decoders)
    # A state that is not stationary has an encoder and decoders that differ; not if it converged.
    off = max(abs(i_xt - solution.i_xt), abs(i_ty - solution.i_ty))
    if converged and not off <= INFORMATION:
        yield Finding("broken", f"I(X;T) or I(T;Y) is {off:.2g} off its own encoder's at {at}")
    off = abs(solution.i_xt - solution.beta * solution.i_ty - solution.lagrangian)
    if not off <= slack(solution.beta):
        yield Finding("broken", f"L is {off:.2g} off I(X;T) − beta I(T;Y) at {at}")
    yield from check_certificate(problem, solution, at, seed, maps)


def check_certificate(
    problem: violators.Problem, solution: IBSolution, at: str, seed: int, maps: int
) -> Iterator[Finding]:
    """An independent search for Φ above the gap, and Blahut–Arimoto with what it found."""
    weights, decoders, gap = solution.p_t, solution.p_y_given_t, solution.gap
    found = violators.search(problem, weights, decoders, np.random.default_rng(seed))
    log_phi = float(found.log_phi[0])
    converged = is_converged(solution.status)
    gap = gap if math.isfinite(gap) else math.inf
    allowed = gap + TOL if converged else (1 + OPEN_GAP) * gap + TOL
    if solution.gap_search == "unfinished":
        # Data processing bounds L, of a state that no search has been at: Φ may be anything.
        allowed = math.inf
    if not log_phi <= allowed + slack(problem.beta):
        yield Finding("false", f"log Phi = {log_phi:.3g} at {at}, {solution.gap_search}")
    own = problem.free_energy(problem.log_z(weights, decoders))
    is_cut = bool(((problem.rows > 0) & (problem.rows < COUPLING)).any())
    above = gap + slack(problem.beta) + (CUT if is_cut else 0.0)
    if converged and not own - solution.lagrangian <= above:
        yield Finding(
            "broken", f"F of the state is {own - solution.lagrangian:.2g} above L at {at}"
        )
    if log_phi > slack(problem.beta):
        lower = violators.improve(problem, weights, decoders, found, maps)
        gain = solution.lagrangian - lower
        if not gain <= gap + slack(problem.beta):
            yield Finding("false", f"an L lower by {gain:.3g} exists at {at}")


def check_points(curve: IBCurve, tol: float = TOL) -> Iterator[Finding]:
    """Every invariant of the points of a curve, of all pairs where it has pairs."""
    for s in curve.solutions:
        yield from check_finite(s)
        if is_converged(s.status) and not s.gap <= tol:
            yield Finding("false", f"a point at {show(s.beta)} converged with a gap of {s.gap:.2g}")
    beta, rate, relevance, gap = curve.beta, curve.i_xt, curve.i_ty, curve.gap
    if not np.isfinite(np.concatenate([beta, rate, relevance])).all():
        return
    gap = np.where(np.isfinite(gap), gap, math.inf)
    steps = np.diff(beta)
    if not (steps >= 0).all():
        yield Finding("broken", f"beta falls from {beta[:-1][steps < 0][0]:.12g}")
    for name, values in (("I(X;T)", rate), ("I(T;Y)", relevance)):
        falls = -np.diff(values)
        if not (falls <= INFORMATION).all():
            i = int(np.argmax(falls))
            yield Finding("broken", f"{name} falls by {falls[i]:.3g} after beta = {show(beta[i])}")
    if not (relevance <= np.minimum(rate, curve.i_xy) + slack(1.0)).all():
        yield Finding("broken", "I(T;Y) exceeds I(X;T) or I(X;Y)")
    if not (np.minimum(rate, relevance) >= -slack(1.0)).all():
        yield Finding("broken", "an information is negative")
    # No point beats another at its own beta: slope 1/beta and concavity of the curve, and L
    # concave and falling in beta, are all consequences of this for exact points.
    values = rate[None, :] - beta[:, None] * relevance[None, :]
    gain = values.diagonal()[:, None] - values - gap[:, None] - slack(float(beta.max()))
    if not (gain <= 0).all():
        i, j = np.unravel_index(np.argmax(gain), gain.shape)
        yield Finding(
            "broken",
            f"at beta = {show(beta[i])} the point of {show(beta[j])} is {gain[i, j]:.3g} better",
        )
    yield from _check_slopes(curve, gap)


def _check_slopes(curve: IBCurve, gap: np.ndarray) -> Iterator[Finding]:
    """Chords of the curve have slopes between 1/beta of their ends; L is concave and falls."""
    beta, rate, relevance = curve.beta, curve.i_xt, curve.i_ty
    lagrangian = rate - beta * relevance
    for i, j in itertools.pairwise(range(len(beta))):
        run, rise = rate[j] - rate[i], relevance[j] - relevance[i]
        for at, sign in ((i, 1.0), (j, -1.0)):
            excess = sign * (beta[at] * rise - run)
            if not excess <= gap[at] + slack(beta[at]):
                yield Finding(
                    "broken",
                    f"the slope between beta = {show(beta[i])} and {show(beta[j])} is off 1/beta: "
                    f"{excess:.2g} nats",
                )
        if not lagrangian[j] <= lagrangian[i] + gap[j] + slack(beta[j]):
            yield Finding("broken", f"L rises after beta = {show(beta[i])}")
    for i, j in itertools.pairwise(range(1, len(beta))):
        width = beta[j] - beta[i - 1]
        if width > 0:
            share = (beta[i] - beta[i - 1]) / width
            chord = (1 - share) * (lagrangian[i - 1] - gap[i - 1])
            chord += share * (lagrangian[j] - gap[j])
            if not lagrangian[i] >= chord - slack(beta[j]):
                yield Finding("broken", f"L is not concave at beta = {show(beta[i])}")


def describe(t: PhaseTransition) -> str:
    return f"{t.mechanism} {t.clusters_before} to {t.clusters_after} at {show(t.beta)}"


def check_transitions(curve: IBCurve, *, turns: bool = False) -> Iterator[Finding]:
    """Transitions: finite, ordered, inside, orders that fit jumps, clusters that fit points.

    Where classes `turn` into one another the number of clusters is not looked at.
    """
    found = curve.transitions
    last = float(curve.beta[-1]) if len(curve.solutions) else math.nan
    for t in found:
        numbers = [t.beta, t.jump_i_xt, t.jump_i_ty]
        if not np.isfinite(numbers).all():
            yield Finding("nan", f"{describe(t)} has numbers that are not finite")
        if not 1 - 1e-12 <= t.beta <= last * (1 + 1e-12):
            yield Finding("broken", f"{describe(t)} lies outside 1 to {last:.12g}")
        if t.order not in (1, 2) or (t.order == 1) != (t.jump_i_xt > 0):
            yield Finding("broken", f"{describe(t)}: order {t.order}, jump {t.jump_i_xt:.3g}")
        if t.beta_local < t.beta - 1e-8 * (t.beta - 1) - LEAST_BETA:
            yield Finding("broken", f"{describe(t)}: beta_local = {show(t.beta_local)} is below")
        stays = t.clusters_before == t.clusters_after
        if stays and not turns and t.mechanism not in ("jump", "unresolved"):
            yield Finding("broken", f"{describe(t)}: nothing changes")
    if found and found[0].clusters_before != 1:
        yield Finding("broken", f"the first transition is {describe(found[0])}")
    for first, second in itertools.pairwise(found):
        if not first.beta <= second.beta:
            yield Finding("broken", f"{describe(first)} comes before {describe(second)}")
        if first.clusters_after != second.clusters_before and not turns:
            yield Finding("broken", f"{describe(first)} is followed by {describe(second)}")
    if not turns:
        yield from _check_counts(curve)


def _check_counts(curve: IBCurve) -> Iterator[Finding]:
    betas = np.array([t.beta for t in curve.transitions])
    for s in curve.solutions:
        above = max(s.beta - 1, 0.0)
        if (np.abs(betas - s.beta) <= BESIDE * above + LEAST_BETA).any():
            continue
        passed = int(np.searchsorted(betas, s.beta))
        expected = curve.transitions[passed - 1].clusters_after if passed else 1
        if s.n_clusters != expected:
            yield Finding(
                "broken",
                f"{s.n_clusters} clusters at beta = {show(s.beta)}, where the transitions leave "
                f"{expected}",
            )


def check_ends(curve: IBCurve, i_xy: float, fraction: float) -> Iterator[Finding]:
    """What the status says is so."""
    if not abs(curve.i_xy - i_xy) <= slack(1.0):
        yield Finding("broken", f"I(X;Y) is {curve.i_xy:.15g}, not {i_xy:.15g}")
    if not is_converged(curve.status):
        yield Finding("open", f"curve: {curve.status}")
        return
    if len(curve.solutions) == 0 or not curve.i_ty[-1] >= fraction * i_xy - slack(1.0):
        yield Finding("false", f"the curve converged without reaching {fraction:g} of I(X;Y)")
    for s in curve.solutions:
        if not is_converged(s.status):
            yield Finding("open", f"point at beta = {show(s.beta)}: {s.status}")
    for t in curve.transitions:
        if not t.certified:
            yield Finding("open", f"{describe(t)} is not certified")


def check_between(curve: IBCurve, solution: IBSolution) -> Iterator[Finding]:
    """L of `solve` against what the points of the curve leave possible at its beta."""
    beta, b = curve.beta, solution.beta
    values = curve.i_xt - b * curve.i_ty
    gap = np.where(np.isfinite(curve.gap), curve.gap, math.inf)
    own_gap = solution.gap if math.isfinite(solution.gap) else math.inf
    upper = float(values.min())
    if not solution.lagrangian <= upper + own_gap + slack(b):
        yield Finding(
            "broken",
            f"solve ends {solution.lagrangian - upper:.3g} above the curve's L at {show(b)}",
        )
    at = int(np.searchsorted(beta, b))
    if 0 < at < len(beta) and beta[at] > beta[at - 1]:
        own = curve.i_xt - beta * curve.i_ty - gap
        lower = float(np.interp(b, beta[at - 1 : at + 1], own[at - 1 : at + 1]))
        if not solution.lagrangian >= lower - slack(b):
            yield Finding(
                "false",
                f"solve is {lower - solution.lagrangian:.3g} below the curve's bound at {show(b)}",
            )


def check_same(
    one: IBCurve, other: IBCurve, what: str, *, turns: bool = False
) -> Iterator[Finding]:
    """Two curves of one channel: L at each other's betas, and the transitions up to the end.

    Where classes `turn` into one another neither the number of clusters is looked at, nor
    continuous transitions after the first: other atoms of the same Z may take over at any beta.
    """
    for a, b in ((one, other), (other, one)):
        for s in b.solutions:
            if a.beta[0] <= s.beta <= a.beta[-1] and math.isfinite(s.gap):
                for finding in check_between(a, s):
                    yield Finding(finding.kind, f"{what}: {finding.what}")
    ends = [float(curve.beta[-1]) for curve in (one, other)]
    end = min(ends) - SAME_BETA * (min(ends) - 1)
    lists = [[t for t in curve.transitions if t.beta < end] for curve in (one, other)]
    if turns:
        lists = [[*each[:1], *(t for t in each[1:] if t.order == 1)] for each in lists]
    if any(not t.certified or t.mechanism == "unresolved" for each in lists for t in each):
        return
    if len(lists[0]) != len(lists[1]):
        yield Finding("broken", f"{what}: {len(lists[0])} and {len(lists[1])} transitions")
        return
    for s, t in zip(*lists, strict=True):
        counts = [(u.clusters_before, u.clusters_after) for u in (s, t)]
        is_one = s.order == t.order and (turns or counts[0] == counts[1])
        if not is_near(s.beta, t.beta, SAME_BETA) or not is_one:
            yield Finding("broken", f"{what}: {describe(s)} against {describe(t)}")
