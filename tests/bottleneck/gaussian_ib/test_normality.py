"""The Henze–Zirkler test against its definition, another program, and its null distribution."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from ibcollapse.bottleneck.gaussian_ib.normality import henze_zirkler


def test_statistic_is_the_weighted_distance_of_characteristic_functions():
    samples = np.random.default_rng(1).gamma(2.0, size=25)
    n, white = 25, (samples - samples.mean()) / samples.std()
    b = 0.5 * (3 * n / 4) ** (2 / 5)
    t = np.linspace(-40, 40, 40_001)
    empirical = np.exp(1j * t[:, None] * white).mean(axis=1)
    weight = np.exp(-(t**2) / (2 * b)) / np.sqrt(2 * np.pi * b)
    integrand = np.abs(empirical - np.exp(-(t**2) / 2)) ** 2 * weight
    # The integrand is smooth and vanishes at the ends, so the sum converges to rounding.
    expected = n * np.sum(integrand) * (t[1] - t[0])
    assert henze_zirkler(samples[:, None]).statistic == pytest.approx(expected, rel=1e-10)


# Pinned: pingouin 0.7.0, multivariate_normality.
@pytest.mark.parametrize(
    ("rows", "statistic", "p_value"),
    [(50, 0.9488453160016664, 0.04995355617921849), (150, 2.336394200315432, 4.14131162992e-19)],
)
def test_iris_agrees_with_another_program(rows, statistic, p_value):
    test = henze_zirkler(load_iris().data[:rows])
    assert test.statistic == pytest.approx(statistic, rel=1e-10)
    assert test.p_value == pytest.approx(p_value, rel=1e-9)


def test_p_values_of_gaussian_samples_are_uniform():
    rng = np.random.default_rng(4)
    mixing = rng.standard_normal((3, 3))
    tests = [henze_zirkler(rng.standard_normal((80, 3)) @ mixing + 5) for _ in range(400)]
    p = np.array([t.p_value for t in tests])
    # Four standard errors of a mean of 400 uniforms (0.0144) and of a 5 % rate (0.0109).
    assert abs(p.mean() - 0.5) < 0.058
    assert abs(np.mean(p < 0.05) - 0.05) < 0.044
    statistics = np.array([t.statistic for t in tests])
    assert statistics.mean() == pytest.approx(tests[0].expected, rel=0.03)


def test_dependent_columns_are_left_out_and_too_few_rows_give_no_test():
    samples = np.random.default_rng(7).standard_normal((30, 2))
    wide = henze_zirkler(np.column_stack([samples, samples.sum(axis=1)]))
    assert wide.dimension == 2
    assert wide.statistic == pytest.approx(henze_zirkler(samples).statistic, rel=1e-12)
    assert henze_zirkler(samples[:3]) is None
    assert henze_zirkler(np.ones((5, 2))) is None
