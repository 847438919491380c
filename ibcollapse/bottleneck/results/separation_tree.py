"""Which classes stay together until which beta, as a tree grown from a curve's solutions.

At one solution two classes are together when the same cluster stands out most for both of them:
argmax_t p(t|y)/p(t) = argmax_t p(y|t)/p(y). The plain argmax of p(t|y) would leave every class with
the heaviest cluster while a new one is still small; relative to p(t) a class parts as soon as there
is a cluster that speaks for it. Along the curve a parting is final: classes are together at beta
when they are together at every solution up to beta, so that the groups only ever get finer.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.storage.serialize import register

# Clusters whose p(y|t) differ by less, relatively, stand out alike: the heavier one counts.
_ALIKE = 1e-9
_SAME_BETA = 1e-12

Groups = tuple[tuple[str, ...], ...]


@register("bottleneck/Parting")
@dataclasses.dataclass(frozen=True)
class Parting:
    """One group of classes that falls apart.

    Attributes
    ----------
    beta : float
        Of the transition at which it does; where none lies between the solutions before and after
        it, the beta of the first solution that shows the parts.
    classes : tuple of str
        The group.
    parts : tuple of tuple of str
        What it falls into, at least two.
    """

    beta: float
    classes: tuple[str, ...]
    parts: Groups


@dataclasses.dataclass(frozen=True)
class Branch:
    """Classes that stay together until `beta` and then part into `children`.

    A branch without children never parts on the curve; its `beta` is infinite.
    """

    classes: tuple[str, ...]
    beta: float
    children: tuple["Branch", ...]


@register("bottleneck/SeparationTree")
@dataclasses.dataclass(frozen=True)
class SeparationTree:
    """Partings of the classes along a curve.

    Attributes
    ----------
    class_names : tuple of str
        All classes that occur, in the curve's order.
    partings : tuple of Parting
        By increasing beta; a group parts before its parts do.
    beta_end : float
        Last beta of the curve; what has not parted there may do so beyond it.
    """

    class_names: tuple[str, ...]
    partings: tuple[Parting, ...]
    beta_end: float

    @property
    def root(self) -> Branch:
        """The tree as nested branches, all classes at its root."""
        parting_of = {parting.classes: parting for parting in self.partings}

        def grow(classes: tuple[str, ...]) -> Branch:
            parting = parting_of.get(classes)
            if parting is None:
                return Branch(classes, math.inf, ())
            return Branch(classes, parting.beta, tuple(grow(part) for part in parting.parts))

        return grow(self.class_names)

    def groups_at(self, beta: float) -> Groups:
        """Groups of classes that are together at `beta` (just after a parting at it)."""
        groups = [self.class_names]
        for parting in self.partings:
            if parting.beta <= beta:
                groups.remove(parting.classes)
                groups.extend(parting.parts)
        return tuple(sorted(groups, key=lambda group: self.class_names.index(group[0])))

    def beta_together(self, first: str, second: str) -> float:
        """Beta until which two classes stay together; inf when they never part on the curve."""
        for parting in self.partings:
            homes = [part for part in parting.parts if first in part or second in part]
            if len(homes) == 2:
                return parting.beta
        return math.inf

    def to_newick(self) -> str:
        """The tree in the Newick format, branch lengths in beta from 0 at the root on.

        Classes that never part hang on a branch up to `beta_end` with lengths of zero.
        """
        return f"{self._newick(self.root, 0.0)};"

    def _newick(self, branch: Branch, start: float) -> str:
        end = branch.beta if branch.children else self.beta_end
        if branch.children:
            inner = ",".join(self._newick(child, end) for child in branch.children)
        elif len(branch.classes) > 1:
            inner = ",".join(f"{_quoted(name)}:0" for name in branch.classes)
        else:
            return f"{_quoted(branch.classes[0])}:{end - start:.12g}"
        return f"({inner}):{end - start:.12g}"


def _quoted(name: str) -> str:
    escaped = name.replace("'", "''")
    return f"'{escaped}'"


def grow_separation_tree(curve: IBCurve) -> SeparationTree:
    """Tree of the classes of `curve`: which stay together until which beta.

    Classes of probability zero are left out.

    Examples
    --------
    >>> from ibcollapse import Channel, trace_curve
    >>> curve = trace_curve(Channel.from_joint([[0.45, 0.05], [0.05, 0.45]]))
    >>> tree = grow_separation_tree(curve)
    >>> [(round(p.beta, 6), p.parts) for p in tree.partings]
    [(1.5625, (('0',), ('1',)))]
    """
    names, present = curve.class_names, np.ones(len(curve.class_names), dtype=bool)
    if curve.solutions:
        present = curve.solutions[0].p_y_given_t.max(axis=0) > 0
        names = tuple(name for name, is_there in zip(names, present, strict=True) if is_there)
    code = np.zeros(len(names), dtype=np.int64)
    partings: list[Parting] = []
    before = 0.0
    for solution in curve.solutions:
        finer = _refine(code, _cluster_of_classes(solution)[present])
        if finer.max(initial=0) > code.max(initial=0):
            beta = _date(before, solution.beta, curve.transitions)
            partings.extend(_partings(names, code, finer, beta))
            code = finer
        before = solution.beta
    end = float(curve.solutions[-1].beta) if curve.solutions else 1.0
    return SeparationTree(names, tuple(partings), end)


def _cluster_of_classes(solution: IBSolution) -> NDArray[np.int64]:
    """The cluster that stands out most for each class, (n_classes,)."""
    r = solution.p_y_given_t
    most = r.max(axis=0)
    # Clusters come by decreasing weight, so the first of equals is the heaviest.
    first: NDArray[np.int64] = np.argmax(r >= most * (1 - _ALIKE), axis=0).astype(np.int64)
    return first


def _refine(code: NDArray[np.int64], cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups numbered 0, 1, …: together in both `code` and `cluster`."""
    pairs = np.stack([code, cluster], axis=1)
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _date(before: float, here: float, transitions: Sequence[PhaseTransition]) -> float:
    """Beta of the last transition between two solutions, else that of the second.

    A solution at the beta of a transition is the branch below it, except for the second of the two
    at a jump: the transition then lies before the next one.
    """
    is_jump = here - before <= _SAME_BETA * here
    low, high = before * (1 - _SAME_BETA), here * (1 + (1 if is_jump else -1) * _SAME_BETA)
    between = [t.beta for t in transitions if low <= t.beta <= high]
    return max(between, default=here)


def _partings(
    names: tuple[str, ...], code: NDArray[np.int64], finer: NDArray[np.int64], beta: float
) -> list[Parting]:
    found = []
    for group in dict.fromkeys(code.tolist()):
        members = np.flatnonzero(code == group)
        parts: dict[int, list[str]] = {}
        for y in members:
            parts.setdefault(int(finer[y]), []).append(names[y])
        if len(parts) > 1:
            classes = tuple(names[y] for y in members)
            found.append(Parting(beta, classes, tuple(tuple(part) for part in parts.values())))
    return found
