"""The audit of one member of the zoo: every call that a user would make, every check."""

import dataclasses
import math
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from bottleneck.zoo import Member
from bottleneck.zoo_closed_forms import ClosedForm

import ibcollapse as ib
from benchmarks import audit_checks as checks
from benchmarks import violators
from benchmarks.audit_checks import Finding, slack

Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much of a member is looked at.

    Attributes
    ----------
    n_points, fraction
        As of `trace_curve`.
    states : int
        Points of a curve whose certificates are searched independently.
    between : int
        Betas between the points of a curve at which `solve` is asked as well.
    time_limit : float
        Seconds of each call; one may compute `LATE` times that before it counts as too late.
    maps : int
        Blahut–Arimoto maps from a violator down to the lower L.
    """

    n_points: int = 20
    fraction: float = 0.85
    states: int = 12
    between: int = 3
    time_limit: float = 15.0
    maps: int = 1500


THOROUGH = Effort()
QUICK = Effort(n_points=8, fraction=0.7, states=3, between=1, time_limit=10.0, maps=300)
# A call that computes so much longer than its limit has not looked at it: a factor, and seconds of
# a slow machine. Computing time: others may keep the processor.
LATE, LATE_SECONDS = 2.0, 10.0


class Auditor:
    """Collects what is found; a call that raises is a finding, too, and the audit goes on."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.findings: list[Finding] = []

    def add(self, found: Iterator[Finding], where: str = "") -> None:
        self.findings += [Finding(f.kind, f"{where}{f.what}") for f in found]

    def call(self, what: str, function: Callable[[], Result]) -> Result | None:
        """The result of the call, or None and a finding."""
        start = time.process_time()
        try:
            return function()
        except Exception as error:
            last = traceback.format_exception_only(error)[-1].strip()
            places = traceback.extract_tb(error.__traceback__)
            at = f"{places[-1].name}, line {places[-1].lineno}" if places else "?"
            self.findings.append(Finding("crash", f"{what}: {last[:200]} ({at})"))
            return None
        finally:
            taken = time.process_time() - start
            if taken > LATE * self.effort.time_limit + LATE_SECONDS:
                self.findings.append(Finding("time", f"{what} computed for {taken:.0f} s"))


