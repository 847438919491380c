"""How far a network's features are from the lower bounds of their loss."""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ibcollapse.errors import InputError
from ibcollapse.landscape.bounds import SupConBound, cross_entropy_bound, supcon_bound
from ibcollapse.landscape.counts import validated_positive
from ibcollapse.serialize import register

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@register("landscape/BoundDistance")
@dataclasses.dataclass(frozen=True)
class BoundDistance:
    """A network's loss beside the smallest that any features could have.

    Attributes
    ----------
    loss : float
        Of the network, nats: a batch's summed loss averaged over batches (SupCon), or the mean
        over samples (cross-entropy).
    standard_error : float
        Of `loss` from sampling batches; 0 where all were visited.
    bound : float
        Lower bound in the same unit.
    n_batches : int
        Batches visited; 0 for cross-entropy, which has none.
    exhaustive : bool
        Whether `loss` is exact.
    """

    loss: float
    standard_error: float
    bound: float
    n_batches: int
    exhaustive: bool

    @property
    def excess(self) -> float:
        """loss − bound, nats."""
        return self.loss - self.bound


def supcon_distance(
    features: Array,
    labels: Codes,
    batch_size: int,
    *,
    temperature: float,
    max_batches: int = 1000,
    rng: np.random.Generator,
) -> BoundDistance:
    """Distance of features from the bound of the supervised-contrastive loss.

    The loss is averaged over all multisets of `batch_size` samples when there are at most
    `max_batches`, else over that many drawn uniformly. Features are scaled to unit norm. An anchor
    without a positive contributes nothing.

    Parameters
    ----------
    features : float (n_samples, n_features)
        Rows that are finite and not zero.
    labels : int (n_samples,)
        Class of each row.
    batch_size : int
        Samples in a batch, at least 2.
    temperature : float
        τ > 0.
    max_batches : int
        At least 2.
    rng : numpy.random.Generator
        Draws the batches.

    Raises
    ------
    InputError
        On shapes that do not fit, rows that cannot be normalised, or as `supcon_bound` does.
    """
    x, codes, counts = _validated(features, labels)
    if max_batches < 2:
        raise InputError(f"max_batches is {max_batches}, a standard error needs at least 2")
    bound = supcon_bound(counts, batch_size, temperature=temperature)
    n_all = math.comb(len(x) + batch_size - 1, batch_size)
    exhaustive = n_all <= max_batches
    batches = (
        _all_multisets(len(x), batch_size)
        if exhaustive
        else drawn_multisets(len(x), batch_size, max_batches, rng)
    )
    return batch_distance(x, codes, batches, bound, exhaustive=exhaustive)


def batch_distance(
    x: Array,
    codes: Codes,
    batches: Iterable[Codes],
    bound: SupConBound,
    *,
    exhaustive: bool = False,
) -> BoundDistance:
    """Mean loss of `batches` (rows of x, scaled to unit norm) beside the bound of all batches.

    Raises
    ------
    InputError
        On rows of norm zero.
    """
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    if np.any(norms == 0):
        raise InputError(
            f"the features of {int(np.sum(norms == 0))} samples are zero and have no direction on "
            "the sphere of the contrastive loss"
        )
    unit = x / norms
    losses = np.array([_batch_loss(unit[b], codes[b], bound.temperature) for b in batches])
    error = 0.0 if exhaustive else float(losses.std(ddof=1) / np.sqrt(len(losses)))
    return BoundDistance(float(losses.mean()), error, bound.mean, len(losses), exhaustive)


def _all_multisets(n: int, size: int) -> Iterator[Codes]:
    for chosen in itertools.combinations_with_replacement(range(n), size):
        yield np.array(chosen)


def drawn_multisets(n: int, size: int, n_batches: int, rng: np.random.Generator) -> Iterator[Codes]:
    """Multisets of `size` out of `n` samples, uniform over all of them."""
    # Stars and bars: a uniform subset of n + size − 1 places is a uniform multiset.
    for _ in range(n_batches):
        places = np.sort(rng.choice(n + size - 1, size=size, replace=False))
        yield places - np.arange(size)


