"""Points and transitions where their betas belong, informations that never fall."""

import dataclasses

import numpy as np
import pytest

from ibcollapse import Channel, solve
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.tracing.assembly import Assembly, _that_change_something
from ibcollapse.bottleneck.transitions.classify import Passage

CHANNEL = Channel.from_joint([[0.4, 0.1], [0.1, 0.4]])
BETAS = (3.2, 3.4, 3.6)


@pytest.fixture(scope="module")
def solved():
    return [solve(CHANNEL, beta) for beta in BETAS]


def _assembly(solutions):
    return Assembly(CHANNEL, Options(), tuple(solutions))


def _moved(solution, beta):
    """The encoder of a solution at another beta, with the gap that it has there."""
    lagrangian = solution.i_xt - beta * solution.i_ty
    gap = lagrangian - solve(CHANNEL, beta).lagrangian
    return dataclasses.replace(solution, beta=beta, lagrangian=lagrangian, gap=gap)


def test_a_point_below_others_is_put_below_them(solved):
    assembly = _assembly(solved[::2])
    assembly.add_passage(Passage((solved[1],)))
    assert [s.beta for s in assembly.solutions] == list(BETAS)


def test_the_ends_of_a_segment_stay_in_their_order(solved):
    upper = _moved(solved[1], BETAS[0])
    assembly = _assembly(())
    assembly.add_passage(Passage((solved[0], upper)))
    assert [s.i_ty for s in assembly.solutions] == [solved[0].i_ty, upper.i_ty]


def test_two_encoders_at_the_wrong_betas_are_exchanged(solved):
    low, high = _moved(solved[2], BETAS[0]), _moved(solved[0], BETAS[2])
    assembly = _assembly([low, high])
    assembly.put_in_order()
    found = assembly.solutions
    assert [s.beta for s in found] == [BETAS[0], BETAS[2]]
    # Each is as good as what is solved there, within the gap that a solve leaves.
    for point, right in zip(found, solved[::2], strict=True):
        assert abs(point.lagrangian - right.lagrangian) <= 1e-9


def test_an_encoder_takes_over_where_time_is_up_and_its_gap_still_bounds_the_optimum(solved):
    low, high = _moved(solved[2], BETAS[0]), _moved(solved[0], BETAS[2])
    assembly = Assembly(CHANNEL, Options(until=0.0), (low, high))
    assembly.put_in_order()
    first, second = assembly.solutions
    assert first.i_ty <= second.i_ty
    for point, right in zip((first, second), solved[::2], strict=True):
        assert point.lagrangian - point.gap <= right.lagrangian + 1e-12


def test_a_fall_that_rounding_hides_is_no_fall_any_more(solved):
    later = dataclasses.replace(
        solved[0], beta=solved[0].beta * (1 + 1e-15), i_ty=solved[0].i_ty - 1e-14
    )
    assembly = _assembly([solved[0], later, solved[2]])
    assembly.put_in_order()
    assert np.diff([s.i_ty for s in assembly.solutions]).min() >= 0
    assert np.diff([s.i_xt for s in assembly.solutions]).min() >= 0


def test_a_point_that_has_not_converged_is_solved_from_the_atoms_beside_it(solved):
    stuck = dataclasses.replace(
        _moved(solve(CHANNEL, 1.0), BETAS[1]), status="nothing lowers the Lagrangian any more"
    )
    assembly = _assembly([solved[0], stuck, solved[2]])
    assembly.put_in_order()
    assert assembly.solutions[1].converged
    # Both are known to their gaps.
    assert abs(assembly.solutions[1].lagrangian - solved[1].lagrangian) <= 1e-9


def test_what_lies_beyond_a_point_with_too_many_clusters_is_cut_with_it(solved):
    assembly = _assembly([solve(CHANNEL, 1.0), *solved])
    assembly.cut_above(1)
    assert [s.n_clusters for s in assembly.solutions] == [1]


def test_a_death_of_an_atom_whose_birth_no_gap_shows_is_no_transition():
    def transition(beta, before, after, order=2):
        return PhaseTransition(
            beta=beta,
            beta_local=beta,
            order=order,
            mechanism="jump" if order == 1 else "split",
            jump_i_xt=0.1 * (order == 1),
            jump_i_ty=0.1 * (order == 1),
            clusters_before=before,
            clusters_after=after,
            multiplicity=1,
            separates=(),
            certified=True,
        )

    seen = [transition(2.0, 1, 3), transition(2.1, 4, 3), transition(2.2, 3, 4)]
    assert _that_change_something(seen) == [seen[0], seen[2]]
    jumps = [seen[0], transition(2.1, 4, 3, order=1)]
    assert _that_change_something(jumps) == jumps
