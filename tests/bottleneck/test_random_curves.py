"""Curves of random channels against the invariants of `benchmarks.fuzz_curves`."""

import pytest

from benchmarks.fuzz_curves import broken, random_channel


# Each of these once broke an invariant, or stands for a kind that never did.
@pytest.mark.parametrize("seed", [0, 1, 2, 6, 12, 25, 65, 71, 177, 216])
def test_nothing_is_broken(seed):
    _, curve, found = broken(seed)
    assert found == []
    assert len(curve.solutions) > 1


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 500, 20))
def test_nothing_is_broken_in_five_hundred(first):
    assert [(seed, broken(seed)[2]) for seed in range(first, first + 20) if broken(seed)[2]] == []


def test_a_seed_always_means_the_same_channel():
    assert (random_channel(3)[1].p_x == random_channel(3)[1].p_x).all()
