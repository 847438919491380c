import math

import numpy as np
import pytest
import scipy.linalg
from bottleneck.ground_truths import (
    WU_FISCHER,
    binary_symmetric,
    eight_by_five,
    random_joint,
    symmetric,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_blahut_arimoto, naive_lagrangian

from ibcollapse.bottleneck import Channel, certify, solve, trace_curve
from ibcollapse.errors import InputError


@settings(max_examples=30, deadline=None)
@given(
    n_x=st.integers(2, 8),
    n_classes=st.integers(2, 5),
    n_t=st.integers(1, 6),
    beta=st.floats(0.0, 12.0),
    seed=st.integers(0, 10_000),
)
def test_a_bad_solutions_gap_is_at_least_what_it_misses(n_x, n_classes, n_t, beta, seed):
    rng = np.random.default_rng(seed)
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    p_t, r = rng.dirichlet(np.ones(n_t)), rng.dirichlet(np.ones(n_classes), n_t)
    verdict = certify(channel, p_t, r, beta)
    free_energy = naive_lagrangian(channel.p_x, channel.p_y_given_x, r, p_t, beta)
    assert verdict.lagrangian == pytest.approx(free_energy, abs=1e-9)
    best = solve(channel, beta)
    assert free_energy - best.lagrangian <= verdict.gap + best.gap + 1e-11


@settings(max_examples=15, deadline=None)
@given(beta=st.floats(1.5, 10.0), seed=st.integers(0, 10_000))
def test_every_violator_lowers_the_lagrangian_when_it_joins(beta, seed):
    channel = Channel.from_joint(random_joint(6, 4, seed))
    verdict = certify(channel, [1.0], channel.p_y[None], beta)
    assert np.all(np.diff(verdict.log_potential) <= 0)
    assert len(verdict.violators) == len(verdict.log_potential)
    for violator, log_phi in zip(verdict.violators, verdict.log_potential, strict=True):
        assert log_phi > 1e-9
        if log_phi < 1e-6:
            continue
        best = min(
            naive_lagrangian(
                channel.p_x,
                channel.p_y_given_x,
                np.vstack([channel.p_y, violator]),
                np.array([1 - share, share]),
                beta,
            )
            for share in (1e-1, 1e-2, 1e-3, 1e-5, 1e-7)
        )
        assert best < verdict.lagrangian


def test_blahut_arimotos_local_optimum_is_found_out():
    channel, beta = Channel.from_joint(eight_by_five()), 3.0
    start = np.random.default_rng(0).dirichlet(np.ones(8), 8)
    encoder = naive_blahut_arimoto(channel.p_x, channel.p_y_given_x, start, beta, 3000)
    joint = (channel.p_x[:, None] * encoder).T @ channel.p_y_given_x
    joint = joint[joint.sum(axis=1) > 1e-9]
    p_t = joint.sum(axis=1)
    verdict = certify(channel, p_t / p_t.sum(), joint / p_t[:, None], beta)
    # It misses 5.2e-4 nats.
    assert verdict.gap > 5e-4
    assert len(verdict.violators) > 0


@pytest.mark.parametrize("joint", [WU_FISCHER, binary_symmetric(0.1), eight_by_five()])
def test_a_solution_certifies_itself(joint):
    channel = Channel.from_joint(joint)
    solution = solve(channel, 3.0)
    verdict = certify(channel, solution.p_t, solution.p_y_given_t, 3.0)
    assert verdict.gap <= 1e-9
    assert verdict.gap_search == ("exhaustive" if channel.n_classes <= 3 else "multistart")
    assert verdict.lagrangian == pytest.approx(solution.lagrangian, abs=1e-9)
    assert verdict.violators.shape == (0, channel.n_classes)


def test_coincident_and_weightless_atoms_change_no_verdict():
    channel = Channel.from_joint(symmetric(4, 0.7))
    once = certify(channel, [1.0], channel.p_y[None], 3.0)
    r = np.vstack([channel.p_y, channel.p_y, [0.7, 0.1, 0.1, 0.1]])
    again = certify(channel, [0.4, 0.6, 0.0], r, 3.0)
    assert again.gap == pytest.approx(once.gap, abs=1e-12)
    assert again.lagrangian == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("off", [-9e-7, 9e-7])
def test_sums_that_miss_one_by_rounding_hide_no_gap(off):
    # Trivial just above the onset: suboptimal by 4e-8 nats, less than beta times what is missing.
    channel, beta = Channel.from_joint(binary_symmetric(0.1)), 1.5633
    honest = certify(channel, [1.0], [[0.5, 0.5]], beta)
    sloppy = certify(channel, [1.0 + off], [[0.5 * (1 + off), 0.5 * (1 + off)]], beta)
    missed = -solve(channel, beta).lagrangian
    assert 1e-9 < missed <= honest.gap
    assert sloppy.gap == pytest.approx(honest.gap, rel=1e-6)
    assert sloppy.lagrangian == pytest.approx(0.0, abs=1e-14)


def test_a_decoder_that_excludes_a_row_is_infinitely_bad():
    channel = Channel.from_joint(binary_symmetric(0.1))
    verdict = certify(channel, [1.0], [[1.0, 0.0]], 2.0)
    assert verdict.gap > 1e20
    assert verdict.lagrangian > 1e20


def test_at_beta_zero_everything_is_optimal_that_costs_nothing():
    channel = Channel.from_joint(WU_FISCHER)
    verdict = certify(channel, [1.0], [[0.2, 0.3, 0.5]], 0.0)
    assert verdict.gap <= 1e-9


@pytest.mark.parametrize(
    ("p_t", "r", "beta", "tol", "message"),
    [
        ([0.5, 0.5], [[0.5, 0.5]], 2.0, 1e-9, r"shape \(2,\)"),
        ([1.0], [[1.0]], 2.0, 1e-9, r"expected \(n_t,\) and \(n_t, 2\)"),
        ([], np.zeros((0, 2)), 2.0, 1e-9, "does not sum to one"),
        ([0.9], [[0.5, 0.5]], 2.0, 1e-9, "p_t does not sum to one"),
        ([1.0], [[0.5, 0.4]], 2.0, 1e-9, "p_y_given_t does not sum to one"),
        ([1.0], [[1.5, -0.5]], 2.0, 1e-9, "negative or non-finite"),
        ([math.nan], [[0.5, 0.5]], 2.0, 1e-9, "negative or non-finite"),
        ([1.0], [[0.5, 0.5]], -1.0, 1e-9, "beta is -1"),
        ([1.0], [[0.5, 0.5]], 2.0, 0.0, "tol is 0"),
        ([1.0], [[0.5, 0.5]], 2.0, math.nan, "tol is nan"),
    ],
)
def test_what_is_no_solution_is_refused(p_t, r, beta, tol, message):
    with pytest.raises(InputError, match=message):
        certify(Channel.from_joint(binary_symmetric(0.1)), p_t, r, beta, tol=tol)


@pytest.mark.parametrize("leak", [1e-12, 1e-13])
def test_points_of_a_leaking_tables_curve_have_the_curves_gap(leak):
    # Two groups of classes: their decoders hold none of the other group's classes.
    rng = np.random.default_rng(0)
    joint = scipy.linalg.block_diag(*rng.dirichlet(np.full(15, 2.0), 2).reshape(2, 5, 3))
    joint = joint / joint.sum() + leak / 60
    joint /= joint.sum()
    curve = trace_curve(joint, n_points=10, fraction=0.99)
    assert curve.status == "converged"
    for solution in curve.solutions[1::4]:
        found = certify(joint, solution.p_t, solution.p_y_given_t, solution.beta)
        assert found.gap == pytest.approx(solution.gap, abs=1e-12)
