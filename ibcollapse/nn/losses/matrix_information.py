"""Matrix information as loss terms: entropies of Grams that stay differentiable at collapse."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ibcollapse.errors import InputError
from ibcollapse.nn.losses.precision import at_least_float32, no_autocast, unit_rows


def matrix_entropy(features: Tensor) -> Tensor:
    """Entropy H(A) = −Σ λ log λ of the Gram A of unit-norm rows divided by its trace, in nats.

    Parameters
    ----------
    features : Tensor (n, d)
        Any float precision; the eigenvalues are computed in float64, because the rounding of
        float32 eigenvalues at zero alone adds 1e-4 nats to the entropy of 500 collapsed rows.

    Returns
    -------
    Tensor ()
        Between 0 and log min(n, d); float32, or float64 for float64 features. Its gradient is
        that of tr f(A), which is f'(A) = −(log A + 1): it needs no difference of eigenvalues, so
        repeated ones are harmless.

    Raises
    ------
    InputError
        When `features` is not (n, d) with n ≥ 1.

    References
    ----------
    Song et al. (2024), Unveiling the Dynamics of Information Interplay in Supervised Learning,
    arXiv:2406.03999.
    """
    if features.ndim != 2 or len(features) == 0:
        raise InputError(f"features have shape {tuple(features.shape)}; expected (n, d), n >= 1")
    with no_autocast(features):
        entropy = _entropy_of_rows(_unit_float64(features))
        return entropy.to(at_least_float32(features).dtype)


def mir(first: Tensor, second: Tensor) -> Tensor:
    """Matrix mutual-information ratio [H(A) + H(B) − H(A∘B)] / min(H(A), H(B)), differentiable.

    A and B are the trace-normalised Grams of the unit-norm rows and A∘B their trace-normalised
    Hadamard product. As a loss, minimise 1 − mir(features, weight[labels]).

    Parameters
    ----------
    first, second : Tensor (n, d₁), (n, d₂)
        Rows of the same samples: features and, for each, its classifier row.

    Returns
    -------
    Tensor ()
        float32, or float64 for float64 input; 0 when one side has no entropy (equal rows), where
        there is nothing to share.

    Raises
    ------
    InputError
        When the shapes do not match.
    """
    return _ratios(first, second)[0]


def hdr(first: Tensor, second: Tensor) -> Tensor:
    """Matrix-entropy difference ratio |H(A) − H(B)| / max(H(A), H(B)), differentiable.

    Arguments, precision and errors as for `mir`; 0 when neither side has entropy. As a loss,
    minimise it; at H(A) = H(B) its gradient is 0, the middle of the subdifferential.
    """
    return _ratios(first, second)[1]


def matrix_information_loss(
    features: Tensor,
    classifier_rows: Tensor,
    *,
    mir_weight: float = 0.01,
    hdr_weight: float = 0.01,
) -> Tensor:
    """w₁ · (1 − MIR) + w₂ · HDR of batch features against their classifier rows.

    Meant to be added to a cross-entropy; the three eigenproblems of size n are shared by both
    terms, so the cost is O(n³) in the batch.

    Parameters
    ----------
    features : Tensor (n, d)
        What the classifier reads.
    classifier_rows : Tensor (n, d₂)
        `classifier.weight[labels]`.
    mir_weight, hdr_weight : float
        w₁ and w₂.

    Raises
    ------
    InputError
        When the shapes do not match.

    Examples
    --------
    >>> import torch
    >>> round(matrix_information_loss(torch.eye(3), torch.eye(3)).item(), 6)
    0.0
    """
    mutual, difference = _ratios(features, classifier_rows)
    return mir_weight * (1.0 - mutual) + hdr_weight * difference


def _ratios(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or len(first) == 0:
        raise InputError(
            f"shapes are {tuple(first.shape)} and {tuple(second.shape)}; expected (n, d1) and "
            "(n, d2) with a row of each for the same n samples (for a classifier: weight[labels])"
        )
    with no_autocast(first):
        a, b = _unit_float64(first), _unit_float64(second)
        entropy_a, entropy_b = _entropy_of_rows(a), _entropy_of_rows(b)
        joint = _entropy((a @ a.T) * (b @ b.T))
        mutual = _ratio(entropy_a + entropy_b - joint, torch.minimum(entropy_a, entropy_b), len(a))
        difference = _ratio(
            (entropy_a - entropy_b).abs(), torch.maximum(entropy_a, entropy_b), len(a)
        )
        dtype = torch.promote_types(at_least_float32(first).dtype, at_least_float32(second).dtype)
        return mutual.to(dtype), difference.to(dtype)


def _unit_float64(features: Tensor) -> Tensor:
    return unit_rows(features.double())


def _entropy_of_rows(rows: Tensor) -> Tensor:
    # Z Zᵀ and Zᵀ Z share their non-zero eigenvalues: take the smaller.
    n, d = rows.shape
    return _entropy(rows @ rows.T if n <= d else rows.T @ rows)


def _entropy(gram: Tensor) -> Tensor:
    entropy: Tensor = _SpectralEntropy.apply(gram / gram.diagonal().sum())  # type: ignore[no-untyped-call]
    return entropy


def _ratio(numerator: Tensor, denominator: Tensor, n: int) -> Tensor:
    # The entropy of n equal rows is 0 up to the rounding of n eigenvalues; 0/0 is taken as 0.
    defined = denominator > n * torch.finfo(denominator.dtype).eps
    return torch.where(defined, numerator / torch.where(defined, denominator, 1.0), 0.0)


class _SpectralEntropy(torch.autograd.Function):
    """tr f(A), f(λ) = −λ log λ, of a positive semidefinite A; gradient f'(A)."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        eigenvalues, eigenvectors = torch.linalg.eigh(matrix)
        # Zero eigenvalues come out as rounding of either sign, each worth 36 times its size.
        floor = len(matrix) * torch.finfo(matrix.dtype).eps * eigenvalues[-1]
        ctx.save_for_backward(eigenvalues.clamp_min(floor), eigenvectors)
        positive = eigenvalues.where(eigenvalues > floor, 0.0)
        return -torch.xlogy(positive, positive).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # f' is unbounded at 0, but A = Z Zᵀ/n multiplies it by Z, which vanishes there as √λ:
        # the floored eigenvalues keep 0 · ∞ at 0.
        eigenvalues, eigenvectors = ctx.saved_tensors
        slope = -(eigenvalues.log() + 1.0)
        derivative: Tensor = gradient * (eigenvectors * slope) @ eigenvectors.T
        return derivative
