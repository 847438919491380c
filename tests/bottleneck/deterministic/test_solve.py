"""Deterministic and generalised bottleneck against enumeration, closed forms and invariants."""

import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr, xlogy

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.deterministic import hard
from ibcollapse.bottleneck.deterministic.solve import solve_deterministic
from ibcollapse.errors import InputError
from ibcollapse.serialize import load_result, save


def channel_of(table, p_x=None):
    table = np.asarray(table, dtype=float)
    weights = np.full(len(table), 1 / len(table)) if p_x is None else np.asarray(p_x)
    with np.errstate(divide="ignore"):
        return types.SimpleNamespace(p_x=weights, log_p_y_given_x=np.log(table))


def random_channel(seed, n_x, n_classes):
    rng = np.random.default_rng(seed)
    return channel_of(rng.dirichlet(np.full(n_classes, 0.5), n_x), rng.dirichlet(np.full(n_x, 2.0)))


def entropy(p):
    return -xlogy(p, p).sum()


def naive_objective(channel, encoder, beta, alpha):
    """H(T) − alpha H(T|X) − beta I(T;Y), term by term."""
    p_x, table = channel.p_x, np.exp(channel.log_p_y_given_x)
    p_t = p_x @ encoder
    joint = encoder.T @ (p_x[:, None] * table)
    i_ty = rel_entr(joint, np.outer(p_t, p_x @ table)).sum()
    h_t_given_x = sum(p * entropy(row) for p, row in zip(p_x, encoder, strict=True))
    return entropy(p_t) - alpha * h_t_given_x - beta * i_ty


def partitions(n):
    """Every partition of n points, as labels (Bell number many)."""
    if n == 0:
        yield []
        return
    for labels in partitions(n - 1):
        for label in range(max(labels, default=-1) + 2):
            yield [*labels, label]


