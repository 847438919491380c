import numpy as np
import pytest

from benchmarks.experiments.label_noise_growth import (
    fit_exponent,
    fit_power,
    measure_growth,
    relative_slope,
    slope_ratio,
    verdict,
)

NOISE = np.array([0.0, 0.2, 0.4, 0.6, 0.8])


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0, 5.0])
def test_exponent_of_an_exact_power_is_found(exponent):
    steps = 120.0 + 3000.0 * NOISE**exponent
    # No noise: the least squares end at zero up to their own tolerance of 1e-8.
    assert fit_exponent(NOISE, steps) == pytest.approx(exponent, rel=1e-4)


def test_slope_ratio_is_one_on_a_line_and_three_on_a_parabola():
    assert slope_ratio(NOISE, 50.0 + 400.0 * NOISE) == pytest.approx(1.0)
    # (0.8² − 0.4²) / 0.4² = 3.
    assert slope_ratio(NOISE, 50.0 + 400.0 * NOISE**2) == pytest.approx(3.0)


def test_power_and_relative_slope_are_those_of_the_formula():
    assert fit_power(NOISE, 80.0 * (1.0 - NOISE) ** -1.7) == pytest.approx(1.7)
    assert relative_slope(NOISE, 50.0 + 400.0 * NOISE) == pytest.approx(8.0)


def growth_of(mean, spread, seed=0):
    generator = np.random.default_rng(seed)
    steps = mean[:, None] * np.exp(spread * generator.normal(size=(len(mean), 4)))
    return measure_growth(NOISE, steps, n_draws=50, generator=generator)


def test_equal_seeds_have_intervals_of_no_width():
    growth = growth_of(100.0 + 900.0 * NOISE**2, spread=0.0)
    for figure in (growth.exponent, growth.slope_ratio, growth.power, growth.slope):
        assert figure[1] == pytest.approx(figure[0])
        assert figure[2] == pytest.approx(figure[0])


@pytest.mark.parametrize(
    ("exponent", "reading"),
    [(3.0, "superlinear"), (0.3, "sublinear"), (1.0, "no bend told from a line")],
)
def test_verdict_reads_the_truth_off_noisy_seeds(exponent, reading):
    growth = growth_of(200.0 + 4000.0 * NOISE**exponent, spread=0.03)
    assert growth.exponent[1] <= growth.exponent[0] <= growth.exponent[2]
    assert verdict(growth) == reading


def test_seeds_are_drawn_within_a_level():
    # One seed differs at the last level only: the first level's mean never moves.
    steps = np.tile((100.0 + 900.0 * NOISE)[:, None], 4)
    steps[-1, 0] *= 2.0
    growth = measure_growth(NOISE, steps, n_draws=100, generator=np.random.default_rng(1))
    # All four draws the changed seed, or none of them: slopes from 9 to (1640 − 100) / 80.
    assert growth.slope[1] >= 9.0 - 1e-9
    assert growth.slope[2] <= (2 * 820.0 - 100.0) / (100.0 * 0.8) + 1e-9
    assert growth.slope[1] < growth.slope[0] < growth.slope[2]
