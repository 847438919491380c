"""Rings and typewriters of many classes: any atoms on the circle do as well as any others."""

import numpy as np
import pytest
from bottleneck.zoo import normalised
from bottleneck.zoo_closed_forms import circulant

from ibcollapse import Channel, trace_curve
from ibcollapse.bottleneck.continuation.step import continued
from ibcollapse.bottleneck.solver import column_generation as solver
from ibcollapse.bottleneck.solver.support import refine

N_KEYS = 24


def ring(width):
    angles = 2 * np.pi * np.arange(N_KEYS) / N_KEYS
    near = np.exp((np.cos(angles) - 1) / (2 * np.pi * width / N_KEYS) ** 2)
    return circulant(normalised(near))[0]


def typewriter(error):
    base = np.zeros(N_KEYS)
    base[:2] = 1 - error, error
    return circulant(base)[0]


def solved(channel, beta):
    guess, _ = solver.first_guess(channel, beta)
    return solver.solve_state(channel, beta, guess, solver.Options(), np.random.default_rng(0))


@pytest.mark.parametrize("width", [0.5, 0.8])
def test_curve_of_a_ring_of_24_classes_has_few_points_and_one_transition(width):
    curve = trace_curve(ring(width), n_points=20, fraction=0.85, time_limit=300)
    assert curve.status == "converged"
    assert [t.order for t in curve.transitions] == [2]
    # By I(X;T) twenty of them; micro-steps of modes that are soft made hundreds.
    assert len(curve.solutions) <= 30
    assert curve.gap.max() <= 1e-9


def test_branch_that_falls_over_a_jump_is_lost():
    # Both sides have 24 atoms, those beyond 1.5515 half a step away from those before.
    channel = Channel.from_joint(typewriter(0.5))
    before = solved(channel, 1.5508)
    options, rng = solver.Options(), np.random.default_rng(0)
    near = continued(channel, before, 1.5512, options, rng)
    assert near is not None
    assert near.gap <= 1e-9
    assert continued(channel, before, 1.5815, options, rng) is None


def test_descent_that_is_to_keep_its_atoms_is_over_when_one_is_lost():
    channel = Channel.from_joint(typewriter(0.5))
    state = solved(channel, 1.2)
    kept = refine(channel, state.mixture, 1.0001, keep_atoms=True)
    whole = refine(channel, state.mixture, 1.0001)
    assert whole.mixture.n_t < state.mixture.n_t
    assert kept.mixture.n_t < state.mixture.n_t
    assert kept.n_sweeps <= whole.n_sweeps
