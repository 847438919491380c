"""A linear self-supervised landscape: its minimum and its other stationary points."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.landscape.linear_losses import LossName
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]


@register("landscape/LinearLandscape")
@dataclasses.dataclass(frozen=True)
class LinearLandscape:
    """Global minimum of a self-supervised loss over linear encoders f = W x (+ b).

    Attributes
    ----------
    loss : str
        Name of the loss.
    temperature, alignment, weight_decay : float
        Its constants t, α, γ (1 where the loss has none).
    n_outputs : int
        Feature dimension d*.
    normalised : float or None
        Tr G that was imposed.
    bias_variance : float
        |b|² at the minimum: 1 for the spectral loss with a bias (which takes one output), else 0.
    eigenvalues : float64 (n_directions,)
        λ_j of Σ^{-1/2} B Σ^{-1/2}, decreasing; n_directions = rank Σ.
    level : float
        Multiplier μ of Tr G; 0 without normalisation. Direction j is learned iff λ_j > μ (and it
        is among the n_outputs largest).
    feature_variances : float64 (n_directions,)
        g_j, eigenvalues of the learned feature covariance; 0 = collapsed.
    directions : float64 (n_inputs, n_directions)
        Input directions Σ^{1/2} u_j; W maps those with g_j = 0 to zero.
    filters : float64 (n_inputs, n_directions)
        Σ^{-1/2} u_j; a minimising W has the rows √g_j filters[:, j]ᵀ, up to a rotation.
    critical_weight_decay : float64 (n_inputs,)
        Decreasing; at a weight decay of γ without normalisation as many directions can be learned
        as there are entries above γ, so the collapse is complete from the first entry on.
    value : float
        Loss at the minimum.
    """

    loss: LossName
    temperature: float
    alignment: float
    weight_decay: float
    n_outputs: int
    normalised: float | None
    bias_variance: float
    eigenvalues: Array
    level: float
    feature_variances: Array
    directions: Array
    filters: Array
    critical_weight_decay: Array
    value: float

    def __post_init__(self) -> None:
        for array in (
            self.eigenvalues,
            self.feature_variances,
            self.directions,
            self.filters,
            self.critical_weight_decay,
        ):
            array.setflags(write=False)

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which directions are learned, (n_directions,)."""
        return self.feature_variances > 0

    @property
    def n_active(self) -> int:
        """Rank of the learned features."""
        return int(np.sum(self.active))

    @property
    def n_free_outputs(self) -> int:
        """Outputs left to directions of x once the bias has taken its own."""
        return self.n_outputs - (self.bias_variance > 0)

    @property
    def complete_collapse(self) -> bool:
        """Whether no direction of x is learned."""
        return self.n_active == 0

    @property
    def dimensional_collapse(self) -> bool:
        """Whether fewer directions are learned than data and outputs allow."""
        return self.n_active < min(self.n_free_outputs, len(self.eigenvalues))

    @property
    def encoder(self) -> Array:
        """A minimising W, (n_outputs, n_inputs)."""
        return self.encoder_of(self.feature_variances)

    def encoder_of(self, variances: Array) -> Array:
        """W with feature variances `variances` (n_directions,) along the directions."""
        chosen = np.flatnonzero(variances)
        weight = np.zeros((self.n_outputs, len(self.filters)))
        weight[: len(chosen)] = np.sqrt(variances[chosen])[:, None] * self.filters[:, chosen].T
        return weight


@register("landscape/StationaryPoint")
@dataclasses.dataclass(frozen=True)
class StationaryPoint:
    """One stationary point of a linear landscape, up to rotation of the outputs.

    Attributes
    ----------
    subset : tuple of int
        The directions that are learned.
    feature_variances : float64 (n_directions,)
        g_j, zero outside the subset.
    value : float
        Loss there.
    escape_curvature : float
        Smallest second derivative along unit moves, in whitened coordinates, towards an unlearned
        direction; negative at a strict saddle, inf where nothing is left to learn.
    """

    subset: tuple[int, ...]
    feature_variances: Array
    value: float
    escape_curvature: float

    def __post_init__(self) -> None:
        self.feature_variances.setflags(write=False)

    @property
    def is_minimum(self) -> bool:
        """Whether no move lowers the loss to second order; such a point is a global minimum."""
        return self.escape_curvature >= 0
