"""Where a solved state is going: its Hessian, its tangent, its splits, computed once."""

import functools
import weakref

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import Tangent, tangent
from ibcollapse.bottleneck.objective.hessian import Curvature, curvature
from ibcollapse.bottleneck.objective.stability import Splits, leading_splits
from ibcollapse.bottleneck.solver.column_generation import SolvedState


class Heading:
    """The Hessian of F at a state, the tangent of its branch and where its atoms split."""

    def __init__(self, channel: Channel, state: SolvedState) -> None:
        self._channel = channel
        self._at = state.mixture, state.evaluation, state.beta
        left = state.hessian
        # What costs nothing to make is of the state itself, not of one close by.
        self._left = left if left is not None and left.is_cheap else None

    @functools.cached_property
    def hessian(self) -> Curvature:
        """The Hessian."""
        return self._left or curvature(self._channel, *self._at)

    @functools.cached_property
    def slope(self) -> Tangent:
        """The tangent."""
        return tangent(self._channel, *self._at, self.hessian)

    @functools.cached_property
    def splits(self) -> Splits:
        """Those of the least stable atoms."""
        return leading_splits(self._channel, *self._at)


_headings: weakref.WeakKeyDictionary[SolvedState, Heading] = weakref.WeakKeyDictionary()


def heading(channel: Channel, state: SolvedState) -> Heading:
    """That of a state of the channel: the walk asks for it where it plans a step and takes it."""
    found = _headings.get(state)
    if found is None:
        found = _headings[state] = Heading(channel, state)
    return found
