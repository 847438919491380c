"""The Rényi bottleneck of Gaussian modes against quadrature, free optimisation and Shannon's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from ibcollapse.bottleneck.gaussian_ib.gaussian_ib import GaussianIB
from ibcollapse.bottleneck.gaussian_ib.renyi import renyi_information, solve_renyi
from ibcollapse.errors import InputError


def information(squared, order):
    return renyi_information(squared / (1 - squared), 1 - squared, order)


@pytest.mark.parametrize("order", [0.3, 0.8, 1.0, 1.7, 2.0])
def test_information_is_the_divergence_of_the_bivariate_density(order):
    rho = 0.6
    # The integrand decays like a Gaussian whose widest precision is at least
    # (1 − |1 − order| rho) / (1 + rho) = 0.25, so the sum over a grid that reaches 16 converges to
    # rounding: exp(−0.125 · 16²) = 1e-14.
    grid = np.linspace(-16, 16, 801)
    x, y = np.meshgrid(grid, grid)
    product = np.exp(-(x**2 + y**2) / 2) / (2 * np.pi)
    log_ratio = (
        -((rho * x) ** 2 + (rho * y) ** 2 - 2 * rho * x * y) / (2 * (1 - rho**2))
        - np.log(1 - rho**2) / 2
    )
    cell = (grid[1] - grid[0]) ** 2
    if order == 1:
        expected = cell * np.sum(product * np.exp(log_ratio) * log_ratio)
    else:
        expected = np.log(cell * np.sum(product * np.exp(order * log_ratio))) / (order - 1)
    assert information(np.array(rho**2), order) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("order", [0.5, 1.5])
@pytest.mark.parametrize("beta", [2.0, 20.0])
def test_no_linear_map_does_better_and_free_optimisation_reaches_it(order, beta):
    rho = np.array([0.9, 0.6, 0.3])

    def objective(flat):
        """For white X, the squared canonical correlations of T = A X + noise with X and with Y."""
        projection = flat.reshape(3, 3)
        factor = np.linalg.cholesky(projection @ projection.T + np.eye(3))
        white = np.linalg.solve(factor, projection)
        squared_x = np.linalg.svd(white, compute_uv=False) ** 2
        squared_y = np.linalg.svd(white * rho, compute_uv=False) ** 2
        return information(squared_x, order).sum() - beta * information(squared_y, order).sum()

    point = solve_renyi(GaussianIB.from_correlations(rho), beta, order=order)
    optimum = point.renyi_xt - beta * point.renyi_ty
    assert objective(np.diag(np.sqrt(point.gain)).ravel()) == pytest.approx(optimum, abs=1e-12)
    rng = np.random.default_rng(1)
    found = [minimize(objective, rng.standard_normal(9), method="BFGS").fun for _ in range(4)]
    # BFGS stops at gradients of 1e-5, so about 1e-8 above the minimum.
    assert min(found) == pytest.approx(optimum, abs=1e-6)
    assert min(found) >= optimum - 1e-12


@given(rho=st.floats(0.05, 0.999), excess=st.floats(-4, 4), order=st.sampled_from([1.0, 2.0]))
def test_orders_one_and_two_have_the_gain_of_shannon(rho, excess, order):
    gaussian = GaussianIB.from_correlations([rho])
    beta = 1 + np.exp(excess)
    point = solve_renyi(gaussian, beta, order=order)
    np.testing.assert_allclose(
        (point.i_xt, point.i_ty), gaussian.point(beta), rtol=1e-8, atol=1e-12
    )


@given(rho=st.floats(0.05, 0.999), order=st.floats(0.05, 2.0))
def test_every_order_has_the_critical_beta_of_shannon(rho, order):
    gaussian = GaussianIB.from_correlations([rho])
    critical = gaussian.critical_betas[0]
    excess = critical - 1
    assert solve_renyi(gaussian, 1 + excess * (1 - 1e-6), order=order).gain[0] == 0
    opened = solve_renyi(gaussian, 1 + excess * (1 + 1e-6), order=order).gain[0]
    assert 0 < opened < 1e-3


@given(rho=st.floats(0.05, 0.999), order=st.floats(0.05, 2.0), excess=st.floats(-3, 5))
def test_the_optimum_of_a_mode_is_global(rho, order, excess):
    beta = 1 + np.exp(excess)
    point = solve_renyi(GaussianIB.from_correlations([rho]), beta, order=order)
    squared = np.linspace(0, 1, 2001)[:-1]
    values = information(squared, order) - beta * information(squared * rho**2, order)
    assert point.renyi_xt - beta * point.renyi_ty <= values.min() + 1e-9


def test_shannon_judges_other_orders_no_better_than_its_own_optimum():
    gaussian = GaussianIB.from_correlations([0.9, 0.6, 0.3])
    for order in (0.3, 1.6):
        point = solve_renyi(gaussian, 5.0, order=order)
        assert point.i_ty < gaussian.at_rate(point.i_xt)[1]
        assert point.i_ty > 0.95 * gaussian.at_rate(point.i_xt)[1]


@pytest.mark.parametrize(
    ("beta", "order", "said"),
    [(np.inf, 1.5, "beta is inf"), (2.0, 2.5, "order is 2.5"), (2.0, 0, "order")],
)
def test_bad_input_is_named(beta, order, said):
    with pytest.raises(InputError, match=said):
        solve_renyi(GaussianIB.from_correlations([0.5]), beta, order=order)
