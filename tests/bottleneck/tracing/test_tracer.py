"""What an error inside a step leaves: everything before it, and a file that goes on from there."""

import logging

import numpy as np
import pytest
from bottleneck.ground_truths import symmetric
from known_channels import wu_fischer

from ibcollapse.bottleneck import Channel, CurveInterrupted, deadline
from ibcollapse.bottleneck import trace_curve as trace
from ibcollapse.bottleneck.tracing import tracer
from ibcollapse.bottleneck.transitions import bracket
from ibcollapse.serialize import load_result

TABLE = Channel.from_joint(np.random.default_rng(2).dirichlet(np.full(24, 0.5)).reshape(8, 3))
QUICK = {"n_points": 12, "fraction": 0.8}
STEPS = [
    ("continued", 2),
    ("continued", 4),
    ("optimal_from", 1),
    ("optimal_from", 4),
    ("resolve", 1),
    ("is_soft", 2),
    ("next_failure", 4),
    ("to_solution", 4),
]
# Many classes take their transitions one by one, and let them wait for their spinodals.
MANY = Channel.from_joint(np.random.default_rng(0).dirichlet(np.full(30, 0.3), 60) / 60)


def fields(curve):
    return [(s.beta, s.i_xt, s.i_ty, s.gap, s.n_clusters) for s in curve.solutions]


def fail_at(monkeypatch, name, number, error):
    """Let call `number` of a function that the tracer uses raise `error`, and no other."""
    plain, calls = getattr(tracer, name), []

    def failing(*given, **options):
        calls.append(1)
        if len(calls) == number:
            raise error
        return plain(*given, **options)

    monkeypatch.setattr(tracer, name, failing)
    return calls


@pytest.mark.parametrize(("name", "number"), STEPS)
def test_a_failing_step_leaves_the_beginning_of_the_curve(monkeypatch, caplog, name, number):
    whole = trace(wu_fischer(), **QUICK)
    calls = fail_at(monkeypatch, name, number, RuntimeError("a fault\nof two lines"))
    part = trace(wu_fischer(), **QUICK)
    assert len(calls) >= number
    n = len(part.solutions)
    assert 1 <= n < len(whole.solutions)
    assert fields(part) == fields(whole)[:n]
    assert part.transitions == whole.transitions[: len(part.transitions)]
    assert part.status.startswith("an internal error stopped")
    assert f"beta = {part.solutions[-1].beta:.9g}" in part.status
    assert "RuntimeError: a fault of two lines" in part.status
    (record,) = [r for r in caplog.records if r.name == "ibcollapse"]
    assert record.levelno == logging.ERROR
    assert "a fault" in str(record.exc_info[1])


def test_an_error_before_the_first_step_leaves_the_trivial_point(monkeypatch):
    fail_at(monkeypatch, "onset_beyond_one", 1, ZeroDivisionError("early"))
    part = trace(wu_fischer(), **QUICK)
    assert [s.n_clusters for s in part.solutions] == [1]
    assert part.status.startswith(f"{deadline.INTERNAL_ERROR} the curve at beta = 1 ")


@pytest.mark.parametrize("name", ["resolve", "optimal_from", "next_failure"])
def test_with_a_file_a_later_call_goes_on_from_before_the_failing_step(monkeypatch, tmp_path, name):
    whole = trace(TABLE, **QUICK, resume=tmp_path / "whole.h5")
    with monkeypatch.context() as broken:
        fail_at(broken, name, 2, MemoryError("too large"))
        part = trace(TABLE, **QUICK, resume=tmp_path / "part.h5")
    assert "MemoryError" in part.status
    assert len(load_result(tmp_path / "part.h5").solutions) == len(part.solutions)
    again = trace(TABLE, **QUICK, resume=tmp_path / "part.h5")
    assert fields(again) == fields(whole)
    assert again.transitions == whole.transitions
    assert again.status == "converged"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_transition_that_cannot_be_finished_ends_the_curve_before_it(monkeypatch, number):
    whole = trace(MANY, max_clusters=8)
    assert len(whole.transitions) > number

    def failing(channel, event):
        failing.calls += 1
        if failing.calls == number:
            raise FloatingPointError("no spinodal")
        return plain(channel, event)

    plain, failing.calls = bracket.spinodal, 0
    monkeypatch.setattr(bracket, "spinodal", failing)
    part = trace(MANY, max_clusters=8)
    n = len(part.solutions)
    assert "FloatingPointError: no spinodal" in part.status
    assert fields(part) == fields(whole)[:n]
    assert part.transitions == whole.transitions[: number - 1]
    # The last point lies before the transition that is missing.
    assert part.solutions[-1].beta <= whole.transitions[number - 1].beta


def test_ctrl_c_still_interrupts(monkeypatch):
    fail_at(monkeypatch, "continued", 3, KeyboardInterrupt())
    with pytest.raises(CurveInterrupted) as stop:
        trace(wu_fischer(), **QUICK)
    whole = trace(wu_fischer(), **QUICK)
    n = len(stop.value.curve.solutions)
    assert fields(stop.value.curve) == fields(whole)[:n]
    assert stop.value.curve.status.startswith("interrupted at beta")


def test_a_rare_value_of_x_gets_as_many_points_as_any_other():
    # All of the curve lies within I(X;T) ≤ H(X), a hundredth to a thousandth of H(Y).
    for rare in (1e-2, 1e-4, 1e-6):
        joint = np.array([[0.9 * rare, 0.1 * rare], [0.1 * (1 - rare), 0.9 * (1 - rare)]])
        curve = trace(joint)
        assert len(curve.solutions) >= 20
        assert np.diff(curve.i_ty).max() < 0.1 * curve.i_xy


def test_points_are_where_they_were_where_the_curve_is_as_long_as_h_y():
    curve = trace(symmetric(4, 0.8), n_points=20)
    assert np.diff(curve.i_xt[3:]).max() <= 1.3 * curve.h_y / 20
