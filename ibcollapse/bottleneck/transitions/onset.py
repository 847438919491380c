"""Where the trivial representation stops being optimal."""

import dataclasses
import math
import warnings

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.deadline import OUT_OF_TIME, OutOfTimeError, deadline, is_over, kept
from ibcollapse.bottleneck.objective.mixture import UNIT, exponents, trivial_mixture
from ibcollapse.bottleneck.objective.stability import Splits, leading_direction
from ibcollapse.bottleneck.pricing.ascent import climb
from ibcollapse.bottleneck.pricing.starts import starting_decoders
from ibcollapse.bottleneck.results.solution import CONVERGED

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
# Roots that rounding of log Φ may move by more than this share of beta − 1 are none.
_VAGUE = 1e-2
# Probabilities that differ by less than this share, times one more for each e-fold that they are
# below one, are the same: so much the logarithm and sums of probabilities round.
_SAME_ROWS = 32 * 2.2e-16


@dataclasses.dataclass(frozen=True)
class Onset:
    """Where the trivial representation stops being optimal, as far as it is known.

    Attributes
    ----------
    lower, upper : float
        The true onset lies in [lower, upper]. What proves `upper` is a decoder with Φ > 1 just
        above it (or that p(y) loses local stability there), up to rounding; infinite where none was
        met, or where I(X;Y) = 0. `lower` is `upper` where the search was finished: ascents from
        many places found no such decoder at a lower beta, which proves nothing. Where it was cut
        short, `lower` is 1 / (1 − Σ_y min_x p(y|x)) ≥ 1, proven by strong data processing: no T
        has I(T;Y) > (1 − Σ_y min_x p(y|x)) I(X;T) (Doeblin's coefficient; Raginsky 2016, doi
        10.1109/TIT.2016.2549542).
    status : str
        "converged" where the search was finished, or a sentence that says why not and which
        argument to change.
    """

    lower: float
    upper: float
    status: str

    @property
    def converged(self) -> bool:
        """Whether the search for lower betas was finished."""
        return self.status == CONVERGED


@on_one_blas_thread
def find_onset(channel: ChannelLike, *, time_limit: float = math.inf) -> Onset:
    """Between which betas the trivial representation stops being optimal: the first transition.

    An atom at a decoder r lowers the Lagrangian where the trivial state's potential
    (`ibcollapse.bottleneck.pricing.ascent`)

        log Φ(r) = log Σ_x p(x) exp(beta [KL(p(y|x) ‖ p_y) − KL(p(y|x) ‖ r)])

    is above zero. In beta it is convex, zero at zero, and has one positive root; the onset is the
    least root of all decoders. From `onset_beta_local`, the root of those next to p(y), beta falls
    to the least root of the hills of Φ that are climbed there, and so on, until none is above zero.

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y).
    time_limit : float
        Seconds after which the search ends with what it knows.

    Returns
    -------
    Onset
        `upper` is at most `onset_beta_local`; both ends are infinite when I(X;Y) = 0. Climbs start
        from many places, which proves nothing: a hill that all of them miss would lie lower still.
        `find_transitions` certifies what is optimal on both sides.

    Raises
    ------
    InputError
        When time_limit is not positive.

    Examples
    --------
    Five classes, each told right with odds of 6 to 1: the first transition is a jump, while the
    trivial representation stays stable up to 4:

    >>> import numpy as np
    >>> import ibcollapse as ib
    >>> joint = 0.1 * np.eye(5) + 0.02
    >>> onset = ib.find_onset(joint)
    >>> f"{onset.lower:.6f} {onset.upper:.6f} {onset.status}"
    '3.649344 3.649344 converged'
    """
    channel = as_channel(channel)
    until = deadline(time_limit)
    betas = [math.inf]
    status = f"{OUT_OF_TIME} before no lower beta was found any more; raise time_limit"
    try:
        with kept(until):
            if _descend(channel, betas):
                return Onset(betas[-1], betas[-1], CONVERGED)
            status = f"beta still fell after {_MOST_TURNS} turns of the search"
    except OutOfTimeError:
        if not is_over(until):
            raise
    return Onset(min(_proven_lower(channel), betas[-1]), betas[-1], status)


def onset_beta(channel: ChannelLike) -> float:
    """Beta above which the trivial representation is no longer optimal: the first transition.

    The upper end of `find_onset`, which says what is known about it. Warns (RuntimeWarning) where
    the lower end is another.

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y).

    Returns
    -------
    float
        At most `onset_beta_local`; infinite when I(X;Y) = 0.

    Examples
    --------
    >>> import numpy as np
    >>> import ibcollapse as ib
    >>> joint = 0.1 * np.eye(5) + 0.02
    >>> f"{ib.onset_beta(joint):.6f} {ib.onset_beta_local(joint):.6f}"
    '3.649344 4.000000'
    """
    onset = find_onset(channel)
    if not onset.lower >= onset.upper * (1.0 - _AT_ROOT):
        warnings.warn(
            f"the onset lies between {onset.lower:.6g} and {onset.upper:.6g}: {onset.status}",
            RuntimeWarning,
            stacklevel=2,
        )
    return onset.upper


