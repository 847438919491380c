"""Where linear self-supervised learning ends: minima, saddles and collapsed directions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ibcollapse.errors import InputError
from ibcollapse.landscape.counts import validated_positive
from ibcollapse.landscape.covariances import validated_pair, whitened
from ibcollapse.landscape.linear_landscape import LinearLandscape, StationaryPoint
from ibcollapse.landscape.linear_losses import LinearLoss, LossName, linear_loss
from ibcollapse.linear_algebra import symmetric_eigenvalues

Array = NDArray[np.float64]

_BOUNDED_TO = 1e-12


def selfsupervised(
    a0: Array,
    c: Array,
    *,
    n_outputs: int,
    loss: LossName = "spectral",
    temperature: float | None = None,
    alignment: float | None = None,
    weight_decay: float = 0.0,
    bias: bool = False,
    normalised: float | None = None,
) -> LinearLandscape:
    """Global minimum over linear encoders, and what it collapses.

    With V = W Σ^{1/2} and Σ^{-1/2} B Σ^{-1/2} = U Λ Uᵀ (`linear_losses` gives B and H of each
    loss), W is stationary iff VᵀV = U diag(g) Uᵀ with H'(g_j) = λ_j on a set S of at most
    n_outputs directions with λ_j > 0 and g_j = 0 elsewhere. The largest λ_j give the minima, every
    other set a strict saddle. With Tr G = s imposed, H'(g_j) = λ_j − μ (water-filling).
    Collapse is complete iff B ⪯ 0.

    Parameters
    ----------
    a0, c : float64 (n_inputs, n_inputs)
        Covariances of the data and of the augmentation noise, both symmetric and ⪰ 0.
    n_outputs : int
        Feature dimension d*.
    loss : {"spectral", "infonce-dot", "infonce-distance", "vicreg"}
        Which loss.
    temperature : float, optional
        t of the InfoNCE losses, 1 if left out.
    alignment : float, optional
        α of the VICReg-like loss, 1 if left out.
    weight_decay : float
        γ of γ‖W‖² (the bias is not decayed).
    bias : bool
        Learn f = W x + b with E x = 0. Takes one output in the spectral loss; in InfoNCE and
        VICReg (covariances about the mean) it changes nothing.
    normalised : float, optional
        Impose Tr G on the features.

    Raises
    ------
    InputError
        On covariances that are not symmetric or have a negative eigenvalue, on unknown or
        inapplicable options, and where the loss is unbounded below.

    References
    ----------
    Ziyin, Lubana, Ueda, Tanaka 2023, "What shapes the loss landscape of self-supervised learning?",
    arXiv:2210.00638.

    Examples
    --------
    >>> landscape = selfsupervised(np.eye(2), np.eye(2), n_outputs=2, loss="infonce-distance")
    >>> landscape.feature_variances.round(7)
    array([0.618034, 0.618034])
    """
    data, noise = validated_pair(a0, c)
    form = linear_loss(
        loss, temperature=temperature, alignment=alignment, weight_decay=weight_decay
    )
    if n_outputs < 1:
        raise InputError(f"n_outputs is {n_outputs}, expected at least 1")
    takes_output = bias and loss == "spectral"
    if takes_output and normalised is not None:
        raise InputError("a bias and normalised features are not solved together; choose one")
    attraction = form.attraction(data, noise)
    eigenvalues, root, inverse_root = whitened(attraction, data + noise)
    free = min(n_outputs - takes_output, len(eigenvalues))
    level = _level(form, eigenvalues[:free], normalised)
    variances = np.zeros_like(eigenvalues)
    variances[:free] = form.variance(eigenvalues[:free] - level)
    return LinearLandscape(
        loss=form.name,
        temperature=form.temperature,
        alignment=form.alignment,
        weight_decay=form.weight_decay,
        n_outputs=n_outputs,
        normalised=normalised,
        bias_variance=float(takes_output),
        eigenvalues=eigenvalues,
        level=level,
        feature_variances=variances,
        directions=root,
        filters=inverse_root,
        critical_weight_decay=np.array(symmetric_eigenvalues(attraction)[::-1] + form.weight_decay),
        value=_value(form, n_outputs, takes_output, eigenvalues, variances),
    )


def stationary_point(landscape: LinearLandscape, subset: Sequence[int]) -> StationaryPoint:
    """Stationary point that learns exactly the directions in `subset`.

    In whitened coordinates, a move of a learned row i towards an unlearned direction j has the
    second derivative 2(λ_i − λ_j), and a move of an unused output 2(μ − λ_j).

    Raises
    ------
    InputError
        When the subset repeats or exceeds the directions or outputs, or holds a direction that no
        stationary point can learn (λ_j ≤ μ).
    """
    chosen = sorted(set(subset))
    n_directions, free = len(landscape.eigenvalues), landscape.n_free_outputs
    if len(chosen) != len(subset) or any(not 0 <= j < n_directions for j in chosen):
        raise InputError(
            f"subset {tuple(subset)} must name different directions of 0…{n_directions - 1}"
        )
    if len(chosen) > free:
        raise InputError(f"subset has {len(chosen)} directions, the encoder has {free} outputs")
    form = LinearLoss(
        landscape.loss, landscape.temperature, landscape.alignment, landscape.weight_decay
    )
    inside = landscape.eigenvalues[chosen]
    level = _level(form, inside, landscape.normalised)
    variances = np.zeros(n_directions)
    variances[chosen] = form.variance(inside - level)
    unlearned = [j for j in chosen if variances[j] == 0]
    if unlearned:
        raise InputError(
            f"no stationary point learns direction {unlearned[0]}: its eigenvalue "
            f"{landscape.eigenvalues[unlearned[0]]:.4g} is not above the level {level:.4g}"
        )
    outside = np.delete(landscape.eigenvalues, chosen)
    exits = [*inside] + ([level] if len(chosen) < free else [])
    curvature = 2 * (min(exits) - outside.max()) if len(outside) and exits else np.inf
    value = _value(
        form, landscape.n_outputs, landscape.bias_variance > 0, landscape.eigenvalues, variances
    )
    return StationaryPoint(tuple(chosen), variances, value, float(curvature))


def _value(
    form: LinearLoss, n_outputs: int, with_bias: bool, eigenvalues: Array, variances: Array
) -> float:
    # Spectral loss of the bias' own output: −2|b|² + |b|⁴ at |b|² = 1.
    own = -1.0 if with_bias else 0.0
    total = np.sum(form.penalty(variances) - eigenvalues * variances)
    return float(form.offset(n_outputs) + own + total)


def _level(form: LinearLoss, eigenvalues: Array, normalised: float | None) -> float:
    """μ with Σ g_j = `normalised`, or 0."""
    if normalised is None:
        if np.any(eigenvalues >= form.steepest * (1 - _BOUNDED_TO)):
            raise InputError(
                "the loss is unbounded below: a direction has no augmentation noise; add noise, "
                "weight_decay or normalised"
            )
        return 0.0
    total = validated_positive(normalised, "normalised")
    if len(eigenvalues) == 0:
        raise InputError("normalised features need a direction to learn")
    top = float(eigenvalues.max())
    # Where the top direction alone has the whole variance.
    lowest = top - form.slope(total)
    return float(
        brentq(
            lambda level: np.sum(form.variance(eigenvalues - level)) - total,
            lowest - _BOUNDED_TO * abs(lowest),
            top,
            xtol=1e-300,
            rtol=4 * np.finfo(float).eps,
            maxiter=1000,
        )
    )
