"""Self-supervised losses of two views of the same samples."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from ibcollapse.errors import InputError
from ibcollapse.nn.losses.precision import (
    at_least_float32,
    check_pair,
    check_positive,
    no_autocast,
)


def info_nce_loss(
    anchors: Tensor,
    positives: Tensor,
    *,
    temperature: float = 0.1,
    similarity: Literal["dot", "squared-distance"] = "dot",
) -> Tensor:
    """InfoNCE of paired views: cross-entropy of finding row i's partner among all rows, in nats.

    mean_i [ log Σ_j exp s(a_i, b_j) − s(a_i, b_i) ], with s(a, b) = a·b/τ ("dot") or
    −‖a − b‖²/(2τ) ("squared-distance"). Rows are taken at the length they have: for the cosine
    form, normalise both sides first.

    Parameters
    ----------
    anchors, positives : Tensor (n, d)
        Two views, row i of each from the same sample; half precision is computed in float32.
    temperature : float
        τ, above 0.
    similarity : {"dot", "squared-distance"}
        What the softmax compares.

    Raises
    ------
    InputError
        On a temperature that is not above 0, an unknown similarity, or shapes that do not match.

    References
    ----------
    van den Oord, Li, Vinyals (2018), Representation Learning with Contrastive Predictive Coding,
    arXiv:1807.03748; both similarities: Ziyin, Lubana, Ueda, Tanaka (2023), arXiv:2210.00638.
    """
    check_positive("temperature", temperature)
    check_pair(anchors, positives, ("anchors", "positives"))
    if similarity not in ("dot", "squared-distance"):
        raise InputError(f"similarity is {similarity!r}; choose 'dot' or 'squared-distance'")
    with no_autocast(anchors):
        a, b = at_least_float32(anchors), at_least_float32(positives)
        if similarity == "squared-distance":
            # ‖a_i‖² is constant along the softmax, and distances do not see a common shift; the
            # shift to the mean keeps a·b − ‖b‖²/2 from cancelling when features have an offset.
            centre = b.mean(dim=0)
            a, b = a - centre, b - centre
            logits = a @ b.T - 0.5 * b.square().sum(dim=1)
        else:
            logits = a @ b.T
        return functional.cross_entropy(logits / temperature, torch.arange(len(a), device=a.device))


def spectral_contrastive_loss(anchors: Tensor, positives: Tensor) -> Tensor:
    """Spectral contrastive loss: −2 mean_i a_i·b_i + mean_{i≠j} (a_i·b_j)².

    The second mean leaves the pairs of one sample out, which makes it an unbiased estimate of the
    population's E (z·z')² over independent samples. For features z = W x the expectation is
    −2 tr(W A0 Wᵀ) + tr(G²), G the uncentred covariance of the features.

    Parameters
    ----------
    anchors, positives : Tensor (n, d)
        Two views, row i of each from the same sample; half precision is computed in float32.

    Raises
    ------
    InputError
        When the shapes do not match or n < 2.

    References
    ----------
    HaoChen, Wei, Gaidon, Ma (2021), Provable Guarantees for Self-Supervised Deep Learning with
    Spectral Contrastive Loss, arXiv:2106.04156.
    """
    check_pair(anchors, positives, ("anchors", "positives"))
    with no_autocast(anchors):
        products = at_least_float32(anchors) @ at_least_float32(positives).T
        n = len(products)
        alike = products.diagonal()
        repulsion = (products.square().sum() - alike.square().sum()) / (n * (n - 1))
        return repulsion - 2.0 * alike.mean()


def vicreg_loss(
    anchors: Tensor,
    positives: Tensor,
    *,
    invariance_weight: float = 25.0,
    variance_weight: float = 25.0,
    covariance_weight: float = 1.0,
) -> Tensor:
    """VICReg: invariance of the pair, a floor under each variance, no covariance.

    λ · mean_{i,k}(a_ik − b_ik)² + μ · ½[v(a) + v(b)] + ν · [c(a) + c(b)] with
    v(z) = mean_k max(0, 1 − √(var z_k + 1e-4)) and c(z) = Σ_{k≠l} Cov(z)_kl² / d, both with n − 1
    degrees of freedom. The averages are those of the authors' code, for which the default weights
    were chosen; the paper writes the invariance as a sum over k and v without the ½.

    Parameters
    ----------
    anchors, positives : Tensor (n, d)
        Two views, row i of each from the same sample; half precision is computed in float32.
    invariance_weight, variance_weight, covariance_weight : float
        λ, μ and ν.

    Raises
    ------
    InputError
        When the shapes do not match or n < 2.

    References
    ----------
    Bardes, Ponce, LeCun (2022), VICReg, arXiv:2105.04906.
    """
    check_pair(anchors, positives, ("anchors", "positives"))
    with no_autocast(anchors):
        a, b = at_least_float32(anchors), at_least_float32(positives)
        invariance = (a - b).square().mean()
        variance = 0.5 * (_variance_hinge(a) + _variance_hinge(b))
        covariance = _off_diagonal_covariance(a) + _off_diagonal_covariance(b)
        return (
            invariance_weight * invariance
            + variance_weight * variance
            + covariance_weight * covariance
        )


def _variance_hinge(z: Tensor) -> Tensor:
    # 1e-4 is part of the published loss: it bounds the gradient of the root at zero variance.
    return functional.relu(1.0 - (z.var(dim=0) + 1e-4).sqrt()).mean()


def _off_diagonal_covariance(z: Tensor) -> Tensor:
    n, d = z.shape
    centred = z - z.mean(dim=0)
    covariance = centred.T @ centred / (n - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / d
