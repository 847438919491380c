"""How the steps to fit grow with the share of changed labels."""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Growth:
    """What the steps to fit do as labels are changed; each figure with its 95 % interval or NaN.

    exponent : p of the steps = a + b · noise^p; 1 is linear growth.
    slope_ratio : mean slope over the upper half of the noise levels divided by that over the lower
        half; 1 is linear growth, without a model.
    power : q of steps ∝ (1 − noise)^−q.
    slope : mean slope over all levels, in multiples of the steps without noise.
    """

    exponent: tuple[float, float, float]
    slope_ratio: tuple[float, float, float]
    power: tuple[float, float, float]
    slope: tuple[float, float, float]


def fit_exponent(noise: Array, steps: Array) -> float:
    """p of steps = a + b · noise^p with a, b > 0 and 0.1 ≤ p ≤ 20, least squares in log steps.

    Logarithms, because the spread between seeds grows with the steps. `noise` (n,) from 0
    increasing, `steps` (n,) positive.
    """
    grown = max(steps[-1] - steps[0], steps[0] * 1e-3)

    def residual(theta: Array) -> Array:
        a, b, p = np.exp(theta)
        return np.asarray(np.log(a + b * noise**p) - np.log(steps))

    bounds = (np.log([1e-3, 1e-6, 0.1]), np.log([1e9, 1e12, 20.0]))
    # Three starts: with a free exponent the squares have more than one valley.
    found = [
        least_squares(residual, np.log([steps[0], grown / noise[-1] ** p, p]), bounds=bounds)
        for p in (0.7, 1.5, 4.0)
    ]
    return float(np.exp(min(found, key=lambda result: result.cost).x[2]))


def slope_ratio(noise: Array, steps: Array) -> float:
    """Mean slope from the middle level to the last over that from the first to the middle one."""
    middle = len(noise) // 2
    lower = (steps[middle] - steps[0]) / (noise[middle] - noise[0])
    upper = (steps[-1] - steps[middle]) / (noise[-1] - noise[middle])
    return float(upper / lower)


def fit_power(noise: Array, steps: Array) -> float:
    """q of log steps = c − q · log(1 − noise), ordinary least squares."""
    return float(np.polyfit(-np.log1p(-noise), np.log(steps), 1)[0])


def relative_slope(noise: Array, steps: Array) -> float:
    """(last − first steps) / (first steps · last − first noise)."""
    return float((steps[-1] - steps[0]) / (steps[0] * (noise[-1] - noise[0])))


def measure_growth(
    noise: Array, steps: Array, *, n_draws: int, generator: np.random.Generator
) -> Growth:
    """`Growth` of the mean over seeds, with percentile intervals of a bootstrap over seeds.

    Parameters
    ----------
    noise : float64 (n_levels,)
        Shares of changed labels, increasing from 0.
    steps : float64 (n_levels, n_seeds)
        Steps to fit. Runs at different levels share neither weights nor labels, so each level
        draws its seeds by itself.
    """
    n_levels, n_seeds = steps.shape
    draws = generator.integers(0, n_seeds, size=(n_draws, n_levels, n_seeds))
    means = np.take_along_axis(steps[None], draws, axis=2).mean(axis=2)

    def with_interval(figure) -> tuple[float, float, float]:
        drawn = [figure(noise, mean) for mean in means]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return figure(noise, steps.mean(axis=1)), float(low), float(high)

    return Growth(
        exponent=with_interval(fit_exponent),
        slope_ratio=with_interval(slope_ratio),
        power=with_interval(fit_power),
        slope=with_interval(relative_slope),
    )


def verdict(growth: Growth) -> str:
    """What the intervals of the exponent and of the slope ratio, taken together, say.

    A bend is told only when both lie on the same side of one: three parameters fitted to a few
    levels may find an exponent where the steps themselves show no bend.
    """
    if min(growth.exponent[1], growth.slope_ratio[1]) > 1:
        return "superlinear"
    if max(growth.exponent[2], growth.slope_ratio[2]) < 1:
        return "sublinear"
    return "no bend told from a line"
