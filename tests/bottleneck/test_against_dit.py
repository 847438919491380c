"""The package dit (R. James and others): its informations, and what its bottleneck returns."""

import importlib.util
import warnings

import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER, binary_symmetric, random_joint

from ibcollapse.bottleneck import Channel, solve

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("dit") is None, reason="dit is not installed"
)


def distribution_of(joint):
    import dit

    joint = np.asarray(joint)
    outcomes = [f"{i}{j}" for i, j in np.ndindex(joint.shape)]  # one digit a variable
    return dit.Distribution(outcomes, (joint / joint.sum()).ravel())


@pytest.mark.parametrize("joint", [WU_FISCHER, random_joint(6, 4, 0), binary_symmetric(0.2)])
def test_mutual_information_and_entropy_are_those_of_dit(joint):
    import dit

    given, channel = distribution_of(joint), Channel.from_joint(joint)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dit's own deprecations
        bits = dit.shannon.mutual_information(given, [0], [1])
        entropy = dit.shannon.entropy(given, [1])
    assert channel.i_xy == pytest.approx(bits * np.log(2), abs=1e-12)
    assert channel.h_y == pytest.approx(entropy * np.log(2), abs=1e-12)


@pytest.mark.parametrize(("joint", "beta"), [(binary_symmetric(0.1), 3.0), (WU_FISCHER, 3.0)])
def test_ours_is_never_above_the_bottleneck_of_dit(joint, beta):
    from dit.rate_distortion import IBCurve

    ours = solve(Channel.from_joint(joint), beta)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.random.seed(0)  # noqa: NPY002  (dit draws from NumPy's global generator)
        curve = IBCurve(
            distribution_of(joint),
            [[0], [1]],
            beta_min=beta,
            beta_max=beta,
            beta_num=1,
            method="ba",
        )
    theirs = (curve.complexities[0] - beta * curve.relevances[0]) * np.log(2)
    assert ours.gap <= 1e-9
    assert ours.lagrangian <= theirs + 1e-9
    # Dit returns the trivial representation, whose Lagrangian is zero: ours is better by all of it.
    assert theirs == pytest.approx(0.0, abs=1e-9)
    assert ours.lagrangian < -0.01
