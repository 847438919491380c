"""A solved state knows where it is going: its curvature, tangent and splits, each found once."""

import dataclasses
import importlib

import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.solver.column_generation import solve_state, to_solution
from ibcollapse.bottleneck.solver.initial import first_guess
from ibcollapse.bottleneck.tracing.checkpoint import as_fields, from_fields


def solved(beta):
    channel = Channel.from_joint(WU_FISCHER)
    guess, _ = first_guess(channel, beta)
    return solve_state(channel, beta, guess, Options(), np.random.default_rng(0))


@pytest.fixture
def state():
    return solved(5.0)


def test_the_tangent_of_a_state_is_found_once(state, monkeypatch):
    # The package exports a function of the module's name.
    module = importlib.import_module("ibcollapse.bottleneck.solver.column_generation")
    found, tangent = [], module.tangent
    monkeypatch.setattr(module, "tangent", lambda *at: found.append(tangent(*at)) or found[-1])
    assert state.slope is state.slope
    assert len(found) == 1


def test_the_tangent_is_the_change_of_the_information_with_beta(state):
    step = 1e-4
    before, after = (
        to_solution(state.channel, solved(state.beta + by)).i_ty for by in (-step, step)
    )
    # Central differences of a smooth branch: h² against a slope of order 0.1.
    assert state.slope.i_ty == pytest.approx((after - before) / (2 * step), rel=1e-4)


def test_a_state_moved_elsewhere_has_a_tangent_of_its_own(state):
    there = solved(6.0)
    # Another atom is born in between.
    assert there.slope.i_ty > 2 * state.slope.i_ty
    moved = dataclasses.replace(
        state, beta=6.0, mixture=there.mixture, evaluation=there.evaluation, hessian=None
    )
    assert moved.slope.i_ty == pytest.approx(there.slope.i_ty, rel=1e-6)


def test_a_file_keeps_neither_the_channel_nor_what_was_found_of_a_state(state):
    fields = as_fields(state)
    assert state.slope is not None
    assert set(as_fields(state)) == set(fields)
    assert not {"channel", "hessian", "slope", "splits", "curvature"} & set(fields)
    again = from_fields(state.channel, fields)
    assert again.channel is state.channel
    assert again.slope.i_ty == pytest.approx(state.slope.i_ty, rel=1e-6)
