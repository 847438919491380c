"""Lower bounds of the supervised-contrastive and cross-entropy losses over all features."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from ibcollapse.errors import InputError
from ibcollapse.landscape.counts import validated_counts, validated_positive
from ibcollapse.landscape.cross_entropy_ridge import slope_at_zero, solve_ridge
from ibcollapse.linear_algebra import symmetric_eigenvalues
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]

# Terms of the bound are positive, so leaving out rare ones keeps it a bound.
_RAREST = 1e-18


@register("landscape/SupConBound")
@dataclasses.dataclass(frozen=True)
class SupConBound:
    """Lower bound of the supervised-contrastive loss over all batches of one size.

    Attributes
    ----------
    counts : int64 (n_classes,)
        Samples in each class.
    batch_size : int
        b; a batch is any multiset of b samples, all equally likely.
    temperature : float
        τ of cosines/τ.
    mean : float
        Bound of the loss of a batch (summed over its anchors), averaged over all batches, nats.
    log_n_batches : float
        Logarithm of the number of batches, (n + b − 1 choose b).
    members : float64 (batch_size + 1,)
        Mean number of classes with l members in a batch: M_l / number of batches.
    tight : bool
        Whether simplex features attain it: balanced counts and b ≥ 3, in K − 1 dimensions.
    """

    counts: NDArray[np.int64]
    batch_size: int
    temperature: float
    mean: float
    log_n_batches: float
    members: Array
    tight: bool

    def __post_init__(self) -> None:
        self.counts.setflags(write=False)
        self.members.setflags(write=False)

    @property
    def total(self) -> float:
        """Bound of the loss summed over all batches, nats; inf where it overflows."""
        with np.errstate(over="ignore"):
            return float(self.mean * np.exp(self.log_n_batches))


def supcon_bound(
    counts: Sequence[int] | NDArray[np.int64], batch_size: int, *, temperature: float = 1.0
) -> SupConBound:
    """Lower bound of the supervised-contrastive loss over unit features of any dimension.

    With M_l the number of (batch, class) pairs with l members, counted exactly, and ρ² = 1/τ,

        Σ_batches loss ≥ Σ_{l=2}^b l M_l log(l − 1 + (b − l) exp(−(1 + κ_l) ρ²)),

    κ_l = 1/(K − 1) for balanced classes (Graf et al.). For other counts −κ_l bounds the mean
    cosine between an anchor in a class with l members and the rest of its batch, Σ_cc' B_cc' M_cc'
    with B_cc' = w_c n_c'/(n − n_c), w_c the share of class c in M_l: Jensen's inequality holds as
    before, and ⟨B, M⟩ ≥ λ_min(w^{-1/2} B w^{-1/2}) for every Gram M with unit diagonal.

    Raises
    ------
    InputError
        On fewer than two classes, an empty class, batch_size < 2 or temperature ≤ 0.

    References
    ----------
    Graf, Hofer, Niethammer, Kwitt 2021, arXiv:2102.08817, theorem 2 (balanced classes).

    Examples
    --------
    >>> round(supcon_bound([2, 2, 2], batch_size=4).total, 7)
    247.3772723
    """
    return supcon_terms(counts, batch_size, temperature=temperature).bound


@dataclasses.dataclass(frozen=True)
class SupConTerms:
    """The bound apart: what each class with l members adds to a batch, (batch_size + 1,) by l.

    Attributes
    ----------
    bound : SupConBound
        Mean over batches of Σ_classes `value`[l].
    value : float64
        l log(l − 1 + (b − l) exp(−(1 + κ_l)/τ)), nats; 0 where l members are never met.
    slope : float64
        Its derivative by the mean cosine between the class and the rest of its batch, at −κ_l.
    spread : float64
        κ_l.
    in_class : float64 (n_classes, batch_size + 1)
        Share of the batches in which a class has l members.
    """

    bound: SupConBound
    value: Array
    slope: Array
    spread: Array
    in_class: Array

    def expected_tilt(self, gram: Array) -> float:
        """Mean over all batches of Σ_classes slope[l] (s + κ_l), s the mean cosine of a class.

        With `gram` (n_classes, n_classes) of the class means of unit features. Never negative: that
        it is not makes the bound one.
        """
        n = self.bound.counts
        toward = n / (n.sum() - n)[:, None] * gram
        np.fill_diagonal(toward, 0.0)
        cosine = toward.sum(axis=1)
        return float(np.sum(self.in_class * self.slope * (cosine[:, None] + self.spread)))


def supcon_terms(
    counts: Sequence[int] | NDArray[np.int64], batch_size: int, *, temperature: float
) -> SupConTerms:
    """`SupConTerms`, with the arguments and errors of `supcon_bound`."""
    n = validated_counts(counts, minimum=1)
    tau = validated_positive(temperature, "temperature")
    if batch_size < 2:
        raise InputError(f"batch_size is {batch_size}; a positive pair needs at least 2")
    in_class = _membership(n, batch_size)
    members = in_class.sum(axis=0)
    balanced = bool(np.all(n == n[0]))
    value, slope, spread = (np.zeros(batch_size + 1) for _ in range(3))
    for size in range(2, batch_size + 1):
        if members[size] < _RAREST:
            continue
        spread[size] = 1 / (len(n) - 1) if balanced else _spread(n, in_class[:, size])
        others = (batch_size - size) * np.exp(-(1 + spread[size]) / tau)
        value[size] = size * np.log(size - 1 + others)
        slope[size] = size * others / (size - 1 + others) / tau
    mean = float(members @ value)
    total = float(_log_multisets(float(n.sum()), float(batch_size)))
    bound = SupConBound(
        n, batch_size, tau, mean, total, members, tight=balanced and batch_size >= 3
    )
    return SupConTerms(bound, value, slope, spread, in_class)


def _log_multisets(n: float | Array, size: float | Array) -> Array:
    """log (n + size − 1 choose size): multisets of `size` out of n."""
    return np.asarray(gammaln(n + size) - gammaln(n) - gammaln(size + 1.0))


def _membership(counts: NDArray[np.int64], batch_size: int) -> Array:
    """P(class c has l members in a batch), (n_classes, batch_size + 1)."""
    n = counts.astype(np.float64)[:, None]
    size = np.arange(batch_size + 1, dtype=np.float64)
    inside = _log_multisets(n, size)
    outside = _log_multisets(n.sum() - n, batch_size - size)
    return np.exp(inside + outside - _log_multisets(float(n.sum()), float(batch_size)))


def _spread(counts: NDArray[np.int64], in_class: Array) -> float:
    """κ_l ≤ 1 of unbalanced counts."""
    present = in_class > _RAREST * in_class.max()
    root = np.sqrt(np.where(present, in_class, _RAREST * in_class.max()))
    toward = counts / (counts.sum() - counts)[:, None]
    np.fill_diagonal(toward, 0.0)
    weighted = toward * root[:, None] / root
    return min(1.0, -float(symmetric_eigenvalues((weighted + weighted.T) / 2)[0]))


def cross_entropy_bound(
    counts: Sequence[int] | NDArray[np.int64], *, feature_norm: float, weight_norm: float
) -> float:
    """Lower bound of the mean cross-entropy of logits W h, in nats.

    Balanced classes: log(1 + (K − 1) exp(−ρ r √K/(K − 1))). For other counts the logits satisfy
    ‖Z‖_* ≤ ρ r √n, Z their class means scaled by √n_c, and every γ > 0 gives the bound
    min_Z (CE(Z) + γ‖Z‖_*) − γ ρ r √n, from the certified dual value; the best γ is searched.

    Parameters
    ----------
    counts : sequence of int, (n_classes,)
        Samples in each class.
    feature_norm : float
        ρ: root mean square of ‖h‖ over the samples (a common norm, or a bound, will do).
    weight_norm : float
        r: Frobenius norm of W, or a bound of it.

    Raises
    ------
    InputError
        On fewer than two classes, an empty class, or norms ≤ 0.

    References
    ----------
    Graf, Hofer, Niethammer, Kwitt 2021, arXiv:2102.08817, theorem 1 (balanced classes).

    Examples
    --------
    >>> round(cross_entropy_bound([5, 5, 5], feature_norm=1.0, weight_norm=2.0), 7)
    0.3029468
    """
    n = validated_counts(counts, minimum=1)
    product = validated_positive(feature_norm, "feature_norm")
    product *= validated_positive(weight_norm, "weight_norm")
    k = len(n)
    if np.all(n == n[0]):
        return float(np.log1p((k - 1) * np.exp(-product * np.sqrt(k) / (k - 1))))
    budget, edge = product * np.sqrt(n.sum()), slope_at_zero(n)

    def below(log_share: float) -> float:
        ridge = edge * np.exp(log_share)
        found = solve_ridge(n, ridge, tol=1e-9, rng=np.random.default_rng(0))
        return float(ridge * budget - found.objective + found.gap)

    best = minimize_scalar(below, bounds=(np.log(1e-12), 0.0), method="bounded")
    return float(max(0.0, -best.fun))
