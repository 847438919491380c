"""Random views of samples, a function of a generator alone."""

import dataclasses

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ibcollapse.errors import InputError
from ibcollapse.nn.plan import SELF_SUPERVISED, TrainingPlan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes, drawn anew for every sample, in the order of the attributes.

    Shift, mirror and erasure fill with zeros and are linear in the sample: centred data stay
    centred.

    Attributes
    ----------
    shift : int
        Images move by −shift … shift pixels along each axis, uniformly; what leaves is lost.
    flip : float
        Probability of a mirror image, left for right.
    erase : float
        Side of a square set to zero, as a share of the image's shorter side, rounded to pixels; it
        lies inside, uniformly.
    noise : float
        Standard deviation of Gaussian noise added to every value, in the unit of the inputs.
    """

    shift: int = 0
    flip: float = 0.0
    erase: float = 0.0
    noise: float = 0.0

    def check(self, input_shape: tuple[int, ...]) -> None:
        """Raise `InputError` where samples of this shape cannot be changed so."""
        if (self.shift or self.flip or self.erase) and len(input_shape) != 3:
            raise InputError(
                f"samples of shape {input_shape} are no images (channels, height, width) to "
                "shift, flip or erase; use noise alone"
            )
        if self.shift and self.shift >= min(input_shape[1:]):
            raise InputError(f"a shift by {self.shift} pixels empties images of {input_shape[1:]}")
        if self.erase and self._erased_side(input_shape) == 0:
            raise InputError(
                f"erase {self.erase} of images of {input_shape[1:]} is less than half a pixel; "
                "use a larger share"
            )

    def two_views(self, inputs: Tensor, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Two independent views of each sample, each of the shape and type of `inputs`."""
        return self.view(inputs, generator), self.view(inputs, generator)

    def view(self, inputs: Tensor, generator: np.random.Generator) -> Tensor:
        """One view of each sample, (n, ...) like `inputs`, which stay as they are."""
        if self.shift:
            inputs = _shifted(inputs, self.shift, generator)
        if self.flip:
            mirrored = torch.from_numpy(generator.random(len(inputs)) < self.flip)
            inputs = torch.where(mirrored[:, None, None, None], inputs.flip(-1), inputs)
        if self.erase:
            inputs = _erased(inputs, self._erased_side(tuple(inputs.shape[1:])), generator)
        if self.noise:
            noise = generator.standard_normal(tuple(inputs.shape), dtype=np.float32)
            inputs = inputs + self.noise * torch.from_numpy(noise)
        return inputs

    def _erased_side(self, input_shape: tuple[int, ...]) -> int:
        return round(self.erase * min(input_shape[1:]))


def plan_views(plan: TrainingPlan, input_shape: tuple[int, ...]) -> Augmentation | None:
    """Augmentation of a plan, checked against the samples; None for a loss that takes no views."""
    if plan.loss not in SELF_SUPERVISED:
        return None
    augmentation = Augmentation(
        shift=plan.augment_shift,
        flip=plan.augment_flip,
        erase=plan.augment_erase,
        noise=plan.augment_noise,
    )
    augmentation.check(input_shape)
    return augmentation


def _shifted(inputs: Tensor, largest: int, generator: np.random.Generator) -> Tensor:
    n, n_channels, height, width = inputs.shape
    offsets = torch.from_numpy(generator.integers(0, 2 * largest + 1, size=(2, n)))
    padded = functional.pad(inputs, (largest,) * 4)
    samples = torch.arange(n)[:, None, None, None]
    channels = torch.arange(n_channels)[None, :, None, None]
    rows = (offsets[0][:, None] + torch.arange(height))[:, None, :, None]
    columns = (offsets[1][:, None] + torch.arange(width))[:, None, None, :]
    return padded[samples, channels, rows, columns]


def _erased(inputs: Tensor, side: int, generator: np.random.Generator) -> Tensor:
    n, _, height, width = inputs.shape
    inside = []
    for length in (height, width):
        start = torch.from_numpy(generator.integers(0, length - side + 1, size=n))[:, None]
        position = torch.arange(length)
        inside.append((position >= start) & (position < start + side))
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return inputs.masked_fill(square, 0.0)
