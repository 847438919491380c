"""The audit finds what is planted: a lost atom, a wrong order, NaN, a crash, a hang."""

import dataclasses
import json

import numpy as np
import pytest
from bottleneck import zoo
from bottleneck.ground_truths import eight_by_five

import ibcollapse as ib
from benchmarks import audit, violators
from benchmarks import audit_checks as checks
from benchmarks.audit_member import QUICK, disguised
from benchmarks.audit_member import audit as audit_member
from benchmarks.rivals import numpy_blahut_arimoto

BETA = 3.0


@pytest.fixture(scope="module")
def joint():
    return eight_by_five()


@pytest.fixture(scope="module")
def solution(joint):
    return ib.solve(joint, BETA)


@pytest.fixture(scope="module")
def curve(joint):
    return ib.trace_curve(joint, n_points=8, fraction=0.7)


def kinds(findings):
    return {finding.kind for finding in findings}


def every_check(curve):
    return [*checks.check_points(curve), *checks.check_transitions(curve)]


def with_points(curve, points):
    return dataclasses.replace(curve, solutions=tuple(points))


def test_nothing_is_found_in_a_true_solution_and_curve(joint, solution, curve):
    i_xy = violators.Problem.of(joint, BETA).i_xy
    assert list(checks.check_solution(joint, solution)) == []
    assert every_check(curve) == []
    assert list(checks.check_ends(curve, i_xy, 0.7)) == []


def without_an_atom(joint, solution, lost):
    """The state that Blahut–Arimoto reaches with one atom less, said to have converged."""
    problem = violators.Problem.of(joint, solution.beta)
    w = np.delete(solution.p_t, lost)
    w, r = w / w.sum(), np.delete(solution.p_y_given_t, lost, axis=0)
    for _ in range(3_000):
        log_w = problem.scores(r) + np.log(w)
        encoder = np.exp(log_w - violators.log_sum(log_w, axis=1)[:, None])
        both = problem.p[:, None] * encoder
        w = both.sum(axis=0)
        r = (both.T @ problem.rows) / w[:, None]
    i_xt, i_ty = problem.informations(w, r)
    return dataclasses.replace(
        solution,
        p_t=w,
        p_y_given_t=r,
        i_xt=i_xt,
        i_ty=i_ty,
        lagrangian=i_xt - solution.beta * i_ty,
        gap=1e-13,
    )


def test_a_lost_atom_is_a_false_certificate(joint, solution):
    for lost in (0, solution.n_clusters - 1):
        found = list(checks.check_solution(joint, without_an_atom(joint, solution, lost)))
        assert kinds(found) == {"false"}, lost
        assert any("log Phi" in f.what for f in found)
        assert any("lower by" in f.what for f in found)


def test_where_random_starts_stop_is_a_violator_and_a_way_down(joint, solution):
    channel = ib.Channel.from_joint(joint)
    rival = numpy_blahut_arimoto(
        channel.p_x, channel.p_y_given_x, BETA, 5, rng=np.random.default_rng(0)
    )
    assert rival.lagrangian > solution.lagrangian + 1e-4
    stuck = without_an_atom(joint, solution, 0)
    problem = violators.Problem.of(joint, BETA)
    found = violators.search(problem, stuck.p_t, stuck.p_y_given_t, np.random.default_rng(0))
    lower = violators.improve(problem, stuck.p_t, stuck.p_y_given_t, found, 5_000)
    assert lower == pytest.approx(solution.lagrangian, abs=1e-9)


def test_a_maximum_of_phi_agrees_with_the_solvers_own(joint, solution):
    problem = violators.Problem.of(joint, BETA)
    for weights, decoders in (
        (np.ones(1), problem.p_y[None, :]),
        (np.full(3, 1 / 3), np.random.default_rng(5).dirichlet(np.ones(5), 3)),
    ):
        found = violators.search(problem, weights, decoders, np.random.default_rng(0))
        assert found.log_phi[0] == pytest.approx(
            ib.certify(joint, weights, decoders, BETA).gap, abs=1e-9
        )