def _batch_loss(unit: Array, codes: Codes, temperature: float) -> float:
    scores = unit @ unit.T / temperature
    np.fill_diagonal(scores, -np.inf)
    positive = codes[:, None] == codes
    np.fill_diagonal(positive, False)
    n_positive = positive.sum(axis=1)
    anchors = n_positive > 0
    attraction = np.sum(np.where(positive, scores, 0.0), axis=1)[anchors] / n_positive[anchors]
    return float(np.sum(logsumexp(scores[anchors], axis=1) - attraction))


def cross_entropy_distance(
    features: Array, labels: Codes, weight: Array, *, bias: Array | None = None
) -> BoundDistance:
    """Distance of a classifier and its features from the bound of the mean cross-entropy.

    The bound takes the root mean square of ‖h‖ and ‖W‖_F as they are. With balanced classes a bias
    cannot lower it (its differences average to zero); otherwise the bias counts as a row's
    coordinate beside a constant feature of 1.

    Parameters
    ----------
    features : float (n_samples, n_features)
        Finite rows.
    labels : int (n_samples,)
        Row of `weight` that belongs to each sample, every class present.
    weight : float (n_classes, n_features)
        Classifier.
    bias : float (n_classes,), optional
        Its bias.

    Raises
    ------
    InputError
        On shapes that do not fit, absent classes, or a classifier or features of norm zero.
    """
    x, codes, counts = _validated(features, labels)
    w = np.asarray(weight, dtype=np.float64)
    b = np.zeros(len(w)) if bias is None else np.asarray(bias, dtype=np.float64)
    if w.shape != (len(counts), x.shape[1]) or b.shape != (len(counts),):
        raise InputError(
            f"weight has shape {w.shape} and bias {b.shape}; {len(counts)} classes of "
            f"{x.shape[1]}-dimensional features need {(len(counts), x.shape[1])} and {counts.shape}"
        )
    losses, square = classifier_losses(x, codes, w, b), float(np.mean(np.sum(x**2, axis=1)))
    return cross_entropy_beside_bound(float(losses.mean()), square, counts, w, b)


def classifier_losses(x: Array, codes: Codes, w: Array, b: Array) -> Array:
    """Cross-entropy of each row, nats, (n_samples,)."""
    logits = x @ w.T + b
    losses: Array = logsumexp(logits, axis=1) - logits[np.arange(len(x)), codes]
    return losses


def cross_entropy_beside_bound(
    loss: float, square: float, counts: Codes, w: Array, b: Array
) -> BoundDistance:
    """A mean loss beside its bound, of features with mean square norm `square`.

    Raises
    ------
    InputError
        On a classifier or features of norm zero.
    """
    weight_square = float(np.sum(w**2))
    if np.any(b != b[0]) and np.any(counts != counts[0]):
        square, weight_square = square + 1.0, weight_square + float(np.sum((b - b.mean()) ** 2))
    bound = cross_entropy_bound(
        counts,
        feature_norm=validated_positive(math.sqrt(square), "norm of the features"),
        weight_norm=validated_positive(math.sqrt(weight_square), "norm of the weight"),
    )
    return BoundDistance(loss, 0.0, bound, 0, True)


def _validated(features: Array, labels: Codes) -> tuple[Array, Codes, Codes]:
    x, codes = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if x.ndim != 2 or codes.shape != (len(x),) or codes.dtype.kind not in "iu":
        raise InputError(
            f"features have shape {x.shape} and labels {codes.shape} ({codes.dtype}); expected "
            f"(n_samples, n_features) and integers (n_samples,)"
        )
    if not np.all(np.isfinite(x)):
        raise InputError(f"features hold {int(np.sum(~np.isfinite(x)))} values that are not finite")
    if len(codes) and codes.min() < 0:
        raise InputError(f"labels start at {codes.min()}; drop unlabelled rows first")
    counts = np.bincount(codes)
    absent = np.flatnonzero(counts == 0)
    if absent.size:
        raise InputError(f"class {absent[0]} is absent; renumber labels from 0 without holes")
    return x, codes.astype(np.int64), counts.astype(np.int64)
