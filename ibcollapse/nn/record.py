"""What a finished training run left behind."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError


@dataclasses.dataclass(frozen=True)
class TrainingRecord:
    """A feature file that `train` made, and how well the network did at each checkpoint.

    Attributes
    ----------
    path : Path
        The feature file.
    epochs : int64 (n_checkpoints,)
        Checkpoints, increasing; 0 is the initialisation.
    loss : float64 (n_checkpoints,)
        Mean over the batches of the epoch; NaN at epoch 0.
    train_accuracy, test_accuracy : float64 (n_checkpoints,)
        Shares in [0, 1] of the classifier, or of the nearest class mean without one.
    steps : float64 (n_checkpoints,)
        Optimisation steps done; NaN in files from before they were counted.
    steps_to_fit : int or None
        First step, among those measured every `TrainingPlan.fit_every` steps, after which the
        training accuracy is at least 99 % of `attainable_accuracy`; None when it never was or
        was not measured.
    attainable_accuracy : float
        Largest training accuracy that any function of the inputs can have: label noise lowers it
        where equal inputs were given different labels. NaN when it was not measured.
    """

    path: Path
    epochs: NDArray[np.int64]
    loss: NDArray[np.float64]
    train_accuracy: NDArray[np.float64]
    test_accuracy: NDArray[np.float64]
    steps: NDArray[np.float64]
    steps_to_fit: int | None
    attainable_accuracy: float

    def __post_init__(self) -> None:
        for array in (self.epochs, self.loss, self.train_accuracy, self.test_accuracy, self.steps):
            array.setflags(write=False)


def read_record(path: Path) -> TrainingRecord:
    """Record of the run that made `path`.

    Raises
    ------
    FeatureFileError
        When the file cannot be read or lacks the accuracies.
    """
    try:
        with h5py.File(path, "r") as file:
            groups = {int(name): file["epochs"][name].attrs for name in sorted(file["epochs"])}
            metrics = {
                name: np.array([attrs[name] for attrs in groups.values()], dtype=np.float64)
                for name in ("train_accuracy", "test_accuracy")
            }
            loss, steps = (
                np.array([attrs.get(name, np.nan) for attrs in groups.values()], dtype=np.float64)
                for name in ("loss", "steps")
            )
            last = groups[max(groups)]
            fit = last.get("steps_to_fit")
            attainable = float(last.get("attainable_accuracy", np.nan))
    except (OSError, KeyError, ValueError) as error:
        raise FeatureFileError(f"{path}: no feature file that `train` made ({error})") from error
    return TrainingRecord(
        path,
        epochs=np.array(list(groups), dtype=np.int64),
        loss=loss,
        steps=steps,
        steps_to_fit=None if fit is None else int(fit),
        attainable_accuracy=attainable,
        **metrics,
    )
