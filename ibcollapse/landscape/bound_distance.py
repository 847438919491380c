"""How far a network's features are from the lower bounds of their loss."""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ibcollapse.errors import InputError
from ibcollapse.landscape.bounds import SupConTerms, cross_entropy_bound, supcon_terms
from ibcollapse.landscape.counts import validated_positive
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@register("landscape/BoundDistance")
@dataclasses.dataclass(frozen=True)
class BoundDistance:
    """A network's loss beside the smallest that any features could have.

    Attributes
    ----------
    loss : float
        Of the network, nats: a batch's summed loss averaged over all batches (SupCon; estimated
        as `bound` + excess where they were sampled), or the mean over samples (cross-entropy).
    standard_error : float
        Of `loss` and of `excess` from sampling batches; 0 where all were visited.
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
    `max_batches`, else over that many drawn uniformly, as `batch_distance` does. Features are
    scaled to unit norm. An anchor without a positive contributes nothing.

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
    terms = supcon_terms(counts, batch_size, temperature=temperature)
    n_all = math.comb(len(x) + batch_size - 1, batch_size)
    exhaustive = n_all <= max_batches
    batches = (
        _all_multisets(len(x), batch_size)
        if exhaustive
        else drawn_multisets(len(x), batch_size, max_batches, rng)
    )
    unit, means = unit_rows(x), np.zeros((len(counts), x.shape[1]))
    np.add.at(means, codes, unit)
    means /= counts[:, None]
    return batch_distance(unit, codes, batches, terms, means, exhaustive=exhaustive)


def batch_distance(
    unit: Array,
    codes: Codes,
    batches: Iterable[Codes],
    terms: SupConTerms,
    means: Array,
    *,
    exhaustive: bool = False,
) -> BoundDistance:
    """Mean loss of `batches` beside the bound of all batches, compared batch by batch.

    A batch's loss depends on how many members its classes happen to have, and the bound is the
    mean of a function of these numbers over all batches: the loss of some of them would lie below
    it by chance. So each batch is set against its own Σ_c [value(l_c) + slope(l_c)(s_c + κ)], s_c
    the mean cosine between class c and the rest of the batch, whose mean over all batches is known
    exactly from the class means (a control variate). By Jensen's inequality and the convexity of
    the value in s_c no batch lies below it, and the known mean is not below the bound: the excess
    is non-negative up to rounding, whatever the batches.

    Parameters
    ----------
    unit : float64 (n_rows, n_features)
        Rows of norm one.
    codes : int64 (n_rows,)
        Their classes.
    batches : iterable of int64 (batch_size,)
        Rows of each batch.
    terms : SupConTerms
        The bound apart.
    means : float64 (n_classes, n_features)
        Class means of the unit rows of all samples, also of those in no batch.
    exhaustive : bool
        Whether `batches` are all there are.

    Raises
    ------
    InputError
        On rows of norm zero.
    """
    measured = np.array([_batch_loss(unit[b], codes[b], terms) for b in batches])
    losses, surplus = measured.T
    bound = terms.bound.mean
    if exhaustive:
        return BoundDistance(float(losses.mean()), 0.0, bound, len(losses), exhaustive=True)
    excess = terms.expected_tilt(means @ means.T) + float(surplus.mean())
    error = float(surplus.std(ddof=1) / np.sqrt(len(surplus)))
    return BoundDistance(bound + excess, error, bound, len(losses), exhaustive=False)


def unit_rows(x: Array) -> Array:
    """Rows scaled to norm one.

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
    return np.asarray(x / norms, dtype=np.float64)


def _all_multisets(n: int, size: int) -> Iterator[Codes]:
    for chosen in itertools.combinations_with_replacement(range(n), size):
        yield np.array(chosen)


def drawn_multisets(n: int, size: int, n_batches: int, rng: np.random.Generator) -> Iterator[Codes]:
    """Multisets of `size` out of `n` samples, uniform over all of them."""
    # Stars and bars: a uniform subset of n + size − 1 places is a uniform multiset.
    for _ in range(n_batches):
        places = np.sort(rng.choice(n + size - 1, size=size, replace=False))
        yield places - np.arange(size)


def _batch_loss(unit: Array, codes: Codes, terms: SupConTerms) -> tuple[float, float]:
    """Loss of a batch, and what it has above its own term of the control variate."""
    temperature = terms.bound.temperature
    cosines = unit @ unit.T
    scores = cosines / temperature
    np.fill_diagonal(scores, -np.inf)
    same = codes[:, None] == codes
    size = same.sum(axis=1)
    negative = np.sum(np.where(same, 0.0, cosines), axis=1)
    np.fill_diagonal(same, False)
    anchors = size > 1
    attraction = np.sum(np.where(same, scores, 0.0), axis=1)[anchors] / (size[anchors] - 1)
    losses = logsumexp(scores[anchors], axis=1) - attraction
    # Each member of a class with l members takes one l-th of what the class adds.
    l_i = size[anchors]
    others = np.maximum(len(codes) - l_i, 1)
    tilt = terms.slope[l_i] * (negative[anchors] / others + terms.spread[l_i])
    expected = (terms.value[l_i] + tilt) / l_i
    return float(losses.sum()), float(np.sum(losses - expected))


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
