"""Self-supervised losses of a linear encoder, brought to one form.

Data x = s + ε with A0 = E[ssᵀ], C = E[εεᵀ], Σ = A0 + C, features f = W x, G = W Σ Wᵀ. Each loss is

    L(W) = offset − Tr(W B Wᵀ) + Σ_i H(g_i),   g_i the eigenvalues of G,   H(0) = H'(0) = 0,

with B from A0 and C and a convex H:

| loss | B | H(g) |
|---|---|---|
| spectral: −2 E f·f⁺ + E (f·f')² | 2 A0 | g² |
| infonce-dot, infinitely many negatives, temperature t | A0/t | g²/(2t²) |
| infonce-distance, likewise | A0/t | g/t − ½ log(1 + g/t) − ½ (g/t)/(1 + g/t) |
| vicreg: ‖G − I‖² + 2α Tr(W C Wᵀ) | 2(Σ − αC) | g² (offset n_outputs) |

and a weight decay γ‖W‖² makes it B − γI. The InfoNCE rows are exact for Gaussian x.

Source: Ziyin, Lubana, Ueda, Tanaka 2023, arXiv:2210.00638, for the quadratic H; the distance row
follows from the Gaussian integral of its partition function.
"""

import dataclasses
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.landscape.counts import validated_positive

Array = NDArray[np.float64]

LossName = Literal["spectral", "infonce-dot", "infonce-distance", "vicreg"]


@dataclasses.dataclass(frozen=True)
class LinearLoss:
    """One row of the table.

    Attributes
    ----------
    name : str
        "spectral", "infonce-dot", "infonce-distance" or "vicreg".
    temperature : float
        t of the InfoNCE losses; 1 for the others, which have none.
    alignment : float
        α of the VICReg-like loss; 1 for the others.
    weight_decay : float
        γ ≥ 0.
    """

    name: LossName
    temperature: float
    alignment: float
    weight_decay: float

    def attraction(self, a0: Array, c: Array) -> Array:
        """B, (n_inputs, n_inputs)."""
        if self.name == "spectral":
            pull = 2 * a0
        elif self.name == "vicreg":
            pull = 2 * (a0 + c - self.alignment * c)
        else:
            pull = a0 / self.temperature
        return np.asarray(pull - self.weight_decay * np.eye(len(a0)))

    @property
    def _quadratic(self) -> float:
        """β of H(g) = β g²."""
        return 1 / (2 * self.temperature**2) if self.name == "infonce-dot" else 1.0

    @property
    def steepest(self) -> float:
        """sup H'(g): an eigenvalue of Σ^{-1/2} B Σ^{-1/2} from here on has no finite optimum."""
        return 1 / self.temperature if self.name == "infonce-distance" else np.inf

    def penalty(self, variance: Array) -> Array:
        """H(g), elementwise."""
        if self.name != "infonce-distance":
            return np.asarray(self._quadratic * variance**2)
        ratio = variance / self.temperature
        return np.asarray(ratio - np.log1p(ratio) / 2 - ratio / (1 + ratio) / 2)

    def slope(self, variance: float) -> float:
        """H'(g)."""
        if self.name != "infonce-distance":
            return 2 * self._quadratic * variance
        u = 1 / (1 + variance / self.temperature)
        return (1 - u / 2 - u * u / 2) / self.temperature

    def variance(self, slope: Array) -> Array:
        """g with H'(g) = slope, elementwise; 0 where slope ≤ 0, inf from `steepest` on."""
        positive = np.maximum(slope, 0.0)
        if self.name != "infonce-distance":
            return np.asarray(positive / (2 * self._quadratic))
        # u = 1/(1 + g/t) solves u² + u = 2(1 − t · slope); 1 − u without cancellation near u = 1.
        lift = np.minimum(self.temperature * positive, 1.0)
        root = np.sqrt(9 - 8 * lift)
        with np.errstate(divide="ignore"):
            return np.asarray(self.temperature * 8 * lift / ((3 + root) * (root - 1)))

    def offset(self, n_outputs: int) -> float:
        """Constant of the loss."""
        return float(n_outputs) if self.name == "vicreg" else 0.0


def linear_loss(
    name: str, *, temperature: float | None, alignment: float | None, weight_decay: float
) -> LinearLoss:
    """The loss of that name, its options checked."""
    names = get_args(LossName)
    if name not in names:
        raise InputError(f"loss is {name!r}, expected one of {', '.join(names)}")
    if temperature is not None and not name.startswith("infonce"):
        raise InputError(f"temperature={temperature} was given, but {name} has none; leave it out")
    if alignment is not None and name != "vicreg":
        raise InputError(f"alignment={alignment} was given, but only vicreg has it; leave it out")
    if not (np.isfinite(weight_decay) and weight_decay >= 0):
        raise InputError(f"weight_decay is {weight_decay}, expected a number of at least 0")
    t = 1.0 if temperature is None else validated_positive(temperature, "temperature")
    alpha = 1.0 if alignment is None else validated_positive(alignment, "alignment")
    return LinearLoss(name, t, alpha, float(weight_decay))  # type: ignore[arg-type]
