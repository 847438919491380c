"""Which classes stay together until which beta."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_channels import binary_symmetric, symmetric, two_pairs, wu_fischer

from ibcollapse.bottleneck import Channel, IBCurve, IBSolution, grow_separation_tree, trace_curve
from ibcollapse.serialize import load_result, save

NAMES = ("a", "b", "c", "d", "e")


def solution(beta, decoders):
    """A solution of which only beta and the decoders matter; clusters weigh alike."""
    decoders = np.array(decoders, dtype=float)
    weights = np.full(len(decoders), 1 / len(decoders))
    rows = decoders / decoders.sum(axis=1, keepdims=True)
    return IBSolution(beta, 0.1, 0.1, 0.0, 0.0, "none", weights, rows, "converged", 1, 0.0)


def curve_of(solutions, names=NAMES, transitions=()):
    return IBCurve(tuple(solutions), tuple(transitions), 1.0, 1.0, names, "converged")


TRIVIAL = solution(1.0, [[1, 1, 1, 1, 1]])
HALVES = solution(2.0, [[3, 3, 1, 1, 1], [1, 1, 3, 3, 3]])
THIRDS = solution(3.0, [[9, 1, 1, 1, 1], [1, 9, 1, 1, 1], [1, 1, 3, 3, 3]])


def test_classes_part_in_the_order_of_beta():
    root = grow_separation_tree(curve_of([TRIVIAL, HALVES, THIRDS])).root
    assert (root.beta, root.classes) == (2.0, NAMES)
    left, right = root.children
    assert (left.beta, left.classes) == (3.0, ("a", "b"))
    assert [leaf.classes for leaf in left.children] == [("a",), ("b",)]
    assert (right.beta, right.classes, right.children) == (math.inf, ("c", "d", "e"), ())


def test_groups_get_finer_and_stay_so():
    tree = grow_separation_tree(curve_of([TRIVIAL, HALVES, THIRDS, dataclasses.replace(TRIVIAL)]))
    assert tree.groups_at(1.5) == (NAMES,)
    assert tree.groups_at(2.0) == (("a", "b"), ("c", "d", "e"))
    assert tree.groups_at(9.0) == (("a",), ("b",), ("c", "d", "e"))


def test_two_classes_know_when_they_part():
    tree = grow_separation_tree(curve_of([TRIVIAL, HALVES, THIRDS]))
    assert tree.beta_together("a", "e") == 2.0
    assert tree.beta_together("b", "a") == 3.0
    assert tree.beta_together("c", "e") == math.inf


def test_the_newick_text_has_every_class_at_the_end_of_the_curve():
    tree = grow_separation_tree(curve_of([TRIVIAL, HALVES, THIRDS], ("it's", *NAMES[1:])))
    assert tree.to_newick() == "(('it''s':0,'b':0):1,('c':0,'d':0,'e':0):1):2;"


def test_a_class_that_never_occurs_is_left_out():
    tree = grow_separation_tree(curve_of([solution(1.0, [[1, 1, 0]])], ("a", "b", "c")))
    assert tree.class_names == ("a", "b")


def test_a_transition_between_two_solutions_dates_the_parting():
    # Wu and Fischer: class 2 leaves at 1.937899, 0 and 1 part at 5.60927.
    tree = grow_separation_tree(trace_curve(wu_fischer()))
    betas = [parting.beta for parting in tree.partings]
    assert betas == pytest.approx([1.937899, 5.60927], rel=1e-6)
    assert tree.groups_at(3.0) == (("0", "1"), ("2",))


@pytest.mark.parametrize(
    ("channel", "beta"), [(binary_symmetric(), 1.5625), (symmetric(3, 0.5), 3.898735)]
)
def test_a_symmetric_channel_parts_all_at_once(channel, beta):
    [parting] = grow_separation_tree(trace_curve(channel, fraction=0.5)).partings
    assert parting.beta == pytest.approx(beta, abs=1e-6)
    assert len(parting.parts) == channel.n_classes


def test_close_pairs_of_classes_stay_together_longest():
    tree = grow_separation_tree(trace_curve(two_pairs(), fraction=0.9))
    assert tree.partings[0].parts == (("a", "b"), ("c", "d"))
    assert tree.beta_together("a", "b") > 2 * tree.beta_together("a", "c")


seeds = st.integers(0, 10_000)


@settings(deadline=None)
@given(seeds, st.integers(1, 6))
def test_together_means_together_at_every_solution_so_far(seed, n_solutions):
    rng = np.random.default_rng(seed)
    path = [TRIVIAL]
    for i in range(n_solutions):
        path.append(solution(2.0 + i, rng.dirichlet(np.ones(5), size=rng.integers(1, 5))))
    tree = grow_separation_tree(curve_of(path))
    for last in path:
        so_far = [s for s in path if s.beta <= last.beta]
        together = {
            (x, y)
            for i, x in enumerate(NAMES)
            for j, y in enumerate(NAMES)
            if all(s.p_y_given_t[:, i].argmax() == s.p_y_given_t[:, j].argmax() for s in so_far)
        }
        groups = tree.groups_at(last.beta)
        assert together == {(x, y) for group in groups for x in group for y in group}


def test_the_names_of_the_columns_do_not_matter():
    channel = two_pairs()
    order = [2, 0, 3, 1]
    shuffled = Channel(
        channel.p_x,
        channel.log_p_y_given_x[:, order],
        class_names=[channel.class_names[y] for y in order],
    )
    one, other = (grow_separation_tree(trace_curve(c, fraction=0.8)) for c in (channel, shuffled))
    for x, y in (("a", "b"), ("c", "d"), ("a", "d")):
        assert one.beta_together(x, y) == pytest.approx(other.beta_together(x, y), rel=1e-6)


def test_it_survives_its_file(tmp_path):
    tree = grow_separation_tree(curve_of([TRIVIAL, HALVES, THIRDS]))
    assert load_result(save(tree, tmp_path / "tree.h5")) == tree
