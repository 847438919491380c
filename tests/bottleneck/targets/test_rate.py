"""Solutions at a given rate or relevance."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from known_channels import (
    LOG2,
    binary_symmetric,
    binary_symmetric_point,
    deterministic,
    symmetric,
    two_pairs,
    wu_fischer,
)
from scipy.special import kl_div

from ibcollapse.bottleneck import Channel, certify, solve, solve_rate, solve_relevance
from ibcollapse.errors import InputError


def information_of(channel, p_t_given_x):
    """I(X;T) and I(T;Y) of an encoder (n_x, n_t), written out."""
    joint_xt = channel.p_x[:, None] * p_t_given_x
    joint_ty = joint_xt.T @ channel.p_y_given_x
    values = []
    for joint in (joint_xt, joint_ty):
        independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        values.append(float(np.sum(kl_div(joint, independent))))
    return tuple(values)


@pytest.mark.parametrize("i_xt", [0.01, 0.2, 0.48273, 0.65])
def test_the_rate_of_a_binary_symmetric_channel_is_met(i_xt):
    solution = solve_rate(binary_symmetric(), i_xt=i_xt)
    i_ty, beta = binary_symmetric_point(i_xt)
    assert solution.status == "converged"
    assert solution.i_xt == pytest.approx(i_xt, abs=1e-9)
    # The slope is at most 1/beta < 1, so the relevance is as close as the rate.
    assert solution.i_ty == pytest.approx(i_ty, abs=1e-9)
    assert solution.beta == pytest.approx(beta, rel=1e-6)


def test_relevance_is_met_like_rate():
    # BSC(0.1) at beta = 2: (0.69643273, 0.40723383) bits (Mrs Gerber's lemma).
    solution = solve_relevance(binary_symmetric(), i_ty=0.40723383 * LOG2)
    assert solution.beta == pytest.approx(2.0, abs=1e-6)
    assert solution.i_xt / LOG2 == pytest.approx(0.69643273, abs=1e-7)


@pytest.mark.parametrize(
    ("channel", "i_xt", "beta", "n_classes"),
    [(symmetric(3, 0.5), 0.05, 3.898735, 3), (symmetric(10, 1 - 1 / 9), 0.3, 1.224625, 10)],
)
def test_a_straight_segment_mixes_its_two_phases(channel, i_xt, beta, n_classes):
    solution = solve_rate(channel, i_xt=i_xt)
    assert solution.status == "converged"
    assert solution.beta == pytest.approx(beta, abs=1e-6)
    assert solution.i_xt == pytest.approx(i_xt, abs=1e-9)
    assert solution.i_ty == pytest.approx(i_xt / beta, rel=1e-6)
    # The trivial atom beside one for each class (theory, symmetric channels).
    assert solution.n_clusters == n_classes + 1
    assert certify(channel, solution.p_t, solution.p_y_given_t, solution.beta).gap < 1e-9


def test_just_beyond_a_segment_there_is_one_phase():
    # Its end is at I(X;T) = 0.102855.
    solution = solve_rate(symmetric(3, 0.5), i_xt=0.103)
    assert solution.i_xt == pytest.approx(0.103, abs=1e-9)
    assert solution.n_clusters == 3


def test_rates_far_below_the_spacing_of_a_sweep_are_met_on_a_collapsed_channel():
    # K = 10, error 0.1 %: everything happens within beta < 1.0062.
    channel = symmetric(10, 1 - 1e-3 * 10 / 9)
    for i_xt in (0.1, 0.9, 2.0):
        solution = solve_rate(channel, i_xt=i_xt)
        assert solution.status == "converged"
        assert solution.i_xt == pytest.approx(i_xt, abs=1e-9)
        assert 1.0019 < solution.beta < 1.0062


@pytest.mark.parametrize("i_xt", [0.0, 0.4, 1.0])
def test_a_deterministic_channel_reaches_every_rate(i_xt):
    channel = deterministic([0.5, 0.3, 0.2])
    for solution in (solve_rate(channel, i_xt=i_xt), solve_relevance(channel, i_ty=i_xt)):
        assert (solution.beta, solution.gap, solution.status) == (1.0, 0.0, "converged")
        # Sums of a few terms of order one.
        assert solution.i_xt == pytest.approx(i_xt, abs=1e-14)
        assert solution.i_ty == pytest.approx(i_xt, abs=1e-14)


def test_all_of_a_deterministic_label_is_the_label():
    channel = deterministic([0.5, 0.3, 0.2])
    solution = solve_rate(channel, i_xt=channel.h_y)
    assert np.array_equal(solution.p_y_given_t, np.eye(3))


def test_rates_just_above_a_nucleation_are_met():
    # The new atom's weight grows from zero at beta = 1.937899: no jump, yet a curve this flat.
    solution = solve_rate(wu_fischer(), i_xt=1e-4)
    assert solution.i_xt == pytest.approx(1e-4, abs=1e-9)
    assert 1.937899 < solution.beta < 1.93799


@pytest.mark.parametrize("i_xt", [1e-7, 1e-6])
def test_rates_that_the_free_energy_cannot_resolve_are_met_by_mixtures(i_xt):
    # At the continuous onset L is of the order of the square of the rate: below rounding.
    solution = solve_rate(binary_symmetric(), i_xt=i_xt, tol=1e-12)
    assert solution.status == "converged"
    assert solution.i_xt == pytest.approx(i_xt, abs=1e-12)
    assert solution.i_ty == pytest.approx(0.64 * i_xt, rel=1e-4)


joints = st.integers(0, 10_000).map(
    lambda seed: np.random.default_rng(seed).dirichlet(np.full(15, 0.7)).reshape(5, 3)
)


@settings(max_examples=12, deadline=None)
@given(joints, st.floats(0.1, 0.7))
def test_no_encoder_of_that_rate_knows_more(joint, share):
    channel = Channel.from_joint(joint)
    solution = solve_relevance(channel, i_ty=share * channel.i_xy)
    assert solution.status == "converged"
    assert solution.i_ty == pytest.approx(share * channel.i_xy, abs=1e-9)
    rng = np.random.default_rng(0)
    for concentration in (0.05, 0.3, 1.0):
        i_xt, i_ty = information_of(channel, rng.dirichlet(np.full(4, concentration), 5))
        # The supporting line of slope 1/beta at the solution lies above every encoder.
        assert i_ty <= solution.i_ty + (i_xt - solution.i_xt) / solution.beta + 1e-8


@settings(max_examples=10, deadline=None)
@given(joints, st.floats(1.2, 4.0))
def test_the_rate_of_a_solution_leads_back_to_it(joint, factor):
    channel = Channel.from_joint(joint)
    forward = solve(channel, 1 + factor)
    back = solve_rate(channel, i_xt=forward.i_xt)
    assert back.i_ty == pytest.approx(forward.i_ty, abs=1e-8)


def test_a_larger_sample_is_met_through_its_merged_points():
    channel = two_pairs()
    half = 0.5 * channel.h_y
    solution = solve_rate(channel, i_xt=half)
    assert solution.status == "converged"
    assert solution.i_xt == pytest.approx(half, abs=1e-9)


def test_all_of_the_information_is_reached_to_rounding_or_the_status_says_so():
    channel = binary_symmetric()
    solution = solve_relevance(channel, i_ty=channel.i_xy)
    reached = abs(solution.i_ty - channel.i_xy) <= 1e-9
    assert reached == solution.converged
    assert reached or "ask for less" in solution.status
    assert solution.i_ty == pytest.approx(channel.i_xy, rel=1e-6)


@pytest.mark.parametrize("i_xt", [-1.0, 0.7, np.nan])
def test_a_rate_that_no_representation_has_is_refused(i_xt):
    with pytest.raises(InputError, match="H\\(X\\) of the merged points"):
        solve_rate(binary_symmetric(), i_xt=i_xt)


@pytest.mark.parametrize("bad", [{"tol": 0.0}, {"gap_tol": np.nan}, {"max_clusters": 0}])
def test_options_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        solve_relevance(binary_symmetric(), i_ty=0.1, **bad)


def test_a_channel_without_information_has_only_rate_zero():
    channel = Channel.from_joint(np.full((2, 2), 0.25))
    assert solve_rate(channel, i_xt=0.0).i_xt == 0.0
    with pytest.raises(InputError):
        solve_rate(channel, i_xt=0.1)


def two_groups():
    """Two copies of a binary symmetric channel that share no class."""
    return Channel.from_joint(np.kron(np.eye(2), [[0.2, 0.05], [0.05, 0.2]]))


@pytest.mark.parametrize("i_xt", [0.1, 0.69, LOG2, 0.72, 1.0, 1.3])
def test_classes_that_no_point_connects_are_free_and_the_rest_is_each_groups_own(i_xt):
    solution = solve_rate(two_groups(), i_xt=i_xt)
    assert solution.status == "converged"
    assert solution.i_xt == pytest.approx(i_xt, abs=1e-9)
    if i_xt <= LOG2:
        assert solution.beta == 1.0
        assert solution.i_ty == pytest.approx(i_xt, abs=1e-9)
    else:
        i_ty, beta = binary_symmetric_point(i_xt - LOG2, delta=0.2)
        assert solution.i_ty == pytest.approx(LOG2 + i_ty, abs=1e-9)
        assert solution.beta == pytest.approx(beta, rel=1e-6)


def test_all_of_the_relevance_of_separate_groups_is_reached():
    channel = two_groups()
    solution = solve_relevance(channel, i_ty=channel.i_xy)
    assert solution.status == "converged"
    assert solution.i_ty == pytest.approx(channel.i_xy, abs=1e-9)


def test_a_segment_within_a_group_mixes_its_phases():
    # The first transition past 1 is the jump of the three classes, not the split of the two.
    joint = scipy.linalg.block_diag(
        0.5 * symmetric(3, 0.5).p_y_given_x / 3, 0.5 * binary_symmetric(0.3).p_y_given_x / 2
    )
    solution = solve_rate(Channel.from_joint(joint), i_xt=LOG2 + 0.5 * 0.05)
    assert solution.status == "converged"
    assert solution.beta == pytest.approx(3.898735, abs=1e-6)
    assert solution.n_clusters == 5
