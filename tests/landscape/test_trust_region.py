import numpy as np
import pytest

from ibcollapse.landscape.trust_region import minimise


class Quartic:
    """unit · Σ (k_i x_i²/2 + x_i⁴/4) in Euclidean space; the minimum is the origin."""

    def __init__(self, unit, stiffness):
        self.unit, self.stiffness = unit, stiffness

    def value(self, x):
        return self.unit * float(np.sum(self.stiffness * x**2 / 2 + x**4 / 4))

    def gradient(self, x):
        return self.unit * (self.stiffness * x + x**3)

    def hessian(self, x):
        return lambda direction: self.unit * (self.stiffness + 3 * x**2) * direction

    def retract(self, x, step):
        return x + step


def descend(unit):
    stiffness = np.geomspace(1e-3, 1, 50)[:, None]
    start = np.random.default_rng(0).normal(size=(50, 1))
    return minimise(
        Quartic(unit, stiffness), start, accept=lambda x: float(np.linalg.norm(x)) <= 1e-8
    )


def test_minimum_of_a_stiff_quartic_is_found():
    end = descend(1.0)
    assert end.accepted
    assert end.value <= 1e-16


@pytest.mark.parametrize("unit", [2.0**-20, 2.0**-10, 2.0**10])
def test_the_work_does_not_depend_on_the_unit_of_the_values(unit):
    # Powers of two scale floats exactly. Only the slack for rounding knows the unit.
    assert descend(unit).accepted
    assert descend(unit).n_iterations == descend(1.0).n_iterations
