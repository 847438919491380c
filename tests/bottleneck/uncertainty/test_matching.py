"""Pairing transitions of two curves."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck import PhaseTransition
from ibcollapse.bottleneck.uncertainty.matching import match_betas


def at(beta, mechanism="split", clusters=2):
    return PhaseTransition(
        beta, beta, 2, mechanism, 0.0, 0.0, clusters, clusters + 1, 1, (), certified=True
    )


def test_near_transitions_pair_in_their_order():
    betas = match_betas([at(1.01), at(2.0), at(5.0)], [at(1.012), at(2.2), at(4.7)])
    assert np.array_equal(betas, [1.012, 2.2, 4.7])


def test_one_without_a_partner_is_left_alone():
    betas = match_betas([at(1.01), at(2.0), at(5.0)], [at(1.012), at(5.2)])
    assert np.array_equal(betas, [1.012, np.nan, 5.2], equal_nan=True)


def test_too_far_apart_is_no_pair():
    assert np.isnan(match_betas([at(2.0)], [at(5.1)])).all()
    assert np.array_equal(match_betas([at(2.0)], [at(4.9)]), [4.9])


def test_onsets_pair_at_any_distance():
    found = match_betas([at(1.001, clusters=1), at(1.3)], [at(1.2, clusters=1), at(1.4)])
    assert np.array_equal(found, [1.2, 1.4])


def test_a_death_pairs_with_a_death_only():
    found = match_betas([at(2.0), at(3.0, "death")], [at(2.1, "death"), at(3.1)])
    assert np.count_nonzero(np.isfinite(found)) == 1
    assert found[1] == 2.1 or found[0] == 3.1


def test_nothing_pairs_with_nothing():
    assert match_betas([], [at(2.0)]).shape == (0,)
    assert np.isnan(match_betas([at(2.0)], [])).all()


def cheapest(reference, found):
    """Smallest cost over all pairings in order, tried one by one."""
    x, y = (np.log([t.beta - 1 for t in side]) for side in (reference, found))
    costs = []
    for k in range(min(len(x), len(y)) + 1):
        unpaired = (len(x) + len(y) - 2 * k) * np.log(2)
        for i in itertools.combinations(range(len(x)), k):
            for j in itertools.combinations(range(len(y)), k):
                costs.append(unpaired + sum(abs(x[a] - y[b]) for a, b in zip(i, j, strict=True)))
    return min(costs)


# Excesses over one that make different betas.
excesses = st.lists(
    st.floats(0.01, 10.0), min_size=1, max_size=4, unique_by=lambda excess: 1 + excess
).map(sorted)


@settings(deadline=None)
@given(excesses, excesses)
def test_the_pairing_is_the_cheapest_of_all(ours, theirs):
    reference, found = [at(1 + e) for e in ours], [at(1 + e) for e in theirs]
    betas = match_betas(reference, found)
    paired = np.isfinite(betas)
    cost = np.abs(np.log((betas[paired] - 1) / (np.array([t.beta for t in reference])[paired] - 1)))
    unpaired = len(ours) + len(theirs) - 2 * paired.sum()
    assert cost.sum() + unpaired * np.log(2) == pytest.approx(cheapest(reference, found))
    assert (np.diff(betas[paired]) > 0).all()
