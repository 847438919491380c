"""Cross-entropy geometry of unbalanced classes: the simplex-encoded-labels interpolation (SELI)."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.landscape.convergence import (
    CONVERGED,
    RANK_TOLERANCE,
    gap_status,
    numerical_rank,
)
from ibcollapse.landscape.counts import validated_counts, validated_tolerance
from ibcollapse.landscape.cross_entropy_ridge import solve_ridge
from ibcollapse.linear_algebra import singular_parts
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]


@register("landscape/SELIGeometry")
@dataclasses.dataclass(frozen=True)
class SELIGeometry:
    """Classifier and class-mean Grams that cross-entropy drives unconstrained features to.

    Attributes
    ----------
    counts : int64 (n_classes,)
        Samples in each class.
    ridge : float or None
        Weight decay; None for its limit to zero.
    classifier_gram, feature_gram : float64 (n_classes, n_classes)
        Inner products of the classifier rows, and of the class means (about the origin: unbalanced
        means do not average to zero). At the limit in units where logits are I − 11ᵀ/K.
    logits : float64 (n_classes, n_classes)
        Column c: logits of a sample of class c.
    loss : float
        At the limit the nuclear norm of the labels, which is the smallest that separates every
        sample with margin one; else mean cross-entropy plus penalty, nats.
    gap : float
        Certified distance of `loss` from its minimum, same unit.
    rank : int
        Singular values of the logits, weighted by the counts, above 1e-6 of the largest.
    status : str
        "converged", or a sentence that names the argument to change.
    n_iterations : int
        Hessian products; 0 at the limit.
    """

    counts: NDArray[np.int64]
    ridge: float | None
    classifier_gram: Array
    feature_gram: Array
    logits: Array
    loss: float
    gap: float
    rank: int
    status: str
    n_iterations: int

    def __post_init__(self) -> None:
        for array in (self.counts, self.classifier_gram, self.feature_gram, self.logits):
            array.setflags(write=False)

    @property
    def gram(self) -> Array:
        """Cosines between class means, (n_classes, n_classes); NaN where one vanishes (1e-6)."""
        return _cosines(self.feature_gram)

    @property
    def classifier_cosines(self) -> Array:
        """Cosines between the classifier rows, (n_classes, n_classes); NaN for a vanishing row."""
        return _cosines(self.classifier_gram)

    @property
    def converged(self) -> bool:
        """Whether the gap is below the tolerance that was asked for."""
        return self.status == CONVERGED


def _cosines(gram: Array) -> Array:
    squares = np.diag(gram)
    present = squares > RANK_TOLERANCE * squares.max()
    scale = np.sqrt(np.where(present, squares, np.nan))
    return np.asarray(gram / np.outer(scale, scale))


def seli_geometry(
    counts: Sequence[int] | NDArray[np.int64],
    *,
    ridge: float | None = None,
    tol: float = 1e-9,
    seed: int = 0,
) -> SELIGeometry:
    """Geometry of cross-entropy with unconstrained features, for any class counts.

    As weight decay vanishes, the logits become proportional to the simplex-encoded labels
    Y − 11ᵀ/K = V Λ Uᵀ, the classifier Gram to V Λ Vᵀ and the feature Gram to U Λ Uᵀ; with equal
    columns gathered this is the SVD of (I − 11ᵀ/K) diag(√n_c). V Uᵀ has no positive entry off the
    labels, which makes it a dual solution of the margin problem and proves the interpolation
    optimal; the gap is what that entry or rounding leaves.

    With `ridge` γ > 0 the penalised problem itself,
    mean cross-entropy + ½γ(‖W‖² + ‖H‖²) over all sample features, is solved
    (`cross_entropy_ridge`): minority classes merge and vanish as γ grows.

    Parameters
    ----------
    counts : sequence of int, (n_classes,)
        Samples in each class, each at least 1.
    ridge : float, optional
        γ, in units of the mean loss; the limit γ → 0 if left out.
    tol : float
        Stop when gap ≤ tol · loss.
    seed : int
        Seed of the solver's start with `ridge`; the solution does not depend on it.

    Raises
    ------
    InputError
        On fewer than two classes, an empty class, or ridge ≤ 0.

    References
    ----------
    Thrampoulidis, Kini, Vakilian, Behnia 2022, arXiv:2208.05512.

    Examples
    --------
    >>> geometry = seli_geometry([70, 70, 10, 10])
    >>> norms = np.diag(geometry.classifier_gram)
    >>> float(round(norms[0] / norms[2], 6))
    1.822876
    """
    n = validated_counts(counts, minimum=1)
    limit = validated_tolerance(tol)
    if ridge is None:
        scaled = (np.eye(len(n)) - 1 / len(n)) * np.sqrt(n)
        loss, gap = _margin_certificate(scaled, n)
        return _result(n, None, scaled, loss, gap, limit, 0)
    if not (np.isfinite(ridge) and ridge > 0):
        raise InputError(f"ridge is {ridge}, expected a positive number (None for the limit to 0)")
    found = solve_ridge(n, float(ridge), tol=limit, rng=np.random.default_rng(seed))
    return _result(
        n,
        float(ridge),
        found.scaled_logits,
        found.objective,
        found.gap,
        limit,
        found.n_iterations,
    )


def _margin_certificate(scaled: Array, counts: NDArray[np.int64]) -> tuple[float, float]:
    """Nuclear norm, and its distance from the dual value of the margin problem.

    The dual of min ‖Z‖_* with margins ≥ 1 maximises Σ_c √n_c A_cc over A with operator norm ≤ 1,
    columns that sum to zero and no positive entry off the diagonal; A = V Uᵀ, shrunk towards a
    feasible matrix where rounding leaves a positive entry, is one.
    """
    left, values, right = singular_parts(scaled, whole=True)
    rank = len(counts) - 1
    dual = left[:, :rank] @ right[:rank]
    positive = np.maximum(dual, 0.0)
    np.fill_diagonal(positive, 0.0)
    # A positive entry moves to its column's diagonal, which keeps the column's sum.
    moved = positive.sum(axis=0)
    inside = np.diag(dual) + moved
    norm = 1.0 + float(np.linalg.norm(positive)) + float(moved.max())
    nuclear = float(values.sum())
    return nuclear, max(0.0, nuclear - float(np.sqrt(counts) @ inside) / norm)


def _result(
    counts: NDArray[np.int64],
    ridge: float | None,
    scaled: Array,
    loss: float,
    gap: float,
    tol: float,
    spent: int,
) -> SELIGeometry:
    left, values, right = singular_parts(scaled, whole=True)
    root = np.sqrt(counts)
    return SELIGeometry(
        counts=counts,
        ridge=ridge,
        classifier_gram=(left * values) @ left.T,
        feature_gram=(right.T / root[:, None] * values) @ (right / root),
        logits=scaled / root,
        loss=loss,
        gap=gap,
        rank=numerical_rank(values),
        status=gap_status(gap / loss, tol),
        n_iterations=spent,
    )
