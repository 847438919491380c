"""Annealing up and down through transitions whose branches have closed forms."""

import numpy as np
import pytest
from known_channels import binary_symmetric, deterministic, symmetric, wu_fischer
from scipy.optimize import minimize_scalar

from ibcollapse.bottleneck import find_transitions, solve, trace_hysteresis
from ibcollapse.errors import InputError
from ibcollapse.serialize import load_result, save


def upper_fold(n_classes, mixing):
    """Smallest beta of the branch with an atom for each class: where it folds back.

    On it beta(z) = A'(z)/B'(z), A and B being I(X;T) and I(T;Y) of the symmetric channel.
    """

    def beta(z):
        s = (1 + (n_classes - 1) * z) / n_classes
        t = mixing * s + (1 - mixing) / n_classes
        rise = np.log((n_classes - 1) * t / (1 - t))
        return np.log((n_classes - 1) * s / (1 - s)) / (mixing * rise)

    return minimize_scalar(
        beta, bounds=(1e-3, 0.999), method="bounded", options={"xatol": 1e-9}
    ).fun


@pytest.fixture(scope="module")
def potts():
    channel = symmetric(3, 0.5)
    [jump] = find_transitions(channel)
    return channel, trace_hysteresis(channel, jump, n_points=14)


def test_both_ends_of_stability_are_those_of_the_closed_form(potts):
    _, loop = potts
    assert loop.beta_up == pytest.approx(4.0, rel=1e-9)
    assert loop.beta_down == pytest.approx(upper_fold(3, 0.5), rel=1e-6)
    assert loop.width == pytest.approx(0.1133, abs=1e-4)


def test_each_way_stays_on_its_branch_until_it_ends(potts):
    _, loop = potts
    for solution in loop.up:
        assert (solution.n_clusters == 1) == (solution.beta < loop.beta_up)
    for solution in loop.down:
        assert (solution.n_clusters == 3) == (solution.beta > loop.beta_down)
    assert [s.beta for s in loop.up] == [s.beta for s in loop.down[::-1]]


def test_only_solutions_on_the_wrong_side_of_the_transition_carry_a_gap(potts):
    channel, loop = potts
    for solution in (*loop.up, *loop.down):
        is_lower = solution.n_clusters == 1
        on_its_side = (solution.beta < loop.transition.beta) == is_lower
        assert solution.converged == on_its_side
        best = solve(channel, solution.beta)
        # The gap is an upper bound of what the local optimum misses.
        assert -1e-9 <= solution.lagrangian - best.lagrangian <= solution.gap + best.gap


def test_a_nucleation_has_hysteresis_on_one_side_only():
    channel = wu_fischer()
    onset = find_transitions(channel, fraction=0.3)[0]
    loop = trace_hysteresis(channel, onset, n_points=8)
    # Wu et al.: global 1.937899, local 2.073443.
    assert loop.beta_down == onset.beta == pytest.approx(1.937899, abs=1e-6)
    assert loop.beta_up == pytest.approx(2.073443, abs=1e-6)


def test_a_split_has_no_hysteresis():
    channel = binary_symmetric()
    [split] = find_transitions(channel)
    loop = trace_hysteresis(channel, split, n_points=8)
    assert loop.width == 0.0
    down = {s.beta: s.i_ty for s in loop.down}
    for solution in loop.up:
        assert solution.converged
        assert solution.i_ty == pytest.approx(down[solution.beta], abs=1e-6)


def test_a_deterministic_label_has_no_branches():
    channel = deterministic([0.5, 0.5])
    [jump] = find_transitions(channel)
    with pytest.raises(InputError, match="solve_rate"):
        trace_hysteresis(channel, jump)


def test_fewer_than_four_points_are_refused(potts):
    channel, loop = potts
    with pytest.raises(InputError, match="n_points"):
        trace_hysteresis(channel, loop.transition, n_points=3)


def test_it_survives_its_file(potts, tmp_path):
    _, loop = potts
    again = load_result(save(loop, tmp_path / "loop.json"))
    assert again.beta_down == loop.beta_down
    assert again.transition == loop.transition
    assert [s.i_ty for s in again.up] == [s.i_ty for s in loop.up]
