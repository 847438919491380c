import math

import numpy as np
import pytest
from bottleneck.ground_truths import (
    WU_FISCHER,
    binary_symmetric,
    binary_symmetric_point,
    eight_by_five,
    erasure,
    random_joint,
    symmetric,
    symmetric_onset,
    symmetric_point,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import (
    naive_blahut_arimoto,
    naive_information,
    naive_lagrangian,
    naive_simplex_grid,
    naive_sweep,
    naive_weights,
)

from ibcollapse.bottleneck import Channel, solve


def lagrangian_of(channel, p_t_given_x, beta):
    i_xt, i_ty = naive_information(channel.p_x, channel.p_y_given_x, p_t_given_x)
    return i_xt - beta * i_ty


@pytest.mark.parametrize("delta", [0.01, 0.1, 0.3, 0.45])
@pytest.mark.parametrize("ratio", [0.9, 1.001, 1.05, 1.5, 4.0])
def test_the_binary_symmetric_family_follows_mrs_gerbers_lemma(delta, ratio):
    beta = ratio * (1 - 2 * delta) ** -2
    solution = solve(Channel.from_joint(binary_symmetric(delta)), beta)
    # The gap 1e-9 bounds L; I itself moves by its square root over the curvature, at most 1e-6.
    expected = binary_symmetric_point(delta, beta)
    np.testing.assert_allclose([solution.i_xt, solution.i_ty], expected, atol=1e-6)
    assert solution.lagrangian == pytest.approx(expected[0] - beta * expected[1], abs=1.1e-9)
    assert solution.converged
    assert solution.n_clusters == (1 if ratio < 1 else 2)


@pytest.mark.parametrize(
    ("beta", "bits"), [(2.0, (0.69643273, 0.40723383)), (3.0, (0.94895083, 0.51659516))]
)
def test_the_binary_symmetric_channel_at_a_tenth_has_the_published_bits(beta, bits):
    solution = solve(Channel.from_joint(binary_symmetric(0.1)), beta)
    # Mrs Gerber's lemma, eight digits, by two independent programs.
    measured = np.array([solution.i_xt, solution.i_ty]) / math.log(2)
    np.testing.assert_allclose(measured, bits, atol=6e-9)


@pytest.mark.parametrize("n_classes", range(2, 21))
def test_symmetric_confusion_reaches_the_closed_form_envelope(n_classes):
    a = 0.5
    onset, _ = symmetric_onset(n_classes, a)
    channel = Channel.from_joint(symmetric(n_classes, a))
    below = solve(channel, 0.999 * onset)
    assert (below.n_clusters, round(below.i_xt, 14)) == (1, 0.0)
    for ratio in (1.001, 1.2):
        solution = solve(channel, ratio * onset)
        expected = symmetric_point(n_classes, a, ratio * onset)
        np.testing.assert_allclose([solution.i_xt, solution.i_ty], expected, atol=2e-7)
        assert solution.n_clusters == n_classes
        assert solution.gap <= 1e-9


@pytest.mark.parametrize(
    ("n_classes", "a", "beta", "value"),
    [
        # Two programs' values of L or of the pair (I(X;T), I(T;Y)), to the digits given.
        (3, 0.5, 3.949367, {"lagrangian": -0.00186356, "i_xt": 0.177588}),
        (10, 8 / 9, 1.266891, {"i_xt": 1.255135, "i_ty": 1.016849}),
    ],
)
def test_symmetric_confusion_has_the_numbers_of_two_programs(n_classes, a, beta, value):
    solution = solve(Channel.from_joint(symmetric(n_classes, a)), beta)
    for name, expected in value.items():
        # Beta has seven digits: 5e-7 moves L by I(T;Y) times that, and I(X;T) ten times as far.
        atol = 3e-8 if name == "lagrangian" else 5e-6
        assert getattr(solution, name) == pytest.approx(expected, abs=atol)


def test_blahut_arimoto_from_the_trivial_start_stays_where_the_solver_jumps():
    channel, beta = Channel.from_joint(symmetric(3, 0.5)), 3.949367
    start = np.full((3, 3), 1 / 3) + 1e-3 * np.random.default_rng(0).standard_normal((3, 3))
    start /= start.sum(axis=1, keepdims=True)
    encoder = naive_blahut_arimoto(channel.p_x, channel.p_y_given_x, start, beta, 2000)
    assert naive_information(channel.p_x, channel.p_y_given_x, encoder)[0] < 1e-9
    assert solve(channel, beta).i_xt > 0.17


def test_eight_by_five_beats_six_of_six_restarts():
    channel, beta, rng = Channel.from_joint(eight_by_five()), 3.0, np.random.default_rng(0)
    stops = []
    for _ in range(6):
        start = rng.dirichlet(np.ones(8), 8)
        encoder = naive_blahut_arimoto(channel.p_x, channel.p_y_given_x, start, beta, 1500)
        stops.append(lagrangian_of(channel, encoder, beta))
    solution = solve(channel, beta)
    # Found by two programs; every restart stops 5e-4 nats above it.
    assert solution.lagrangian == pytest.approx(-0.0938909, abs=6e-8)
    assert min(stops) > solution.lagrangian + 4e-4
    assert solution.gap <= 1e-9


def test_wu_fischer_table_has_its_lagrangian_at_two():
    solution = solve(Channel.from_joint(WU_FISCHER), 2.0)
    assert solution.lagrangian == pytest.approx(-0.0013266, abs=6e-8)
    assert solution.gap_search == "exhaustive"


def test_wu_fischer_onset_is_a_nucleation_whose_information_grows_from_zero():
    channel = Channel.from_joint(WU_FISCHER)
    informations = [solve(channel, beta).i_xt for beta in (1.93785, 1.93795, 1.939)]
    # Two programs: 7.4e-5 and 1.6e-3 nats, on the far side of an onset at 1.937899.
    assert informations[0] == pytest.approx(0.0, abs=1e-9)
    assert informations[1] == pytest.approx(7.4e-5, abs=1e-6)
    assert informations[2] == pytest.approx(1.6e-3, abs=5e-5)


@pytest.mark.parametrize("erased", [0.1, 0.5, 0.9])
def test_erasure_keeps_everything_just_above_its_only_transition(erased):
    channel = Channel.from_joint(erasure(3, erased, [0.5, 0.3, 0.2]))
    below, above = (solve(channel, r / (1 - erased)) for r in (1 - 1e-4, 1 + 1e-4))
    assert (below.n_clusters, round(below.i_xt, 14)) == (1, 0.0)
    assert above.n_clusters == 3
    np.testing.assert_allclose(
        [above.i_xt, above.i_ty], [channel.h_x, (1 - erased) * channel.h_x], rtol=1e-9
    )


def test_erasure_at_its_transition_does_not_claim_a_rigorous_bound():
    # Every decoder of the segment has potential one: branch and bound cannot come to its end there.
    solution = solve(Channel.from_joint(erasure(2, 0.3)), 1 / 0.7)
    assert solution.lagrangian == pytest.approx(0.0, abs=1e-12)
    assert solution.gap <= 1e-9
    assert solution.gap_search == "multistart"


@pytest.mark.parametrize("excess", [1e-15, 1e-12, 1e-9, 1e-6, 0.5, 1e6])
def test_one_hot_rows_lose_no_more_than_data_processing_allows(excess):
    channel = Channel.from_joint(np.diag([0.2, 0.3, 0.5]))
    solution = solve(channel, 1 + excess)
    assert solution.converged
    assert solution.lagrangian <= -excess * channel.h_y * (1 - 1e-9) + solution.gap
    assert solution.gap <= 1e-9


@settings(max_examples=25, deadline=None)
@given(
    n_x=st.integers(1, 7),
    n_classes=st.integers(1, 4),
    beta=st.floats(0.0, 12.0),
    seed=st.integers(0, 10_000),
)
def test_solution_is_consistent_certified_and_never_above_zero(n_x, n_classes, beta, seed):
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    solution = solve(channel, beta)
    assert solution.converged
    assert solution.lagrangian <= 1e-12
    assert solution.p_t.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(solution.p_y_given_t.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(solution.p_t @ solution.p_y_given_t, channel.p_y, atol=1e-7)
    assert 0 <= solution.i_ty <= min(solution.i_xt, channel.i_xy) + 1e-12
    with np.errstate(divide="ignore"):
        encoder = naive_sweep(
            channel.p_x, channel.p_y_given_x, solution.p_y_given_t, np.log(solution.p_t), beta
        )[2]
    expected = naive_information(channel.p_x, channel.p_y_given_x, encoder)
    np.testing.assert_allclose([solution.i_xt, solution.i_ty], expected, atol=1e-11)


@settings(max_examples=12, deadline=None)
@given(
    n_x=st.integers(2, 6),
    n_classes=st.integers(2, 3),
    beta=st.floats(1.2, 8.0),
    seed=st.integers(0, 10_000),
)
def test_no_mixture_on_a_dense_grid_of_decoders_is_better(n_x, n_classes, beta, seed):
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    grid = naive_simplex_grid(n_classes, 300 if n_classes == 2 else 24)
    grid = np.concatenate([grid, channel.p_y[None]])
    weights = naive_weights(channel.p_x, channel.p_y_given_x, grid, beta, 1500)
    best = naive_lagrangian(channel.p_x, channel.p_y_given_x, grid, weights, beta)
    solution = solve(channel, beta)
    assert solution.lagrangian <= best + 1e-9
    # Not a hollow bound: with two classes the grid's weights have nearly converged.
    if n_classes == 2:
        assert best - solution.lagrangian <= 5e-3 * beta


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), beta=st.floats(1.0, 10.0))
def test_relabelling_and_splitting_change_nothing(seed, beta):
    joint = random_joint(5, 3, seed)
    rng = np.random.default_rng(seed)
    shares = rng.uniform(0.1, 0.9, (5, 1))
    split = np.concatenate([joint * shares, joint * (1 - shares)])
    variants = (joint, joint[rng.permutation(5)], joint[:, rng.permutation(3)], split)
    found = [solve(Channel.from_joint(variant), beta) for variant in variants]
    values = [s.lagrangian for s in found]
    np.testing.assert_allclose(values, values[0], atol=2e-9)
    assert len({s.n_clusters for s in found}) == 1