def enumerate_best(channel, beta, max_clusters=None):
    n = len(channel.p_x)
    return min(
        naive_objective(channel, np.eye(n)[labels], beta, 0.0)
        for labels in partitions(n)
        if max_clusters is None or max(labels) < max_clusters
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("beta", [1.3, 4.0, 15.0])
def test_hard_clustering_equals_the_best_of_all_partitions(seed, beta):
    channel = random_channel(seed, 7, 3)
    solution = solve_deterministic(channel, beta)
    assert solution.objective == pytest.approx(enumerate_best(channel, beta), abs=1e-12)


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_a_cap_on_clusters_equals_the_best_of_the_capped_partitions(cap):
    channel = random_channel(3, 7, 3)
    solution = solve_deterministic(channel, 15.0, max_clusters=cap)
    assert solution.n_clusters <= cap
    assert solution.objective == pytest.approx(enumerate_best(channel, 15.0, cap), abs=1e-12)


@given(seed=st.integers(0, 10_000), excess=st.floats(0.05, 30), alpha=st.sampled_from([0, 0.4, 1]))
@settings(max_examples=25, deadline=None)
def test_reported_quantities_are_those_of_the_reported_clustering(seed, excess, alpha):
    channel = random_channel(seed, 9, 3)
    beta = 1 + excess
    solution = solve_deterministic(channel, beta, alpha=alpha, restarts=3, max_sweeps=300)
    h_t_given_x = solution.h_t - solution.i_xt
    expected = solution.h_t - alpha * h_t_given_x - beta * solution.i_ty
    assert solution.objective == pytest.approx(expected, abs=1e-12)
    assert solution.objective <= 1e-12
    assert solution.h_t == pytest.approx(entropy(solution.p_t), abs=1e-12)
    p_y = channel.p_x @ np.exp(channel.log_p_y_given_x)
    np.testing.assert_allclose(solution.p_t @ solution.p_y_given_t, p_y, atol=1e-14)
    if alpha == 0:
        encoder = np.eye(solution.n_clusters)[solution.assignments]
        naive = naive_objective(channel, encoder, beta, 0)
        assert solution.objective == pytest.approx(naive, abs=1e-12)


@given(seed=st.integers(0, 10_000), excess=st.floats(0.05, 30))
@settings(max_examples=15, deadline=None)
def test_no_merge_and_no_single_move_improves_a_hard_clustering(seed, excess):
    channel = random_channel(seed, 15, 4)
    beta = 1 + excess
    solution = solve_deterministic(channel, beta, restarts=2)
    labels, n_t = solution.assignments, solution.n_clusters
    slack = solution.objective - 1e-11 * (1 + beta)
    for x in range(15):
        for t in range(n_t + 1):
            moved = labels.copy()
            moved[x] = t
            assert naive_objective(channel, np.eye(n_t + 1)[moved], beta, 0) >= slack
    for a in range(n_t):
        merged = np.where(labels == a, 0, labels)
        assert naive_objective(channel, np.eye(n_t)[merged], beta, 0) >= slack


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("alpha", [0.2, 0.7, 1.0])
def test_soft_clusterings_are_fixed_points_of_the_generalised_equations(seed, alpha):
    channel = random_channel(seed, 10, 3)
    beta = 6.0
    solution = solve_deterministic(channel, beta, alpha=alpha, restarts=2, tol=1e-10)
    table = np.exp(channel.log_p_y_given_x)
    divergence = np.array([[rel_entr(row, r).sum() for r in solution.p_y_given_t] for row in table])
    scores = np.exp((np.log(solution.p_t) - beta * divergence) / alpha)
    encoder = scores / scores.sum(axis=1, keepdims=True)
    assert solution.converged
    # The map contracts slowly, so its fixed point is this much less exact than the residual.
    np.testing.assert_allclose(channel.p_x @ encoder, solution.p_t, atol=1e-8)
    assert naive_objective(channel, encoder, beta, alpha) == pytest.approx(
        solution.objective, abs=1e-9
    )


# Mrs Gerber's lemma for the binary symmetric channel, in nats.
@pytest.mark.parametrize(
    ("beta", "i_xt", "i_ty"), [(2, 0.69643273, 0.40723383), (3, 0.94895083, 0.51659516)]
)
def test_alpha_one_is_the_bottleneck_of_the_binary_symmetric_channel(beta, i_xt, i_ty):
    solution = solve_deterministic(channel_of([[0.9, 0.1], [0.1, 0.9]]), beta, alpha=1.0)
    assert solution.converged
    assert solution.i_xt / np.log(2) == pytest.approx(i_xt, abs=1e-7)
    assert solution.i_ty / np.log(2) == pytest.approx(i_ty, abs=1e-7)


# From the closed form of the symmetric channel with error 10 %, checked by two programs.
def test_alpha_one_finds_the_ten_class_solution_beyond_the_first_order_transition():
    table = np.full((10, 10), 0.1 / 9)
    np.fill_diagonal(table, 0.9)
    solution = solve_deterministic(channel_of(table), 1.266891, alpha=1.0, restarts=2)
    assert solution.n_clusters == 10
    assert solution.i_xt == pytest.approx(1.255135, abs=2e-5)
    assert solution.i_ty == pytest.approx(1.016849, abs=2e-5)


def test_objective_falls_as_alpha_rises():
    channel = random_channel(11, 12, 4)
    objectives = [
        solve_deterministic(channel, 8.0, alpha=alpha).objective for alpha in (0, 0.01, 0.3, 0.7, 1)
    ]
    assert np.all(np.diff(objectives) <= 1e-9)
    # H(T|X) ≥ 0 and the hard clustering is itself a soft one; at alpha = 0.01 they nearly agree.
    assert objectives[1] == pytest.approx(objectives[0], abs=0.01)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("beta", [0.0, 0.7, 1.0])
def test_one_cluster_is_optimal_up_to_beta_one(alpha, beta):
    solution = solve_deterministic(random_channel(5, 8, 3), beta, alpha=alpha)
    assert solution.n_clusters == 1
    assert solution.objective == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_deterministic_labels_become_the_clusters_above_beta_one(alpha):
    labels = np.arange(12) % 3
    solution = solve_deterministic(channel_of(np.eye(3)[labels]), 1.01, alpha=alpha)
    assert solution.n_clusters == 3
    assert solution.objective == pytest.approx(-0.01 * np.log(3), abs=1e-9)


def test_equal_rows_share_a_cluster_and_weightless_points_are_placed():
    table = [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8], [0.88, 0.12]]
    solution = solve_deterministic(channel_of(table, [0.35, 0.2, 0.4, 0.05, 0.0]), 20.0)
    assert solution.assignments.tolist() == [0, 0, 1, 1, 0]
    np.testing.assert_allclose(solution.p_t, [0.55, 0.45])


def test_order_of_points_and_classes_does_not_matter():
    channel = random_channel(8, 7, 3)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(7), rng.permutation(3)
    shuffled = types.SimpleNamespace(
        p_x=channel.p_x[rows], log_p_y_given_x=channel.log_p_y_given_x[rows][:, columns]
    )
    plain, other = (solve_deterministic(c, 5.0) for c in (channel, shuffled))
    assert other.objective == pytest.approx(plain.objective, abs=1e-13)
    same = plain.assignments[rows][:, None] == plain.assignments[rows]
    np.testing.assert_array_equal(other.assignments[:, None] == other.assignments, same)


def test_one_class_and_one_point_have_one_cluster():
    assert solve_deterministic(channel_of(np.ones((4, 1))), 3.0).n_clusters == 1
    assert solve_deterministic(channel_of([[0.3, 0.7]]), 3.0).n_clusters == 1