def test_a_decoder_on_a_face_is_escaped():
    # Both atoms lack a class that the rows have: next to the face Φ rises without bound.
    joint = np.array([[0.3, 0.15, 0.05], [0.1, 0.2, 0.2]])
    problem = violators.Problem.of(joint, 1.5)
    decoders = np.array([[0.6, 0.3, 0.1], [0.5, 0.5, 0.0]])
    found = violators.search(problem, np.full(2, 0.5), decoders, np.random.default_rng(0))
    assert found.log_phi[0] > 0.1
    assert (found.decoders[0] > 0).all()


@pytest.mark.parametrize("field", ["p_t", "p_y_given_t"])
def test_nan_in_an_array_is_found(joint, solution, field):
    spoilt = getattr(solution, field).copy()
    spoilt.flat[0] = np.nan
    assert kinds(
        checks.check_solution(joint, dataclasses.replace(solution, **{field: spoilt}))
    ) == {"nan"}


@pytest.mark.parametrize("field", ["i_xt", "i_ty", "lagrangian", "gap"])
def test_nan_in_a_number_is_found(joint, solution, curve, field):
    spoilt = dataclasses.replace(solution, **{field: np.nan})
    assert "nan" in kinds(checks.check_solution(joint, spoilt))
    point = dataclasses.replace(curve.solutions[2], **{field: np.nan})
    points = [*curve.solutions[:2], point, *curve.solutions[3:]]
    assert "nan" in kinds(every_check(with_points(curve, points)))


def test_a_gap_above_its_tolerance_has_not_converged(joint, solution):
    found = checks.check_solution(joint, dataclasses.replace(solution, gap=2e-9))
    assert kinds(found) == {"false"}


def test_a_lagrangian_that_is_not_its_states_own_is_found(joint, solution):
    lower = dataclasses.replace(solution, lagrangian=solution.lagrangian - 1e-6)
    assert kinds(checks.check_solution(joint, lower)) == {"broken"}
    better = dataclasses.replace(lower, i_xt=solution.i_xt - 1e-5, lagrangian=0.0)
    assert "broken" in kinds(checks.check_solution(joint, better))


def test_betas_out_of_order_are_found(curve):
    points = list(curve.solutions)
    points[3], points[4] = points[4], points[3]
    found = every_check(with_points(curve, points))
    assert any("beta falls" in f.what for f in found)
    assert any("I(X;T) falls" in f.what for f in found)


