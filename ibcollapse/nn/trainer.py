"""Training runs that can be killed and resumed, ending in a feature file."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from ibcollapse.atomic import remove_half_written
from ibcollapse.errors import OutputError
from ibcollapse.hdf5_guard import find_danger
from ibcollapse.nn.checkpoints import write_checkpoints
from ibcollapse.nn.datasets import Dataset, load_dataset
from ibcollapse.nn.plan import TrainingPlan
from ibcollapse.nn.record import TrainingRecord, read_record
from ibcollapse.nn.run import Run
from ibcollapse.nn.sampling import flip_labels, imbalance
from ibcollapse.nn.unfinished import UnfinishedRun
from ibcollapse.progress import SILENT, Progress


def train(
    plan: TrainingPlan,
    path: str | os.PathLike[str],
    *,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> TrainingRecord:
    """Train a network; write its layers `encoder` and `head` at the plan's checkpoints to `path`.

    While it runs, a folder `<path>.unfinished` keeps the state of the last epoch; the same call
    after a kill goes on from there and ends with the same features (bit for bit on CPU with the
    same number of threads). A file that the same plan has made already is left as it is.

    Parameters
    ----------
    plan : TrainingPlan
        Data, network, loss and optimiser.
    path : path
        Feature file to make, in the native layout. Epochs carry `loss` (mean over the batches of
        the epoch), `train_accuracy` and `test_accuracy`: of the classifier, or of the nearest
        class mean of the head under the contrastive loss. `train` accuracy counts the labels
        trained on, noise included.
    workers : int, optional
        Threads of torch on CPU during the run; as set already when omitted.
    progress : Progress
        Advanced once an epoch.

    Returns
    -------
    TrainingRecord
        The file, with loss and accuracies at each checkpoint.

    Raises
    ------
    InputError
        When the plan does not fit the data.
    FeatureFileNotFoundError, FeatureFileError
        When the data are missing or damaged.
    OutputError
        When the file exists and was made otherwise, the folder belongs to another plan or another
        process, or the disk is full.
    """
    target = Path(path)
    unfinished = UnfinishedRun(target.with_name(target.name + ".unfinished"))
    if target.exists():
        _check_made_by(plan, target)
        progress.note(f"{target} is finished already")
        if unfinished.folder.exists():  # A kill came between the last two steps below.
            with unfinished.claimed():
                unfinished.remove()
        return read_record(target)
    data = _sampled(load_dataset(plan.data), plan)
    with _threads(workers):
        run = Run(plan, data)
        with unfinished.claimed():
            remove_half_written(target)
            _train_on(run, unfinished, f"training {target.name}", progress)
            progress.start(f"recording {target.name}", total=len(plan.checkpoints))
            write_checkpoints(target, plan, data, run.network, unfinished, run.losses, progress)
            progress.finish()
            unfinished.remove()
    return read_record(target)


def _train_on(run: Run, unfinished: UnfinishedRun, stage: str, progress: Progress) -> None:
    """Bring `run` from the last saved epoch to its end, saving every epoch."""
    state = unfinished.load()
    if state is None:
        _save(run, unfinished)
    elif differences := _differences(state["identity"], run.identity):
        raise OutputError(
            f"{unfinished.folder} holds an unfinished run of another plan ({differences}); delete "
            "it or choose another output"
        )
    else:
        run.restore(state)
    progress.start(stage, total=run.plan.epochs)
    progress.advance(run.epoch)
    while run.epoch < run.plan.epochs:
        run.train_epoch()
        _save(run, unfinished)
        progress.advance()


def _save(run: Run, unfinished: UnfinishedRun) -> None:
    # The weights first: a kill in between repeats the epoch and writes the same weights again.
    if run.epoch in run.plan.checkpoints:
        unfinished.save_weights(run.epoch, run.network.state_dict())
    unfinished.save(run.state())


@contextlib.contextmanager
def _threads(workers: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(workers or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _sampled(data: Dataset, plan: TrainingPlan) -> Dataset:
    generator = np.random.default_rng(plan.data_seed)
    kept = imbalance(data.train, plan.imbalance, plan.imbalance_ratio, generator)
    noisy = flip_labels(kept, plan.label_noise, len(data.class_names), generator)
    return Dataset(noisy, data.test, data.class_names)


def _check_made_by(plan: TrainingPlan, path: Path) -> None:
    try:
        danger = find_danger(path)
        if danger:
            raise OutputError(f"{path} exists and is damaged ({danger}); delete it")
        with h5py.File(path, "r") as file:
            made = {name: file.attrs.get(f"made_{name}") for name in plan.provenance()}
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path} exists and is no feature file; choose another output") from error
    if differences := _differences(made, plan.provenance()):
        raise OutputError(
            f"{path} exists and was made otherwise ({differences}); delete it or choose another "
            "output"
        )


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {found.get(name)!s} instead of {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    )
