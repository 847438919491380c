"""Growth rates of splits against the maximal correlation and against a small perturbation."""

import math

import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER, binary_symmetric, random_joint, symmetric
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate, trivial_mixture
from ibcollapse.bottleneck.objective.stability import leading_splits, rough_splits, split_directions
from ibcollapse.bottleneck.transitions.onset import onset_beta_local


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n_x=st.integers(2, 9), n_classes=st.integers(2, 6))
def test_local_onset_is_the_inverse_squared_maximal_correlation(seed, n_x, n_classes):
    joint = random_joint(n_x, n_classes, seed)
    scaled = joint / np.sqrt(np.outer(joint.sum(axis=1), joint.sum(axis=0)))
    rho = np.linalg.svd(scaled, compute_uv=False)[1]
    assert onset_beta_local(Channel.from_joint(joint)) == pytest.approx(rho**-2, rel=1e-9)


@pytest.mark.parametrize(
    ("joint", "expected"),
    [(binary_symmetric(0.1), 1.5625), (symmetric(3, 0.5), 4.0), (WU_FISCHER, 2.073443)],
)
def test_local_onsets_in_closed_form_or_of_two_programs(joint, expected):
    assert onset_beta_local(Channel.from_joint(joint)) == pytest.approx(expected, rel=1e-6)


def test_without_information_the_onset_is_never():
    independent = Channel.from_joint(np.outer([0.3, 0.7], [0.2, 0.8]))
    assert math.isinf(onset_beta_local(independent))


@pytest.mark.parametrize("n_classes", [3, 5, 10])
def test_symmetric_confusion_has_the_multiplicity_of_its_simplex(n_classes):
    channel = Channel.from_joint(symmetric(n_classes, 0.6))
    splits = split_directions(
        channel, trivial_mixture(channel), evaluate(channel, trivial_mixture(channel), 2.0), 2.0
    )
    np.testing.assert_array_equal(splits.multiplicity, [n_classes - 1])
    np.testing.assert_allclose(splits.growth, 2.0 * 0.6**2, rtol=1e-12)


@pytest.mark.parametrize("side", [0.98, 1.02])
def test_an_atom_is_worth_splitting_exactly_above_growth_one(side):
    channel = Channel.from_joint(random_joint(20, 4, 2))
    beta = side * onset_beta_local(channel)
    trivial = trivial_mixture(channel)
    splits = split_directions(channel, trivial, evaluate(channel, trivial, beta), beta)
    step = 1e-3 * splits.directions[0]
    halves = Mixture.from_probabilities(np.full(2, 0.5), channel.p_y + np.stack([step, -step]))
    change = evaluate(channel, halves, beta).free_energy
    assert (change < 0) == (splits.growth[0] > 1) == (side > 1)
    assert np.abs(splits.directions.sum(axis=1)).max() < 1e-12


def test_a_class_on_its_way_out_of_an_atom_makes_no_instability():
    # Class 0 has left the second atom but for 1e-40; its row still grows there, β p(0|x) = 1.6.
    channel = Channel.from_joint(np.array([[0.8, 0.2, 0.0], [0.2, 0.2, 0.6], [0.0, 0.0, 1.0]]) / 3)
    beta = 2.0
    gone = np.array([[0.5, 0.3, 0.2], [1e-40, 1e-40, 1.0]])
    mixture = Mixture.from_probabilities(np.array([0.7, 0.3]), gone)
    splits = split_directions(channel, mixture, evaluate(channel, mixture, beta), beta)
    assert splits.growth[1] == 0.0
    np.testing.assert_array_equal(splits.directions[1, :2], 0.0)


def nearly_deterministic(n_classes=30, a_class=6):
    """A channel most of whose posteriors are negligible, and a state of one atom a class."""
    rng = np.random.default_rng(5)
    logits = rng.normal(scale=4.0, size=(n_classes * a_class, n_classes))
    logits[np.arange(len(logits)), np.repeat(np.arange(n_classes), a_class)] += 20.0
    rows = np.exp(logits)
    channel = Channel.from_joint(rows / rows.sum())
    means = channel.p_y_given_x.T @ channel.p_y_given_x
    return channel, Mixture.from_probabilities(channel.p_y, means / means.sum(axis=1)[:, None])


def test_rough_growth_ranks_atoms_as_the_exact_one_does():
    channel, mixture = nearly_deterministic()
    there = evaluate(channel, mixture, 1.1)
    exact = split_directions(channel, mixture, there, 1.1)
    rough = rough_splits(channel, mixture, there, 1.1)
    assert np.abs(rough.growth - exact.growth).max() > 0
    np.testing.assert_allclose(rough.growth, exact.growth, atol=1e-4)
    some = leading_splits(channel, mixture, there, 1.1)
    atoms = some.atoms
    assert len(atoms) == 4
    assert set(np.argsort(-exact.growth)[:4]) <= set(atoms)
    np.testing.assert_array_equal(some.growth[atoms], exact.growth[atoms])
    others = np.setdiff1d(np.arange(mixture.n_t), atoms)
    assert not some.growth[others].any()
