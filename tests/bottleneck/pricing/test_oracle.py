"""A search that a violator ends early, against the whole one."""

import dataclasses

import numpy as np
import pytest
from bottleneck.ground_truths import symmetric

from ibcollapse.bottleneck import Channel, certify, solve
from ibcollapse.bottleneck.objective.mixture import evaluate, trivial_mixture
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.pricing.ascent import Maxima
from ibcollapse.bottleneck.pricing.oracle import Options, search
from ibcollapse.bottleneck.solver import column_generation as solver
from ibcollapse.bottleneck.solver.column_generation import solve_state
from ibcollapse.bottleneck.solver.initial import first_guess
from ibcollapse.bottleneck.solver.support import refine

BETA = 2.0


@pytest.fixture(scope="module", params=[5, 30])
def unfinished(request):
    """The trivial state of noisy labels far from its optimum: channel, state and its sweep."""
    n_classes = request.param
    rng = np.random.default_rng(0)
    rows = 0.8 * np.eye(n_classes) + 0.2 * rng.dirichlet(np.ones(n_classes), n_classes)
    channel = Channel.from_joint(np.repeat(rows, 3, axis=0) / (3 * n_classes)).reduce()
    state = trivial_mixture(channel)
    return channel, state, evaluate(channel, state, BETA)


def searched(unfinished, hints, enough):
    channel, state, evaluation = unfinished
    rng = np.random.default_rng(1)
    return search(channel, state, evaluation, BETA, Options(), rng, hints, enough)


def test_a_violator_near_a_hint_ends_the_search_among_many_classes(unfinished):
    channel, _, evaluation = unfinished
    hint = np.log(channel.p_y_given_x[:1])
    early, whole = searched(unfinished, hint, 1e-9), searched(unfinished, hint, np.inf)
    # 15 points of 5 classes are small, 90 of 30 are not.
    assert early.is_partial == (channel.n_classes == 30)
    assert not whole.is_partial
    assert 1e-9 < early.gap <= whole.gap + 1e-12
    log_v = potential_weights(channel, evaluation.log_z)
    log_phi, _ = log_potential(channel, log_v, early.maxima.log_r[:1], BETA)
    assert log_phi[0] == pytest.approx(early.maxima.log_phi[0], abs=1e-12)
    if early.is_partial:
        assert len(early.maxima.log_phi) < len(whole.maxima.log_phi)


def test_where_no_hint_violates_the_search_is_whole(unfinished):
    channel, state, _ = unfinished
    found, whole = searched(unfinished, state.log_r, 1e-9), searched(unfinished, None, np.inf)
    assert not found.is_partial
    assert found.gap == pytest.approx(whole.gap, abs=1e-12)
    assert channel.n_classes <= len(found.maxima.log_phi)


def test_a_capped_solution_of_many_classes_reports_the_gap_of_a_whole_search():
    n_classes = 26
    rows = 0.9 * np.eye(n_classes) + 0.1 / n_classes
    channel = Channel.from_joint(rows / n_classes)
    capped = solve(channel, 2.0, max_clusters=3)
    assert capped.n_clusters <= 3
    assert "capped" in capped.status
    verdict = certify(channel, capped.p_t, capped.p_y_given_t, 2.0)
    assert capped.gap == pytest.approx(verdict.gap, rel=1e-6)


def test_beside_a_certified_state_its_own_maxima_do_for_a_whole_search():
    rng = np.random.default_rng(6)
    rows = 0.7 * np.eye(30) + 0.3 * rng.dirichlet(np.ones(30), 30)
    channel = Channel.from_joint(np.repeat(rows, 2, axis=0) / 60).reduce()
    options = Options()
    here = solve_state(channel, BETA, trivial_mixture(channel), options, rng)
    beside = refine(channel, here.mixture, BETA * (1 + 1e-4))
    at = (channel, beside.mixture, beside.evaluation, BETA * (1 + 1e-4), options, rng)
    near, whole = search(*at, here.maxima.log_r, near_hints=True), search(*at, here.maxima.log_r)
    assert near.gap == pytest.approx(whole.gap, abs=1e-12)
    assert not near.is_partial


def test_violators_that_only_the_whole_search_meets_are_still_tried(monkeypatch):
    # Twice nothing is gained: by the first whole search after that the gap is larger again.
    rng = np.random.default_rng(7)
    rows = 0.7 * np.eye(26) + 0.3 * rng.dirichlet(np.ones(26), 26)
    channel = Channel.from_joint(rows / 26)
    honest, calls = solver.search, []

    def lazy(*at, **options):
        found = honest(*at)
        calls.append("enough" in options)
        if "enough" in options and len(calls) < 4:
            # Near the hints nothing but an atom, whose Φ rounding holds for more than one.
            few = Maxima(at[1].log_r[:1], np.array([1e-7]))
            return dataclasses.replace(found, maxima=few, gap=1e-7, is_partial=True)
        return found

    monkeypatch.setattr(solver, "search", lazy)
    monkeypatch.setattr(solver, "_MOST_STALLS", 1)
    start = trivial_mixture(channel)
    found = solve_state(channel, BETA, start, Options(), rng)
    assert calls[:3] == [True, True, False]
    assert found.status == "converged"
    assert found.mixture.n_t == 26


def test_below_a_jump_the_way_back_to_the_trivial_representation_is_found():
    # Three classes jump at 3.898735; the symmetric state past it stays stationary below.
    channel = Channel.from_joint(symmetric(3, 0.5))
    rng = np.random.default_rng(0)
    above = solve_state(channel, 3.8988, first_guess(channel, 4.0)[0], Options(), rng)
    assert above.mixture.n_t == 3
    below = solve_state(channel, 3.8986, above.mixture, Options(), rng)
    assert below.status == "converged"
    assert below.mixture.n_t == 1
