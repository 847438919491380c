"""The main job on features of real networks, as the README runs it."""

from pathlib import Path

import pytest

import ibcollapse as ib

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("name", ["digits_supcon_a", "digits_ce_a"])
def test_the_classes_of_a_collapsed_network_part_one_by_one(name):
    # Both have their onset at beta − 1 of a few millionths, where rounding makes false transitions.
    analysis = ib.curve(DATA / f"{name}.h5")
    found = analysis.transitions
    assert analysis.curve.status == "converged"
    assert [t.clusters_before for t in found] == list(range(1, 10))
    assert [t.clusters_after for t in found] == list(range(2, 11))
    assert all(t.certified and t.order == 2 for t in found)
    assert all(t.beta <= t.beta_local for t in found)
    # Each parts the classes that one cluster held; together they part all ten.
    assert all(len(t.separates) == 2 for t in found)
    assert sum(len(part) == 1 for t in found for part in t.separates) == 10
