"""Which classes part when atoms appear."""

import numpy as np
from bottleneck.ground_truths import symmetric

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, trivial_mixture
from ibcollapse.bottleneck.transitions.class_separation import separated_classes


def mixture(weights, decoders):
    return Mixture.from_probabilities(np.array(weights), np.array(decoders))


CHANNEL = Channel.from_joint(symmetric(4, 0.9), class_names=("a", "b", "c", "d"))


def test_two_new_atoms_share_the_classes_of_the_one_they_came_from():
    after = mixture([0.5, 0.5], [[0.45, 0.45, 0.05, 0.05], [0.05, 0.05, 0.45, 0.45]])
    assert separated_classes(CHANNEL, trivial_mixture(CHANNEL), after) == (("a", "b"), ("c", "d"))


def test_one_new_atom_takes_what_it_raises_and_leaves_the_rest():
    after = mixture([0.9, 0.1], [[0.25] * 4, [0.7, 0.1, 0.1, 0.1]])
    groups = separated_classes(CHANNEL, trivial_mixture(CHANNEL), after)
    assert groups == (("a",), ("b", "c", "d"))


def test_a_cluster_that_stays_holds_its_classes_together():
    halves = [[0.45, 0.45, 0.05, 0.05], [0.05, 0.05, 0.45, 0.45]]
    before = mixture([0.5, 0.5], halves)
    assert separated_classes(CHANNEL, before, before) == ()
    after = mixture([0.5, 0.25, 0.25], [halves[0], [0.05, 0.05, 0.7, 0.2], [0.05, 0.05, 0.2, 0.7]])
    assert separated_classes(CHANNEL, before, after) == (("c",), ("d",))