def test_a_point_of_another_branch_is_found(curve):
    n = len(curve.solutions)
    stale = curve.solutions[n // 2]
    kept = dataclasses.replace(
        stale,
        beta=curve.solutions[-2].beta,
        lagrangian=stale.i_xt - curve.solutions[-2].beta * stale.i_ty,
    )
    found = every_check(with_points(curve, [*curve.solutions[:-2], kept, curve.solutions[-1]]))
    assert any("better" in f.what for f in found)


def test_a_transition_that_is_missing_or_moved_is_found(curve):
    few = dataclasses.replace(curve, transitions=curve.transitions[1:])
    assert any("the first transition" in f.what for f in every_check(few))
    first, second, *rest = curve.transitions
    swapped = dataclasses.replace(curve, transitions=(second, first, *rest))
    assert any("comes before" in f.what for f in every_check(swapped))
    late = dataclasses.replace(first, beta=second.beta - 1e-9)
    moved = dataclasses.replace(curve, transitions=(late, second, *rest))
    assert any("clusters at beta" in f.what for f in every_check(moved))
    beyond = dataclasses.replace(curve.transitions[-1], beta=2 * curve.beta[-1])
    outside = dataclasses.replace(curve, transitions=(*curve.transitions[:-1], beyond))
    assert any("outside" in f.what for f in every_check(outside))


def test_a_curve_that_ends_early_has_not_converged(joint, curve):
    i_xy = violators.Problem.of(joint, BETA).i_xy
    short = with_points(curve, curve.solutions[:-3])
    assert kinds(checks.check_ends(short, i_xy, 0.7)) == {"false"}


def test_an_honest_end_is_no_failure(joint, curve):
    i_xy = violators.Problem.of(joint, BETA).i_xy
    ended = dataclasses.replace(with_points(curve, curve.solutions[:-3]), status="the time was up")
    assert kinds(checks.check_ends(ended, i_xy, 0.7)) == {"open"}
    assert "open" not in checks.FAILURES


def test_solve_above_or_below_the_curve_is_found(curve):
    between = 0.5 * float(curve.beta[4] + curve.beta[5])
    point = curve.at_beta(between)
    lagrangian = point.i_xt - between * point.i_ty
    for off, kind in ((1e-2, "broken"), (-1e-2, "false")):
        wrong = dataclasses.replace(
            curve.solutions[4], beta=between, lagrangian=lagrangian + off, gap=0.0
        )
        wide = with_points(curve, [curve.solutions[0], *curve.solutions[4:6]])
        assert kind in kinds(checks.check_between(wide, wrong))


def test_another_curve_of_a_disguised_channel_is_found(joint, curve):
    same = ib.trace_curve(
        disguised(joint, np.random.default_rng(0)), n_points=8, fraction=0.7, seed=1
    )
    assert list(checks.check_same(curve, same, "disguised")) == []
    other = dataclasses.replace(same, transitions=same.transitions[:-1])
    assert kinds(checks.check_same(curve, other, "disguised")) == {"broken"}
    first = same.transitions[0]
    moved = dataclasses.replace(first, beta=first.beta + 1e-4)
    other = dataclasses.replace(same, transitions=(moved, *same.transitions[1:]))
    assert kinds(checks.check_same(curve, other, "disguised")) == {"broken"}


def test_a_call_that_raises_is_a_crash_and_the_audit_goes_on(monkeypatch):
    def fail(*_args, **_options):
        raise IndexError("planted")

    monkeypatch.setattr(ib, "trace_curve", fail)
    found = audit_member(zoo.member("symmetric/3/0"), QUICK)
    assert [f.kind for f in found] == ["crash"]
    assert "IndexError: planted" in found[0].what
    monkeypatch.setattr(ib, "onset_beta", fail)
    assert [f.kind for f in audit_member(zoo.member("symmetric/3/0"), QUICK)] == ["crash"] * 2


def test_a_closed_form_that_is_missed_is_found(monkeypatch):
    member = zoo.member("symmetric/3/0")
    wrong = dataclasses.replace(
        member.closed,
        onset=1.001 * member.closed.onset,
        lagrangian=lambda beta: member.closed.lagrangian(1.001 * beta),
        transitions=(),
    )
    found = audit_member(dataclasses.replace(member, closed=wrong), QUICK)
    assert any(f.what.startswith("onset_beta is") for f in found)
    assert any("by the closed form" in f.what for f in found if f.kind == "false")
    assert any("transitions (beta, order)" in f.what for f in found)


@pytest.mark.slow  # Three interpreters start.
def test_a_member_that_takes_too_long_is_ended_and_a_run_goes_on(tmp_path, monkeypatch):
    out = tmp_path / "audit.jsonl"
    monkeypatch.setattr(audit, "KILLED", -1.0)
    audit.run(["dirichlet/40x12/0"], out, 1.0, 1, quick=True)
    (record,) = audit.read(out)
    assert record["findings"][0][0] == "time"
    assert audit.has_failed(record)
    monkeypatch.setattr(audit, "KILLED", 60.0)
    audit.run(["dirichlet/4x3/1"], out, 1.0, 1, quick=True)
    assert [r["name"] for r in audit.read(out)] == ["dirichlet/40x12/0", "dirichlet/4x3/1"]
    assert not audit.has_failed(audit.read(out)[1])


def test_what_a_kill_left_half_written_is_audited_again(tmp_path):
    out = tmp_path / "audit.jsonl"
    assert audit.read(out) == []
    out.write_text('{"name": "ring/4/0"}\n{"name": "ring/')
    assert [record["name"] for record in audit.read(out)] == ["ring/4/0"]


def test_the_table_counts_members_by_kind():
    records = [
        {"name": f"ring/4/{i}", "family": "ring", "seconds": float(i), "findings": found}
        for i, found in enumerate([[], [["open", ""]], [["false", ""], ["false", ""]]])
    ]
    rows = audit.table(json.loads(json.dumps(records)))
    assert rows[1] == ["ring", "3", "0", "0", "1", "0", "1", "0", "1.0"]
    assert rows[-1][:2] == ["all", "3"]
