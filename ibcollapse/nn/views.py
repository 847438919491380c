"""Pairs of views in a file, for the theory of linear self-supervised learning."""

import os
from pathlib import Path

import numpy as np

from ibcollapse.errors import InputError
from ibcollapse.nn.augmentation import plan_views
from ibcollapse.nn.datasets import load_dataset
from ibcollapse.nn.plan import TrainingPlan
from ibcollapse.nn.sampling import sampled
from ibcollapse.storage.atomic import atomic_path


def write_views(plan: TrainingPlan, path: str | os.PathLike[str], *, per_sample: int = 1) -> Path:
    """File of `view_a` and `view_b` of the plan's training samples, and return its path.

    `ibcollapse.landscape.load_pairs` and `ibcollapse predict --pairs` read it. The views are drawn
    as in training, from a stream of their own: training does not see these very pairs.

    Parameters
    ----------
    plan : TrainingPlan
        Its data, augmentation and seed count.
    path : path
        .npz file to make: `view_a`, `view_b` float32 (n_pairs, n_inputs), images flattened.
    per_sample : int
        Pairs of each sample; more of them lower the noise of the estimated noise covariance.

    Raises
    ------
    InputError
        When the loss of the plan takes no views, or on a suffix other than .npz.
    FeatureFileNotFoundError, FeatureFileError
        When the data are missing or damaged.
    OutputError
        When the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != ".npz":
        raise InputError(f"{target}: pairs of views are written as .npz")
    if per_sample < 1:
        raise InputError(f"per_sample is {per_sample}; it must be at least 1")
    inputs = sampled(load_dataset(plan.data), plan).train.inputs
    augmentation = plan_views(plan, tuple(inputs.shape[1:]))
    if augmentation is None:
        raise InputError(f"loss {plan.loss!r} takes no views; choose a self-supervised one")
    # Epochs count from 1, so 0 is no epoch's stream.
    generator = np.random.default_rng((plan.seed, 0))
    drawn = [augmentation.two_views(inputs, generator) for _ in range(per_sample)]
    first, second = (
        np.concatenate([view.flatten(1).numpy() for view in views])
        for views in zip(*drawn, strict=True)
    )
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        np.savez(file, view_a=first, view_b=second)
    return target