def rough_onset(channel: Channel) -> float:
    """A beta a little above `onset_beta`, in half of its time."""
    betas: list[float] = [math.inf]
    _descend(channel, betas, _ROUGHLY)
    return betas[-1]


def _proven_lower(channel: Channel) -> float:
    """One over Doeblin's coefficient of p(y|x), infinite where all rows are the same."""
    differing = 1.0 - float(channel.p_y_given_x.min(axis=0).sum())
    return max(1.0, 1.0 / differing) if differing > _SAME_ROWS else math.inf


def _descend(channel: Channel, betas: list[float], roughly: float = 0.0) -> bool:
    """Append falling upper ends of the onset to `betas`; whether no lower one was found at the end.

    Hills that are left may be above zero by a share `roughly` of log Φ's size, beta − 1.
    """
    trivial, rng = trivial_mixture(channel), np.random.default_rng(0)
    # Neither where the trivial state would split nor its Z, which is one, depends on beta.
    splits = _trivial_splits(channel)
    beta = _local(splits)
    betas.append(beta)
    if not math.isfinite(beta):
        return True
    log_v = np.log(channel.p_x)
    hints = trivial.log_r
    for _ in range(_MOST_TURNS):
        starts = starting_decoders(channel, trivial, splits, log_v, beta, rng)
        rough = roughly * min(1.0, beta - 1.0)
        maxima = climb(channel, log_v, starts, beta, hints=hints, tol=max(_RESTING, rough))
        level = max(_HIDDEN * UNIT * beta, rough)
        hills = maxima.log_r[maxima.log_phi > level]
        if len(hills) == 0:
            return True
        roots = _roots(channel, hills, beta)
        hints, lower = hills[np.argsort(roots)], float(roots.min())
        if not lower < beta:
            return True
        beta = lower
        betas.append(beta)
    return False


def onset_beta_local(channel: ChannelLike) -> float:
    """Beta at which the trivial representation loses local stability; infinite when I(X;Y) = 0.

    1/beta is the second eigenvalue of Σ_x p(x) p(y|x) p(y'|x) / √(p(y) p(y')), the square of the
    maximal correlation of X and Y. `channel` is as in `onset_beta`, which is at most as large:
    between the two betas Blahut–Arimoto started next to p(y) stays trivial, which is not optimal.
    """
    return _local(_trivial_splits(as_channel(channel)))


def _trivial_splits(channel: Channel) -> Splits:
    """Those of the trivial state at beta = 1, of growth zero where the rows differ by rounding.

    As `split_directions`, from what the rows differ by: the second moments less the squared means
    would leave 1e-16, an onset at 1e16, of rows that are the same.
    """
    p_y = channel.p_y
    alive = p_y > 0
    away = channel.p_y_given_x[:, alive] - p_y[alive]
    growth, multiplicity, directions = (
        np.zeros(1),
        np.ones(1, dtype=np.int64),
        np.zeros((1, len(p_y))),
    )
    known = _SAME_ROWS * p_y[alive] * (1.0 - np.log(p_y[alive]))
    if not (np.abs(away) <= known).all():
        away *= np.sqrt(channel.p_x)[:, None] / np.sqrt(p_y[alive])
        growth, multiplicity, along = leading_direction(away.T @ away)
        directions[0, alive] = np.sqrt(p_y[alive]) * along
    return Splits(1.0, np.arange(1), p_y[None], growth, multiplicity, directions)


def _local(splits: Splits) -> float:
    growth = float(splits.growth[0])
    return 1.0 / growth if growth > 0 else math.inf


def _roots(channel: Channel, log_r: Array, beta: float) -> Array:
    """Beta below `beta` at which log Φ of each decoder is zero, (n,), where it is above zero there.

    Newton's iterates of a convex function fall towards its root without passing it.
    """
    gains = exponents(channel, log_r, 1.0)
    betas = np.full(len(log_r), beta)
    slopes = np.zeros(len(log_r))
    for _ in range(_MOST_STEPS):
        scores = betas * gains
        top = scores.max(axis=0)
        terms = np.exp(scores - top) * channel.p_x[:, None]
        total = terms.sum(axis=0)
        slopes = (terms * gains).sum(axis=0) / total
        steps = np.divide(np.log(total) + top, slopes, out=np.zeros_like(slopes), where=slopes > 0)
        betas -= np.maximum(steps, 0.0)
        if (steps <= _AT_ROOT * beta).all():
            break
    # Beside p(y) slopes are as small as log Φ: what its rounding moves a root by is no root.
    is_known = _HIDDEN * UNIT * beta <= _VAGUE * (beta - 1.0) * slopes
    return np.where(is_known & (betas >= 1.0), betas, beta)
