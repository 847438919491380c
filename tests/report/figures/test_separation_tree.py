import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ibcollapse.bottleneck.transition import PhaseTransition
from ibcollapse.report.figures import grow_separation_tree, plot_separation_tree

NAMES = ("a", "b", "c", "d", "e")


def parting(beta, *groups):
    parts = tuple(map(tuple, groups))
    return PhaseTransition(beta, beta, 2, "split", 0.0, 0.0, 1, 2, 1, parts, True)


def test_classes_part_in_the_order_of_beta():
    tree = grow_separation_tree(NAMES, [parting(3.0, "a", "b"), parting(2.0, "ab", "cde")])
    assert (tree.beta, tree.classes) == (2.0, NAMES)
    left, right = tree.children
    assert (left.beta, left.classes) == (3.0, ("a", "b"))
    assert [leaf.classes for leaf in left.children] == [("a",), ("b",)]
    assert (right.beta, right.classes, right.children) == (math.inf, ("c", "d", "e"), ())


def test_classes_in_no_group_stay_together():
    tree = grow_separation_tree(NAMES, [parting(2.0, "a", "b")])
    assert [child.classes for child in tree.children] == [("a",), ("b",), ("c", "d", "e")]


def test_a_transition_that_parts_nothing_here_is_passed_over():
    tree = grow_separation_tree(NAMES, [parting(2.0, "abcde"), parting(4.0, "ab", "cde")])
    assert tree.beta == 4.0


def leaves(branch):
    return [leaf for child in branch.children for leaf in leaves(child)] or [branch]


groupings = st.lists(st.sets(st.sampled_from(NAMES)).map(sorted), max_size=3)


@settings(deadline=None)
@given(st.lists(groupings, max_size=6))
def test_every_class_ends_in_one_leaf_and_betas_rise_along_branches(partings):
    transitions = [parting(1.5 + i, *groups) for i, groups in enumerate(partings)]
    tree = grow_separation_tree(NAMES, transitions)
    assert sorted(name for leaf in leaves(tree) for name in leaf.classes) == list(NAMES)

    def check(branch):
        for child in branch.children:
            assert child.beta > branch.beta
            check(child)

    check(tree)


def test_the_picture_has_a_row_for_each_class(collapsed):
    ax = plot_separation_tree(collapsed)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(collapsed.class_names)
    assert "log" in ax.get_xlabel()


def test_names_are_drawn_as_they_are(binary_symmetric):
    names = ("$\\frac", "x" * 100)
    opening = dataclasses.replace(binary_symmetric.transitions[0], separates=((names[0],),))
    ax = plot_separation_tree(
        dataclasses.replace(binary_symmetric, class_names=names, transitions=(opening,))
    )
    FigureCanvasAgg(ax.figure).draw()
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert shown[0] == "$\\frac"
    assert len(shown[1]) <= 32
    assert shown[1][0] == shown[1][-1] == "x"


def test_a_single_class_is_one_line(binary_symmetric):
    alone = dataclasses.replace(binary_symmetric, class_names=("only",), transitions=())
    assert len(plot_separation_tree(alone).lines) == 1


def test_an_unknown_scale_is_refused(binary_symmetric):
    with pytest.raises(ValueError, match="scale"):
        plot_separation_tree(binary_symmetric, scale="sqrt")


def test_classes_that_never_part_end_in_one_bar(binary_symmetric):
    together = dataclasses.replace(binary_symmetric, transitions=())
    stem, bar = plot_separation_tree(together).lines
    assert stem.get_ydata() == pytest.approx([0.5, 0.5])
    assert bar.get_ydata() == pytest.approx([-0.3, 1.3])
