"""Convex Lagrangians on channels with known curves."""

import math

import numpy as np
import pytest
from known_channels import (
    binary_symmetric,
    binary_symmetric_point,
    deterministic,
    symmetric,
    wu_fischer,
)
from scipy.optimize import minimize_scalar

from ibcollapse.bottleneck import solve_convex, solve_rate
from ibcollapse.errors import InputError
from ibcollapse.serialize import load_result, save

LABEL = deterministic(np.full(10, 0.1))


@pytest.mark.parametrize(("beta_u", "i_xt"), [(0.25, 2.0), (0.5, 1.0), (1.0, 0.5)])
def test_the_squared_form_walks_the_segment_of_a_deterministic_label(beta_u, i_xt):
    # F(r) = r up to log 10, so r = 1/(2 beta_u).
    found = solve_convex(LABEL, beta_u)
    assert found.solution.i_xt == pytest.approx(i_xt, abs=1e-9)
    assert found.objective == pytest.approx(i_xt - beta_u * i_xt**2, abs=1e-9)
    assert found.gap < 1e-9


@pytest.mark.parametrize(("beta_u", "rate", "i_xt"), [(0.5, 1.0, math.log(2)), (0.1, 4.0, 0.229)])
def test_the_exponential_form_walks_it_too(beta_u, rate, i_xt):
    # r = log(1/(beta_u rate))/rate.
    found = solve_convex(LABEL, beta_u, form="exponential", rate=rate)
    expected = -math.log(beta_u * rate) / rate
    assert expected == pytest.approx(i_xt, abs=1e-3)
    assert found.solution.i_xt == pytest.approx(expected, abs=1e-9)


def test_a_weak_penalty_keeps_the_whole_label():
    found = solve_convex(LABEL, 0.01)
    assert found.solution.i_xt == pytest.approx(math.log(10))
    assert found.gap < 1e-12


def test_a_steep_exponential_forgets_everything():
    # BSC(0.1): the curve's slope at the origin is 1/1.5625 = 0.64 < beta_u rate.
    found = solve_convex(binary_symmetric(), 0.7, form="exponential", rate=1.0)
    assert found.solution.n_clusters == 1
    assert found.objective == pytest.approx(-0.7)
    # beta_eff is 1.8e-4 above the onset, where the trivial state is 4.3e-8 from the optimum.
    assert found.gap < 1e-7


@pytest.mark.parametrize(
    ("beta_u", "options"),
    [(0.4, {}), (2.0, {}), (0.3, {"form": "exponential", "rate": 1.5})],
)
def test_the_optimum_is_that_of_the_closed_form_curve(beta_u, options):
    rate = options.get("rate")

    def loss(i_xt):
        penalty = math.exp(rate * i_xt) if rate else i_xt**2
        return beta_u * penalty - binary_symmetric_point(i_xt)[0]

    best = minimize_scalar(loss, bounds=(1e-6, 0.69), method="bounded", options={"xatol": 1e-10})
    found = solve_convex(binary_symmetric(), beta_u, **options)
    assert found.converged
    assert found.objective == pytest.approx(-best.fun, abs=1e-9)
    # A minimiser is found to the square root of the precision of its value.
    assert found.solution.i_xt == pytest.approx(best.x, abs=1e-6)
    assert found.gap < 2e-9


def test_on_a_straight_segment_two_phases_are_mixed():
    # K = 3, a = 0.5: slope 1/3.898735 up to I(X;T) = 0.102855, so 1/(2 · 2 · 3.898735) is on it.
    found = solve_convex(symmetric(3, 0.5), 2.0)
    assert found.solution.i_xt == pytest.approx(1 / (4 * 3.898735), abs=1e-7)
    assert found.solution.n_clusters == 4


@pytest.mark.parametrize("beta_u", [0.3, 0.5, 0.7, 0.721])
def test_a_corner_of_the_curve_keeps_its_rate_for_a_range_of_penalties(beta_u):
    # Two groups of classes that no point connects: the slope falls from 1 to 0.36 at log 2.
    found = solve_convex(np.kron(np.eye(2), [[0.2, 0.05], [0.05, 0.2]]), beta_u)
    assert found.solution.i_xt == pytest.approx(math.log(2), abs=1e-9)
    assert found.solution.beta == pytest.approx(1 / (2 * beta_u * math.log(2)), abs=1e-6)
    assert found.gap < 1e-9


def test_no_rate_has_a_better_objective():
    channel, beta_u = wu_fischer(), 0.5
    found = solve_convex(channel, beta_u)
    for i_xt in found.solution.i_xt + np.array([-0.1, -0.01, 0.01, 0.1]):
        other = solve_rate(channel, i_xt=i_xt)
        assert other.i_ty - beta_u * other.i_xt**2 < found.objective


@pytest.mark.parametrize(
    ("beta_u", "options", "message"),
    [
        (0.0, {}, "beta_u"),
        (np.inf, {}, "beta_u"),
        (1.0, {"form": "cubic"}, "'squared' or 'exponential'"),
        (1.0, {"form": "exponential"}, "rate is None"),
        (1.0, {"form": "exponential", "rate": -1.0}, "rate is -1"),
        (1.0, {"rate": 2.0}, "leave it out"),
        (1.0, {"tol": -1.0}, "tol"),
    ],
)
def test_bad_arguments_are_refused(beta_u, options, message):
    with pytest.raises(InputError, match=message):
        solve_convex(LABEL, beta_u, **options)


def test_a_solution_survives_its_file(tmp_path):
    found = solve_convex(LABEL, 0.5)
    again = load_result(save(found, tmp_path / "convex.h5"))
    assert again.objective == found.objective
    assert np.array_equal(again.solution.p_t, found.solution.p_t)
