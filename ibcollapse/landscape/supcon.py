"""Optimal class geometry of the supervised-contrastive loss with unconstrained features."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.landscape.convergence import CONVERGED, gap_status, numerical_rank
from ibcollapse.landscape.counts import (
    CountGroups,
    group_by_count,
    validated_counts,
    validated_positive,
    validated_tolerance,
)
from ibcollapse.landscape.supcon_dual import solve_dual
from ibcollapse.landscape.supcon_factor import solve_factor
from ibcollapse.landscape.supcon_loss import CollapsedSupCon
from ibcollapse.linear_algebra import symmetric_eigenvalues
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]

_FEASIBLE_TO = 1e-9


@register("landscape/SupConGeometry")
@dataclasses.dataclass(frozen=True)
class SupConGeometry:
    """Class-mean Gram that minimises the supervised-contrastive loss.

    Attributes
    ----------
    counts : int64 (n_classes,)
        Samples in each class.
    temperature : float
        τ of the loss.
    relu : bool
        Whether features were restricted to h ≥ 0.
    gram : float64 (n_classes, n_classes)
        Cosines between the class means (unit vectors); its factors are unique up to rotation.
    loss : float
        Mean loss per sample, nats.
    excess : float
        Part of `loss` that depends on the geometry: loss − Σ_c (n_c/n) log(n_c − 1), nats.
    gap : float
        Certified bound, nats: no Gram has a mean loss below loss − gap.
    multiplier : float64 (n_classes,)
        Dual variables ν of the unit diagonal; ∇loss + diag ν ⪰ −gap/n_classes proves the gap.
    rank : int
        Eigenvalues of `gram` above 1e-6 of the largest: the feature dimension that it needs.
    status : str
        "converged", or a sentence that names the argument to change.
    n_iterations : int
        Dual evaluations plus Hessian products; 0 where a closed form applies.
    """

    counts: NDArray[np.int64]
    temperature: float
    relu: bool
    gram: Array
    loss: float
    excess: float
    gap: float
    multiplier: Array
    rank: int
    status: str
    n_iterations: int

    def __post_init__(self) -> None:
        for array in (self.counts, self.gram, self.multiplier):
            array.setflags(write=False)

    @property
    def converged(self) -> bool:
        """Whether the gap is below the tolerance that was asked for."""
        return self.status == CONVERGED


def supcon_geometry(
    counts: Sequence[int] | NDArray[np.int64],
    temperature: float,
    *,
    relu: bool = False,
    tol: float = 1e-9,
    seed: int = 0,
) -> SupConGeometry:
    """Optimal class-mean Gram of the supervised-contrastive loss for any class counts.

    With unconstrained unit-norm features the classes collapse and their Gram M solves the convex
    program, in mean loss per sample,

        min Σ_c (n_c/n) log(n_c − 1 + Σ_{c'≠c} n_{c'} exp((M_cc' − 1)/τ)),  M ⪰ 0, M_cc = 1.

    (Collapse is optimal at every τ: the multipliers are diagonal entries of a positive matrix,
    hence ν_c ≥ 0, which carries the certificate over to the Gram of all samples.)

    Balanced counts give the simplex, M = (K I − 11ᵀ)/(K − 1), and `relu` features the orthogonal
    frame M = I at any counts (every gradient entry is positive, no entry of M can go below 0).
    Otherwise the dual equations of a rank K − 1 optimum are solved (`supcon_dual`) and, where the
    certificate refuses their solution (extreme imbalance: classes merge), the primal by a trust
    region on unit vectors (`supcon_factor`). Classes of equal counts share their unknowns.

    Parameters
    ----------
    counts : sequence of int, (n_classes,)
        Samples in each class, each at least 2.
    temperature : float
        τ > 0.
    relu : bool
        Restrict features to the non-negative orthant.
    tol : float
        Stop when gap ≤ tol · excess; at small τ the excess is tiny, so the rule is relative.
        Rounding of the cosines, magnified by 1/τ, puts 1e-9 out of reach below τ ≈ 1e-4.
    seed : int
        Seed of the primal's start; the solution does not depend on it.

    Raises
    ------
    InputError
        On fewer than two classes, a class with fewer than two samples, or temperature ≤ 0.

    References
    ----------
    Behnia, Thrampoulidis 2024, arXiv:2402.18884; Kini et al. 2023, arXiv:2306.07960 (ReLU).
    Factorised semidefinite programs: Boumal, Voroninski, Bandeira 2016, arXiv:1606.04970.

    Examples
    --------
    >>> geometry = supcon_geometry([20, 20, 2, 2], temperature=1.0)
    >>> round(geometry.loss, 10), geometry.rank, geometry.status
    (3.1005326674, 3, 'converged')
    """
    n = validated_counts(counts, minimum=2)
    tau, limit = validated_positive(temperature, "temperature"), validated_tolerance(tol)
    if relu:
        return _result(n, tau, np.eye(len(n)), limit, relu=True)
    if np.all(n == n[0]):
        return _result(n, tau, simplex_gram(len(n)), limit)
    groups = group_by_count(n)
    gram, spent = solve_dual(groups, tau)
    found = _result(n, tau, gram, limit, spent=spent)
    if found.converged:
        return found
    # The grouped gap is a little smaller than the one that is certified, hence the tenth.
    gram, more = solve_factor(groups, tau, tol=limit / 10, rng=np.random.default_rng(seed))
    other = _result(n, tau, gram, limit, spent=spent + more)
    # At tiny τ rounding can leave both above `tol`.
    return min(found, other, key=lambda result: _relative_gap(result.gram, n, tau))


def simplex_gram(n_classes: int) -> Array:
    """Gram of the vertices of a centred simplex: 1 on the diagonal, −1/(K − 1) elsewhere."""
    gram = np.full((n_classes, n_classes), -1.0 / (n_classes - 1))
    np.fill_diagonal(gram, 1.0)
    return gram


def certify_supcon(
    gram: Array, counts: Sequence[int] | NDArray[np.int64], temperature: float
) -> tuple[float, Array]:
    """Duality gap in nats of anybody's Gram, and the multipliers (n_classes,) that prove it.

    With g the gradient of the mean loss, symmetrised, and ν_c = −(gM)_cc, every feasible M'
    satisfies loss(M') ≥ loss(M) + ⟨g + diag ν, M'⟩ ≥ loss(M) + K min(0, λ_min(g + diag ν)).

    Raises
    ------
    InputError
        When `gram` has another shape, no unit diagonal, or a negative eigenvalue (to 1e-9).
    """
    n = validated_counts(counts, minimum=2)
    tau = validated_positive(temperature, "temperature")
    given = np.asarray(gram, dtype=np.float64)
    if given.shape != (len(n), len(n)):
        raise InputError(f"gram has shape {given.shape}, {len(n)} counts need {(len(n),) * 2}")
    if not np.allclose(given, given.T, rtol=0, atol=_FEASIBLE_TO):
        raise InputError("gram is not symmetric; pass (gram + gram.T) / 2")
    if not np.allclose(np.diag(given), 1, rtol=0, atol=_FEASIBLE_TO):
        raise InputError("the diagonal of gram is not one; normalise the class means")
    lowest = float(symmetric_eigenvalues(given)[0])
    if lowest < -_FEASIBLE_TO * len(n):
        raise InputError(f"gram has the eigenvalue {lowest:.3g}; a Gram has none below zero")
    loss = CollapsedSupCon(_each_alone(n), tau)
    log_excess = loss.derivatives(given, 0.0).log_excess
    gap, multiplier = _dual_bound(loss, given, log_excess)
    unit = np.exp(log_excess)
    return float(gap * unit), multiplier * unit


def _relative_gap(gram: Array, counts: NDArray[np.int64], tau: float) -> float:
    loss = CollapsedSupCon(_each_alone(counts), tau)
    return _dual_bound(loss, gram, loss.derivatives(gram, 0.0).log_excess)[0]


def _each_alone(counts: NDArray[np.int64]) -> CountGroups:
    n_classes = len(counts)
    return CountGroups(counts.astype(np.float64), np.ones(n_classes), np.arange(n_classes))


def _dual_bound(loss: CollapsedSupCon, gram: Array, log_unit: float) -> tuple[float, Array]:
    scaled = loss.derivatives(gram, log_unit).scaled
    gradient = (scaled + scaled.T) / 2
    multiplier = -np.sum(gradient * gram, axis=1)
    lowest = symmetric_eigenvalues(gradient + np.diag(multiplier))[0]
    return float(-len(gram) * min(0.0, lowest)), multiplier


def _result(
    n: NDArray[np.int64],
    tau: float,
    gram: Array,
    tol: float,
    *,
    relu: bool = False,
    spent: int = 0,
) -> SupConGeometry:
    loss = CollapsedSupCon(_each_alone(n), tau)
    log_excess = loss.derivatives(gram, 0.0).log_excess
    if relu:
        relative, multiplier = 0.0, np.zeros(len(n))
    else:
        relative, multiplier = _dual_bound(loss, gram, log_excess)
    excess = float(np.exp(log_excess))
    return SupConGeometry(
        counts=n,
        temperature=tau,
        relu=relu,
        gram=gram,
        loss=loss.floor + excess,
        excess=excess,
        gap=relative * excess,
        multiplier=multiplier * excess,
        rank=numerical_rank(symmetric_eigenvalues(gram)),
        status=gap_status(relative, tol),
        n_iterations=spent,
    )