def disguised(joint: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same channel with rows and columns permuted and some rows parted in equal ones."""
    n = len(joint)
    copies = rng.permutation(np.concatenate([np.arange(n), rng.integers(n, size=max(1, n // 4))]))
    shares = rng.uniform(0.2, 1.0, len(copies))
    shares /= np.bincount(copies, shares)[copies]
    table = (joint[copies] * shares[:, None])[:, rng.permutation(joint.shape[1])]
    return table / table.sum()


def audit(member: Member, effort: Effort = THOROUGH) -> list[Finding]:
    """Everything that is wrong with the engine on this member."""
    auditor = Auditor(effort)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onset = _audit_onset(auditor, member)
        if member.audit == "trace":
            _audit_curve(auditor, member, onset)
        else:
            _audit_betas(auditor, member, onset)
    return auditor.findings


def _audit_onset(auditor: Auditor, member: Member) -> float:
    closed, joint = member.closed, member.joint
    onset = auditor.call("onset_beta", lambda: ib.onset_beta(joint))
    local = auditor.call("onset_beta_local", lambda: ib.onset_beta_local(joint))
    for name, value, known in (
        ("onset_beta", onset, closed.onset),
        ("onset_beta_local", local, closed.onset_local),
    ):
        if value is None or known is None:
            continue
        near = value == known or checks.is_near(value, known, closed.digits)
        if not near:
            auditor.findings.append(
                Finding("broken", f"{name} is {checks.show(value)}, not {checks.show(known)}")
            )
    if onset is None:
        return math.nan
    if not onset >= 1 - 1e-12 or (local is not None and not onset <= local * (1 + 1e-9)):
        auditor.findings.append(Finding("broken", f"onset {onset} against a local one of {local}"))
    if math.isfinite(onset) and onset - 1 > 1e-6:
        auditor.add(_check_before_onset(member, onset))
    return onset


def _check_before_onset(member: Member, onset: float) -> Iterator[Finding]:
    """Just below the onset, no decoder may improve on the trivial representation."""
    problem = violators.Problem.of(member.joint, 1 + (onset - 1) * (1 - 1e-3))
    trivial = np.ones(1), problem.p_y[None, :]
    found = violators.search(problem, *trivial, np.random.default_rng(0))
    if not found.log_phi[0] <= checks.TOL + slack(problem.beta):
        yield Finding(
            "false", f"onset_beta = {onset:.12g}, but log Phi = {found.log_phi[0]:.3g} below it"
        )


def _trace(auditor: Auditor, joint: np.ndarray, what: str, seed: int = 0) -> ib.IBCurve | None:
    effort = auditor.effort
    return auditor.call(
        what,
        lambda: ib.trace_curve(
            joint,
            n_points=effort.n_points,
            fraction=effort.fraction,
            time_limit=effort.time_limit,
            seed=seed,
        ),
    )


def _audit_curve(auditor: Auditor, member: Member, onset: float) -> None:
    joint, effort = member.joint, auditor.effort
    curve = _trace(auditor, joint, "trace_curve")
    if curve is None:
        return
    auditor.add(checks.check_points(curve))
    auditor.add(checks.check_transitions(curve, turns=member.closed.turns))
    i_xy = violators.Problem.of(joint, 1.0).i_xy
    auditor.add(checks.check_ends(curve, i_xy, effort.fraction))
    if any(f.kind == "nan" for f in auditor.findings):
        return
    rng = np.random.default_rng(len(curve.solutions))
    for solution in _chosen(curve, effort.states, rng):
        auditor.add(checks.check_solution(joint, solution, maps=effort.maps), "curve: ")
    auditor.add(_check_closed(member.closed, curve.solutions))
    auditor.add(_check_known_transitions(member.closed, curve))
    auditor.add(_check_first(curve, onset))
    if len(curve.solutions) > 1 and curve.beta[-1] > 1:
        # By geometric shares of beta − 1, and one between the last two points.
        for share in rng.uniform(0.0, 1.0, effort.between):
            at = share * (len(curve.solutions) - 1)
            beta = float(np.interp(at, np.arange(len(curve.solutions)), curve.beta))
            solved = _solve(auditor, member, beta)
            if solved is not None:
                auditor.add(checks.check_between(curve, solved))
    other = _trace(auditor, disguised(joint, rng), "trace_curve of the disguised channel", seed=1)
    if other is not None:
        auditor.add(f for f in checks.check_points(other) if f.kind == "nan")
        what = "permuted, duplicated, other seed"
        auditor.add(checks.check_same(curve, other, what, turns=member.closed.turns))


def _chosen(curve: ib.IBCurve, most: int, rng: np.random.Generator) -> list[ib.IBSolution]:
    """The state of most clusters, the last, and random others, by beta."""
    n = len(curve.solutions)
    kept = {int(np.argmax(curve.n_clusters)), n - 1} if n else set()
    kept |= set(rng.permutation(n)[: max(0, most - len(kept))].tolist())
    return [curve.solutions[i] for i in sorted(kept)]


def _solve(
    auditor: Auditor, member: Member, beta: float, joint: np.ndarray | None = None, seed: int = 0
) -> ib.IBSolution | None:
    """`solve`, its own checks and its closed form."""
    effort = auditor.effort
    table = member.joint if joint is None else joint
    what = f"solve at beta = {checks.show(beta)}"
    solved = auditor.call(
        what, lambda: ib.solve(table, beta, time_limit=effort.time_limit, seed=seed)
    )
    if solved is None:
        return None
    found = list(checks.check_solution(table, solved, maps=effort.maps))
    auditor.add(iter(found), "solve: ")
    if any(f.kind == "nan" for f in found):
        return None
    auditor.add(_check_closed(member.closed, (solved,)))
    return solved


def _audit_betas(auditor: Auditor, member: Member, onset: float) -> None:
    rng = np.random.default_rng(0)
    solutions = []
    for beta in member.betas(onset):
        one = _solve(auditor, member, beta)
        other = _solve(auditor, member, beta, disguised(member.joint, rng), seed=1)
        solutions += [one] if one is not None else []
        if one is not None and other is not None:
            gaps = [s.gap if math.isfinite(s.gap) else math.inf for s in (one, other)]
            if not abs(one.lagrangian - other.lagrangian) <= max(gaps) + slack(beta):
                off = abs(one.lagrangian - other.lagrangian)
                auditor.findings.append(
                    Finding(
                        "broken",
                        f"the disguised channel's L differs by {off:.3g} at {checks.show(beta)}",
                    )
                )
    for s in solutions:
        for t in solutions:
            gain = s.lagrangian - (t.i_xt - s.beta * t.i_ty)
            if not gain <= (s.gap if math.isfinite(s.gap) else math.inf) + slack(s.beta):
                auditor.findings.append(
                    Finding(
                        "false",
                        f"at {checks.show(s.beta)} the state of {checks.show(t.beta)} is "
                        f"{gain:.3g} better",
                    )
                )


def _check_closed(closed: ClosedForm, solutions: tuple[ib.IBSolution, ...]) -> Iterator[Finding]:
    if closed.lagrangian is None:
        return
    for s in solutions:
        known = closed.lagrangian(s.beta)
        gap = s.gap if math.isfinite(s.gap) else math.inf
        if not -1e-9 - slack(s.beta) <= s.lagrangian - known <= gap + 1e-9 + slack(s.beta):
            yield Finding(
                "false" if checks.is_converged(s.status) else "broken",
                f"L = {s.lagrangian:.12g} at beta = {checks.show(s.beta)}, by the closed form "
                f"{known:.12g}",
            )


def _check_first(curve: ib.IBCurve, onset: float) -> Iterator[Finding]:
    """The first transition is at `onset_beta`, which does not use the curve's code."""
    if not math.isfinite(onset) or not curve.transitions:
        return
    first = curve.transitions[0]
    if first.beta == 1 and onset - 1 <= 10 * checks.COUPLING:
        # Groups of classes that only such couplings connect part at one.
        return
    if not checks.is_near(first.beta, onset, checks.digits_of(first)):
        yield Finding("broken", f"{checks.describe(first)}, but onset_beta is {checks.show(onset)}")


def _check_known_transitions(closed: ClosedForm, curve: ib.IBCurve) -> Iterator[Finding]:
    if closed.transitions is None or not checks.is_converged(curve.status):
        return
    found = [(t.beta, t.order) for t in curve.transitions]
    known = closed.transitions
    if len(found) != len(known) or any(
        not checks.is_near(b, k, 1e-7) or o != order
        for (b, o), (k, order) in zip(found, known, strict=False)
    ):
        yield Finding("broken", f"transitions (beta, order) {found}, by the closed form {known}")
