"""The list of transitions that says how its curve ended."""

import copy
import pickle

from known_channels import wu_fischer

import ibcollapse as ib


def test_the_list_is_the_curves_tuple_with_its_status():
    found = ib.find_transitions(wu_fischer(), n_points=8)
    curve = ib.trace_curve(wu_fischer(), n_points=8)
    assert isinstance(found, tuple)
    assert found == curve.transitions
    assert (found.status, found.converged) == ("converged", True)


def test_a_list_that_ends_early_says_so():
    found = ib.find_transitions(wu_fischer(), n_points=8, time_limit=1e-6)
    assert found == ()
    assert found.status.startswith("the time was up")
    assert not found.converged


def test_copies_keep_the_status():
    found = ib.find_transitions(wu_fischer(), n_points=8, beta_max=3.0)
    for other in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert other == found
        assert other.status == found.status != "converged"
