"""Where the trivial representation stops being optimal."""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck import certificate
from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.mixture import UNIT, evaluate, exponents, trivial_mixture
from ibcollapse.bottleneck.stability import Splits, split_directions

Array = NDArray[np.float64]

# Roundings of log Φ that a hill is above, of sums of size one and of scores of size beta.
_HIDDEN = 40.0
# Ascents end where log Φ can gain less, nats; where a rough onset will do, so much of beta − 1.
_RESTING, _ROUGHLY = 1e-14, 1e-2
PAST_ONSET = 1.001
"""Walks from the trivial representation begin so much further above one than its onset."""
# Turns at most; the error falls quadratically.
_MOST_TURNS = 40
# Newton's steps to a root end at this share of beta.
_AT_ROOT = 4e-16
_MOST_STEPS = 60


@on_one_blas_thread
def onset_beta(channel: ChannelLike) -> float:
    """Beta above which the trivial representation is no longer optimal: the first transition.

    An atom at a decoder r lowers the Lagrangian where the trivial state's potential
    (`ibcollapse.bottleneck.certificate`)

        log Φ(r) = log Σ_x p(x) exp(beta [KL(p(y|x) ‖ p_y) − KL(p(y|x) ‖ r)])

    is above zero. In beta it is convex, zero at zero, and has one positive root; the onset is the
    least root of all decoders. From `onset_beta_local`, the root of those next to p(y), beta falls
    to the least root of the hills of Φ that are climbed there, and so on.

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y).

    Returns
    -------
    float
        At most `onset_beta_local`; infinite when I(X;Y) = 0. Climbs start from many places, which
        proves nothing: a hill that all of them miss would lie lower still. `find_transitions`
        certifies what is optimal on both sides.

    Examples
    --------
    Five classes, each told right with odds of 6 to 1: the first transition is a jump, while the
    trivial representation stays stable up to 4:

    >>> import numpy as np
    >>> import ibcollapse as ib
    >>> joint = 0.1 * np.eye(5) + 0.02
    >>> f"{ib.onset_beta(joint):.6f} {ib.onset_beta_local(joint):.6f}"
    '3.649344 4.000000'
    """
    return _descend(as_channel(channel))


def rough_onset(channel: Channel) -> float:
    """A beta a little above `onset_beta`, in half of its time."""
    return _descend(channel, _ROUGHLY)


def _descend(channel: Channel, roughly: float = 0.0) -> float:
    """The onset; hills that are left may be above zero by a share of log Φ's size, beta − 1."""
    trivial, rng = trivial_mixture(channel), np.random.default_rng(0)
    # Neither where the trivial state would split nor its Z, which is one, depends on beta.
    splits = _trivial_splits(channel)
    beta = _local(splits)
    if not math.isfinite(beta):
        return beta
    log_v = np.log(channel.p_x)
    hints = trivial.log_r
    for _ in range(_MOST_TURNS):
        starts = certificate.starting_decoders(channel, trivial, splits, log_v, beta, rng)
        rough = roughly * min(1.0, beta - 1.0)
        maxima = certificate.climb(
            channel, log_v, starts, beta, hints=hints, tol=max(_RESTING, rough)
        )
        level = max(_HIDDEN * UNIT * beta, rough)
        hills = maxima.log_r[maxima.log_phi > level]
        if len(hills) == 0:
            break
        roots = _roots(channel, hills, beta)
        hints, lower = hills[np.argsort(roots)], float(roots.min())
        if lower >= beta:
            break
        beta = lower
    return beta


def onset_beta_local(channel: ChannelLike) -> float:
    """Beta at which the trivial representation loses local stability; infinite when I(X;Y) = 0.

    1/beta is the second eigenvalue of Σ_x p(x) p(y|x) p(y'|x) / √(p(y) p(y')), the square of the
    maximal correlation of X and Y. `channel` is as in `onset_beta`, which is at most as large:
    between the two betas Blahut–Arimoto started next to p(y) stays trivial, which is not optimal.
    """
    return _local(_trivial_splits(as_channel(channel)))


def _trivial_splits(channel: Channel) -> Splits:
    trivial = trivial_mixture(channel)
    return split_directions(channel, trivial, evaluate(channel, trivial, 1.0), 1.0)


def _local(splits: Splits) -> float:
    growth = float(splits.growth[0])
    return 1.0 / growth if growth > 0 else math.inf


def _roots(channel: Channel, log_r: Array, beta: float) -> Array:
    """Beta below `beta` at which log Φ of each decoder is zero, (n,), where it is above zero there.

    Newton's iterates of a convex function fall towards its root without passing it.
    """
    gains = exponents(channel, log_r, 1.0)
    betas = np.full(len(log_r), beta)
    for _ in range(_MOST_STEPS):
        scores = betas * gains
        top = scores.max(axis=0)
        terms = np.exp(scores - top) * channel.p_x[:, None]
        total = terms.sum(axis=0)
        steps = (np.log(total) + top) / ((terms * gains).sum(axis=0) / total)
        betas -= np.maximum(steps, 0.0)
        if (steps <= _AT_ROOT * beta).all():
            break
    return betas
