"""The package embo (E. Piasini and others) at matched beta: never better, and often worse.

Its own exponent is e to −b times a divergence in bits, so its b is beta · ln 2; `embo_at` hands it
that. Where it converges the Lagrangians agree; where it stops early the test says by how much.
"""

import importlib.util

import numpy as np
import pytest
from bottleneck.ground_truths import (
    WU_FISCHER,
    binary_symmetric,
    binary_symmetric_point,
    eight_by_five,
    symmetric,
)

from ibcollapse.bottleneck import Channel, solve

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("embo") is None, reason="embo is not installed"
)


def embo_at(joint, beta, n_clusters, restarts=3, tol=1e-13):
    """Lagrangian in nats at a true beta of embo's best restart, and its (I(X;T), I(T;Y))."""
    from embo import InformationBottleneck

    np.random.seed(0)  # noqa: NPY002  (embo draws from NumPy's global generator)
    joint = np.asarray(joint)
    p_x = joint.sum(axis=1)
    bits_x, bits_y, _, _ = InformationBottleneck.beta_iter(
        1,
        beta * np.log(2.0),
        p_x,
        joint.sum(axis=0),
        (joint / p_x[:, None]).T,
        n_clusters,
        restarts,
        20_000,
        rtol=tol,
    )
    i_xt, i_ty = float(bits_x * np.log(2.0)), float(bits_y * np.log(2.0))
    return i_xt - beta * i_ty, (i_xt, i_ty)


def test_beta_is_matched_on_the_binary_symmetric_channel():
    # At a beta read in other units embo would land at another point of Mrs Gerber's curve.
    lagrangian, point = embo_at(binary_symmetric(0.1), 2.5, 2)
    np.testing.assert_allclose(point, binary_symmetric_point(0.1, 2.5), atol=1e-5)
    ours = solve(Channel.from_joint(binary_symmetric(0.1)), 2.5)
    assert ours.lagrangian == pytest.approx(lagrangian, abs=1e-9)


@pytest.mark.parametrize(
    ("joint", "beta"),
    [(WU_FISCHER, 4.0), (eight_by_five(), 8.0), (symmetric(3, 0.5), 4.5)],
    ids=["Wu-Fischer", "8 x 5", "3-ary symmetric"],
)
def test_ours_is_never_above_embo_by_more_than_its_gap(joint, beta):
    ours = solve(Channel.from_joint(joint), beta)
    lagrangian, _ = embo_at(joint, beta, len(joint))
    assert ours.gap <= 1e-9
    assert ours.lagrangian <= lagrangian + 1e-9


def test_embo_reaches_the_eight_by_five_optimum_only_by_restarts():
    ours = solve(Channel.from_joint(eight_by_five()), 3.0)
    assert ours.lagrangian == pytest.approx(-0.0938909, abs=1e-6)
    thrice, _ = embo_at(eight_by_five(), 3.0, 8)
    assert thrice == pytest.approx(ours.lagrangian, abs=1e-9)
    # Its first start alone ends 5.3e-4 nats above, however tight the tolerance.
    once, _ = embo_at(eight_by_five(), 3.0, 8, restarts=1)
    assert 1e-4 < once - ours.lagrangian < 1e-3


def test_near_criticality_embos_own_tolerance_ends_above_the_trivial_solution():
    beta = 1.001 * 1.5625
    ours = solve(Channel.from_joint(binary_symmetric(0.1)), beta)
    exact, relevance = binary_symmetric_point(0.1, beta)
    assert ours.lagrangian == pytest.approx(exact - beta * relevance, abs=1e-9)
    # The optimum is -2.1e-6; embo with its default tolerance stops 8.4e-5 above it.
    lagrangian, _ = embo_at(binary_symmetric(0.1), beta, 2, restarts=1, tol=1e-3)
    assert lagrangian > 0 > ours.lagrangian
    assert 5e-5 < lagrangian - ours.lagrangian < 1e-3
