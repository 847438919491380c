"""Soft modes: states whose atoms may move along directions in which Φ hardly falls.

Cyclic and ordered classes have them: along a circle of decoders Φ is one to the last digits, and
any few atoms on it do as well as any others.
"""

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.mixture import information
from ibcollapse.bottleneck.solver.column_generation import SolvedState
from ibcollapse.bottleneck.solver.newton import Descent

# Atoms this close to a split (as a share of beta − 1 near one) have a soft mode.
_SOFT = 1e-5
# Those this close lie on a circle on which any atoms do.
_FLAT = 1e-6
# A branch whose I(T;Y) changed by more than so many times what its slope foretold fell into the
# state beyond a jump, whose atoms need not be far where there are many. So few nats are rounding.
_MOST_RISE, _NO_RISE = 1.8, 1e-9


def leaps(channel: Channel, state: SolvedState, ended: Descent, beta: float) -> bool:
    """Whether a branch followed from a state to `beta` `ended` beyond a jump on its way.

    Of a soft mode the slope says nothing.
    """
    if state.mixture.n_t == 1 or is_soft(state):
        return False
    foretold = abs(rise(state) * (beta - state.beta))
    there = ended.evaluation
    reached = information(channel, there.joint, there.p_t_given_x)[1]
    risen = abs(reached - relevance(channel, state))
    return not risen <= _MOST_RISE * foretold + _NO_RISE


def is_soft(state: SolvedState, lacking: float = _SOFT) -> bool:
    """Whether an atom may move along a direction in which Φ hardly falls.

    `lacking` is what beta λ₂ may be below one then, times beta − 1 near one.
    """
    if state.mixture.n_t == 1:
        return False
    splits = state.splits
    return bool(splits.growth.max() >= 1.0 - lacking * min(1.0, state.beta - 1.0))


def may_trade(before: SolvedState, after: SolvedState) -> bool:
    """Whether two states may have other numbers of atoms although nothing happens between them.

    Along a circle of decoders Φ is one to the last digits. Beside a split it only nearly is.
    """
    return is_soft(before, _FLAT) and is_soft(after, _FLAT)


def rise(state: SolvedState) -> float:
    """dI(T;Y)/dbeta."""
    return state.slope.i_ty if state.mixture.n_t > 1 else 0.0


def relevance(channel: Channel, state: SolvedState) -> float:
    """I(T;Y) of a state, nats."""
    evaluation = state.evaluation
    return information(channel, evaluation.joint, evaluation.p_t_given_x)[1]
