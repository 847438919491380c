"""What a time limit leaves: a certified beginning, and a file that goes on from it."""

import types

import numpy as np
import pytest
from known_channels import wu_fischer

from ibcollapse.bottleneck import Channel, deadline, solve, trace_curve
from ibcollapse.errors import InputError

TABLE = Channel.from_joint(np.random.default_rng(2).dirichlet(np.full(24, 0.5)).reshape(8, 3))
QUICK = {"n_points": 12, "fraction": 0.8}


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second whenever it is read."""
    read = []
    ticking = types.SimpleNamespace(monotonic=lambda: (read.append(1), float(len(read)))[1])
    monkeypatch.setattr(deadline, "time", ticking)
    return read


def fields(curve):
    return [(s.beta, s.i_xt, s.i_ty, s.gap, s.n_clusters) for s in curve.solutions]


@pytest.mark.parametrize("channel", [wu_fischer(), TABLE], ids=["wu_fischer", "table"])
def test_a_curve_that_ran_out_of_time_is_the_beginning_of_the_whole(clock, channel):
    whole = trace_curve(channel, **QUICK)
    lengths = set()
    for seconds in (1.5, 10, 30, 100, 300, 1000):
        part = trace_curve(channel, **QUICK, time_limit=seconds)
        n = len(part.solutions)
        lengths.add(n)
        assert fields(part) == fields(whole)[:n]
        assert part.transitions == whole.transitions[: len(part.transitions)]
        assert part.is_out_of_time == (part.status != "converged")
        assert not part.is_out_of_time or "raise time_limit" in part.status
    assert len(lengths) >= 3


@pytest.mark.parametrize("seconds", [1.5, 10, 30, 60])
def test_with_a_file_a_later_call_goes_on(clock, tmp_path, seconds):
    whole = trace_curve(TABLE, **QUICK, resume=tmp_path / "whole.h5")
    first = trace_curve(TABLE, **QUICK, resume=tmp_path / "part.h5", time_limit=seconds)
    assert first.is_out_of_time
    again = trace_curve(TABLE, **QUICK, resume=tmp_path / "part.h5")
    assert fields(again) == fields(whole)
    assert again.status == "converged"


def test_a_solution_that_ran_out_of_time_knows_its_gap(clock):
    rng = np.random.default_rng(0)
    channel = Channel.from_joint(rng.dirichlet(np.full(400, 0.3)).reshape(40, 10))
    best = solve(channel, 6.0)
    assert best.converged
    late = solve(channel, 6.0, time_limit=3)
    assert not late.converged
    assert "raise time_limit" in late.status
    above = late.lagrangian - best.lagrangian
    assert 1e-6 < above <= late.gap + 1e-12


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_limit_that_is_none(seconds):
    with pytest.raises(InputError, match=r"time_limit is .*, expected seconds above zero"):
        solve(wu_fischer(), 2.0, time_limit=seconds)
