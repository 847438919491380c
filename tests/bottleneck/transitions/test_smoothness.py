"""Arcs without a break, and events that are roots."""

import dataclasses

import numpy as np
import pytest

from ibcollapse import Channel
from ibcollapse.bottleneck.continuation.softness import is_soft
from ibcollapse.bottleneck.objective.mixture import trivial_mixture
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.solver.column_generation import solve_state
from ibcollapse.bottleneck.solver.tangent import tangent
from ibcollapse.bottleneck.transitions.locate import locate
from ibcollapse.bottleneck.transitions.smoothness import is_sharp, on_one_arc

OPTIONS = Options()


def _states(channel, *betas):
    rng = np.random.default_rng(0)
    return [solve_state(channel, beta, trivial_mixture(channel), OPTIONS, rng) for beta in betas]


def _typewriter(n_classes):
    keep = np.eye(n_classes)
    return Channel.from_joint((keep + np.roll(keep, 1, axis=1)) / (2 * n_classes))


@pytest.fixture(scope="module")
def binary():
    return Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])


def test_an_arc_without_a_transition_is_one(binary):
    assert on_one_arc(binary, *_states(binary, 2.0, 2.05), OPTIONS)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.75, 0.95])
def test_a_split_breaks_an_arc_wherever_it_lies_on_it(binary, share):
    # The symmetric binary channel splits at 1 / 0.8².
    low, high = 1.5625 - 0.1 * share, 1.5625 + 0.1 * (1 - share)
    assert not on_one_arc(binary, *_states(binary, low, high), OPTIONS)


def test_a_jump_breaks_an_arc():
    # Three classes, each told right with 2/3: a jump at 3.898735 (theory, section 2).
    channel = Channel.from_joint((0.5 * np.eye(3) + 0.5 / 3) / 3)
    assert not on_one_arc(channel, *_states(channel, 3.8987, 3.8988), OPTIONS)


def test_atoms_on_a_ring_are_soft_and_those_of_two_classes_are_not(binary):
    ring = _typewriter(12)
    assert is_soft(*_states(ring, 1.08))
    assert not is_soft(*_states(binary, 2.0))


def test_a_root_of_the_potential_is_sharp_and_a_mode_that_stays_at_the_bound_is_not():
    rng = np.random.default_rng(1)
    channel = Channel.from_joint(rng.dirichlet(np.full(40, 0.5)).reshape(8, 5))
    (origin,) = _states(channel, 2.5)
    assert origin.gap <= OPTIONS.tol
    slope = tangent(channel, origin.mixture, origin.evaluation, origin.beta)
    (ahead,) = _states(channel, 3.5)
    event = locate(
        channel,
        origin.mixture,
        slope,
        origin.beta,
        ahead.beta,
        channel.log_p_y_given_x,
        ahead.mixture.log_r,
    )
    assert event is not None
    assert is_sharp(channel, origin, event)
    # The branch at the event has the maximum at the bound: seen from there, it has not risen.
    there = dataclasses.replace(
        origin, beta=event.beta, mixture=event.mixture, evaluation=event.evaluation
    )
    later = dataclasses.replace(event, beta=event.beta + 1e-3)
    assert not is_sharp(channel, there, later)