def test_move_kernel_compiled_and_interpreted_agree():
    rng = np.random.default_rng(2)
    joint = rng.dirichlet(np.full(4, 0.5), 40) / 40
    labels = rng.integers(0, 5, 40)
    states = []
    for kernel in (hard.move_points, hard.move_points.py_func):
        moving, counts = labels.copy(), np.bincount(labels, minlength=8)
        mass = hard.cluster_mass(joint, labels, 8)
        moved = kernel(joint, moving, mass, counts, 6.0, 1e-13)
        states.append((moved, moving, mass, counts))
        np.testing.assert_allclose(mass, hard.cluster_mass(joint, moving, 8), atol=1e-15)
        np.testing.assert_array_equal(counts, np.bincount(moving, minlength=8))
    assert states[0][0] == states[1][0] > 0
    np.testing.assert_array_equal(states[0][1], states[1][1])
    np.testing.assert_allclose(states[0][2], states[1][2], atol=1e-15)


def test_stopping_early_is_a_status_that_names_the_argument():
    channel = random_channel(1, 30, 4)
    soft = solve_deterministic(channel, 5.0, alpha=1.0, max_sweeps=3, restarts=2)
    assert not soft.converged
    assert "raise max_sweeps" in soft.status
    fine = channel_of(np.random.default_rng(1).dirichlet(np.ones(3), 150))
    full = solve_deterministic(fine, 1e7, restarts=2)
    assert full.n_clusters == 128
    assert "set max_clusters" in full.status
    assert solve_deterministic(fine, 1e7, restarts=2, max_clusters=150).n_clusters == 150


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_results_survive_a_file(tmp_path, alpha):
    solution = solve_deterministic(random_channel(4, 8, 3), 5.0, alpha=alpha, restarts=3)
    back = load_result(save(solution, tmp_path / "solution.h5"))
    np.testing.assert_array_equal(back.p_y_given_t, solution.p_y_given_t)
    np.testing.assert_array_equal(back.assignments, solution.assignments)
    assert (back.objective, back.n_agreeing) == (solution.objective, solution.n_agreeing)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"beta": -1.0}, "beta is -1.0"),
        ({"beta": np.inf}, "beta is inf"),
        ({"beta": 2.0, "alpha": 1.5}, "alpha is 1.5"),
        ({"beta": 2.0, "max_clusters": 0}, "max_clusters is 0"),
        ({"beta": 2.0, "restarts": 0}, "restarts = 0"),
    ],
)
def test_options_out_of_range_are_named(options, said):
    with pytest.raises(InputError, match=said):
        solve_deterministic(random_channel(0, 4, 2), **options)


@pytest.mark.parametrize(
    ("p_x", "table", "said"),
    [
        ([0.5, 0.6], [[0.5, 0.5], [0.5, 0.5]], "p_x sums to 1.1"),
        ([0.5, 0.5], [[0.5, 0.6], [0.5, 0.5]], "misses one by 0.1"),
        ([0.5, 0.5], [[np.nan, 0.5], [0.5, 0.5]], "misses one"),
        ([1.0], [[0.5, 0.5], [0.5, 0.5]], "p_x has shape"),
    ],
)
def test_tables_that_are_no_channel_are_named(p_x, table, said):
    with pytest.raises(InputError, match=said):
        solve_deterministic(channel_of(table, p_x), 2.0)


def published_iteration(channel, beta, labels):
    """The fixed-point iteration of Strouse and Schwab (2017), from given labels to the end."""
    p_x, table = channel.p_x, np.exp(channel.log_p_y_given_x)
    while True:
        clusters = np.unique(labels)
        encoder = labels[:, None] == clusters
        p_t = p_x @ encoder
        decoders = encoder.T @ (p_x[:, None] * table) / p_t[:, None]
        divergence = rel_entr(table[:, None], decoders).sum(axis=2)
        updated = clusters[np.argmax(np.log(p_t) - beta * divergence, axis=1)]
        if np.array_equal(updated, labels):
            return naive_objective(channel, encoder.astype(float), beta, 0)
        labels = updated


@pytest.mark.parametrize("seed", range(4))
def test_search_ends_below_the_published_iteration_from_many_starts(seed):
    channel = random_channel(seed, 40, 5)
    rng = np.random.default_rng(seed)
    plain = [published_iteration(channel, 6.0, rng.integers(0, 12, 40)) for _ in range(10)]
    solution = solve_deterministic(channel, 6.0)
    assert solution.objective <= min(plain) + 1e-12
    assert solution.objective < np.median(plain) - 0.01


def test_a_joint_table_and_a_file_are_channels_too(tmp_path):
    joint = np.random.default_rng(1).dirichlet(np.full(40, 0.5)).reshape(8, 5)
    np.save(tmp_path / "joint.npy", joint)
    plain = solve_deterministic(Channel.from_joint(joint), 3.0)
    for table in (joint, joint.tolist(), tmp_path / "joint.npy"):
        found = solve_deterministic(table, 3.0)
        assert found.objective == pytest.approx(plain.objective, abs=1e-12)
        assert found.assignments.tolist() == plain.assignments.tolist()


def test_neither_a_table_nor_a_channel_is_refused():
    with pytest.raises(InputError, match="a joint table has two axes"):
        solve_deterministic(np.full(4, 0.25), 3.0)
