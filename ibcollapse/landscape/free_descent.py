"""Gradient descent on free features from many starts: does the landscape have spurious minima?"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.landscape.convergence import CONVERGED
from ibcollapse.landscape.counts import validated_counts, validated_positive
from ibcollapse.landscape.free_loss import FreeSupCon, lowest_curvature, riemannian
from ibcollapse.landscape.supcon import supcon_geometry
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]

_PER_ADVANCE = 100


@register("landscape/FreeDescent")
@dataclasses.dataclass(frozen=True)
class FreeDescent:
    """Ends of many gradient descents on unit features of every sample.

    Attributes
    ----------
    counts : int64 (n_classes,)
        Samples in each class.
    temperature : float
        τ.
    dimension : int
        Feature dimension.
    relu : bool
        Whether features were kept at h ≥ 0.
    predicted_loss : float
        Global minimum in enough dimensions, from `supcon_geometry`, nats a sample.
    losses : float64 (n_starts,)
        Mean loss at each end, nats.
    gradient_norms : float64 (n_starts,)
        Norm of the Riemannian gradient (with `relu`: of its feasible part) at each end.
    curvatures : float64 (n_starts,)
        Smallest eigenvalue of the Riemannian Hessian modulo rotations: negative at a saddle.
    features : float64 (n_starts, n_samples, dimension)
        The ends.
    n_iterations : int
        Gradient steps of the slowest start.
    status : str
        "converged", or a sentence that names the argument to change.
    """

    counts: NDArray[np.int64]
    temperature: float
    dimension: int
    relu: bool
    predicted_loss: float
    losses: Array
    gradient_norms: Array
    curvatures: Array
    features: Array
    n_iterations: int
    status: str

    def __post_init__(self) -> None:
        for array in (
            self.counts,
            self.losses,
            self.gradient_norms,
            self.curvatures,
            self.features,
        ):
            array.setflags(write=False)

    def optimal(self, *, atol: float = 1e-7) -> NDArray[np.bool_]:
        """Which ends reach the predicted loss to `atol`, (n_starts,)."""
        return np.asarray(self.losses <= self.predicted_loss + atol)


def descend_free_features(
    counts: Sequence[int] | NDArray[np.int64],
    temperature: float,
    *,
    dimension: int,
    n_starts: int = 20,
    relu: bool = False,
    tol: float = 1e-8,
    max_steps: int = 20_000,
    rng: np.random.Generator,
    progress: Progress = SILENT,
) -> FreeDescent:
    """Ends of projected gradient descent on the supervised-contrastive loss of free features.

    All starts move together, each with its own Barzilai–Borwein step, halved whenever the loss
    would exceed the largest of its last ten values.

    Without `relu` and with dimension ≥ K − 1 every start ends at `predicted_loss`. With `relu` some
    do not, in any dimension, ever fewer as it grows: a class may occupy the coordinate that two
    others would need to part, and entering it costs them at first order what parting gains at
    second.

    Parameters
    ----------
    counts : sequence of int, (n_classes,)
        Samples in each class, each at least 2. Work a step grows with n_starts · n² · dimension.
    temperature : float
        τ > 0.
    dimension : int
        Feature dimension, at least 2.
    n_starts : int
        Independent random starts.
    relu : bool
        Keep features at h ≥ 0.
    tol : float
        A start ends when its gradient norm is at most `tol`.
    max_steps : int
        Most steps.
    rng : numpy.random.Generator
        Draws the starts.
    progress : Progress
        Advanced as steps are made.

    Raises
    ------
    InputError
        On bad counts or temperature, dimension < 2, n_starts < 1 or max_steps < 1.
    """
    n = validated_counts(counts, minimum=2)
    tau, limit = validated_positive(temperature, "temperature"), validated_positive(tol, "tol")
    for name, value, least in (
        ("dimension", dimension, 2),
        ("n_starts", n_starts, 1),
        ("max_steps", max_steps, 1),
    ):
        if value < least:
            raise InputError(f"{name} is {value}, expected at least {least}")
    loss = FreeSupCon(np.repeat(np.arange(len(n)), n), tau)
    start = _project(rng.normal(size=(n_starts, int(n.sum()), dimension)), relu=False)
    start = np.abs(start) if relu else start
    progress.start("gradient descent on free features", total=None)
    features, n_steps = _descend(loss, start, relu, limit, max_steps, progress)
    progress.finish()
    losses, slope, _ = loss.value_and_slope(features)
    norms = np.linalg.norm(_feasible(features, riemannian(features, slope), relu), axis=(1, 2))
    late = int(np.sum(norms > limit))
    status = CONVERGED
    if late:
        status = f"{late} of {n_starts} starts are above tol={limit:.0e}; raise max_steps"
    return FreeDescent(
        counts=n,
        temperature=tau,
        dimension=dimension,
        relu=relu,
        predicted_loss=supcon_geometry(n, tau, relu=relu).loss,
        losses=losses,
        gradient_norms=norms,
        curvatures=np.array([lowest_curvature(loss, h, relu=relu) for h in features]),
        features=features,
        n_iterations=n_steps,
        status=status,
    )


def _project(features: Array, *, relu: bool) -> Array:
    kept = np.maximum(features, 0.0) if relu else features
    return np.asarray(kept / np.linalg.norm(kept, axis=-1, keepdims=True))


def _feasible(features: Array, gradient: Array, relu: bool) -> Array:
    """Gradient without the components that only the constraint h ≥ 0 opposes."""
    return np.where((features == 0) & (gradient > 0), 0.0, gradient) if relu else gradient


def _descend(
    loss: FreeSupCon,
    features: Array,
    relu: bool,
    tol: float,
    max_steps: int,
    progress: Progress,
) -> tuple[Array, int]:
    values, slope, _ = loss.value_and_slope(features)
    gradient = riemannian(features, slope)
    n_samples = features.shape[1]
    # A row's slope is O(1/n): the first step moves rows by O(τ).
    step = np.full(len(features), loss.temperature * n_samples / 4)
    recent = np.tile(values, (10, 1))
    for n_steps in range(max_steps):
        done = np.linalg.norm(_feasible(features, gradient, relu), axis=(1, 2)) <= tol
        if done.all():
            return features, n_steps
        if n_steps % _PER_ADVANCE == 0:
            progress.advance(_PER_ADVANCE)
        trial = _project(features - step[:, None, None] * gradient, relu=relu)
        trial_values, slope, _ = loss.value_and_slope(trial)
        trial_gradient = riemannian(trial, slope)
        # Rounding of the loss itself must not stop a start that still improves its gradient.
        taken = (trial_values <= recent.max(axis=0) + 1e-14) & ~done
        moved, turned = trial - features, trial_gradient - gradient
        square = np.sum(moved * moved, axis=(1, 2))
        bend = np.sum(moved * turned, axis=(1, 2))
        longer = np.where(bend > 0, square / np.where(bend > 0, bend, 1.0), 2 * step)
        longest = 100 * loss.temperature * n_samples
        step = np.where(taken, np.minimum(longer, longest), step / 2)
        features = np.where(taken[:, None, None], trial, features)
        gradient = np.where(taken[:, None, None], trial_gradient, gradient)
        values = np.where(taken, trial_values, values)
        recent[n_steps % 10] = values
    return features, max_steps
