import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibcollapse.errors import InputError
from ibcollapse.matrix_information.entropy import matrix_entropy


def test_uniform_spectrum_has_log_n_at_every_order():
    for alpha in (0.5, 1.0, 2.0, 10.0):
        assert matrix_entropy(np.full(7, 3.0), alpha=alpha) == pytest.approx(np.log(7), rel=1e-14)


def test_one_direction_has_entropy_zero():
    assert matrix_entropy([5.0, 0.0, 0.0]) == 0.0


def test_order_two_is_minus_log_purity():
    assert matrix_entropy([3, 1], alpha=2) == pytest.approx(-np.log((9 + 1) / 16), rel=1e-14)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8))
def test_renyi_decreases_with_its_order_and_meets_von_neumann(values):
    below, at, above = (matrix_entropy(values, alpha=a) for a in (0.999999, 1.0, 1.000001))
    # The slope at order one is half the variance of log λ, at most about 100 here.
    assert at == pytest.approx(below, abs=1e-4) == pytest.approx(above, abs=1e-4)
    assert (
        matrix_entropy(values, alpha=2.0) <= at + 1e-9 <= matrix_entropy(values, alpha=0.5) + 2e-9
    )


@pytest.mark.parametrize("values", [[], [0.0], [-1.0, 2.0], [np.inf], [[1.0]]])
def test_what_is_no_spectrum_is_refused(values):
    with pytest.raises(InputError, match="spectrum"):
        matrix_entropy(values)


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.inf, np.nan])
def test_orders_out_of_range_are_refused(alpha):
    with pytest.raises(InputError, match="alpha"):
        matrix_entropy([1.0], alpha=alpha)
