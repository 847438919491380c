"""Training runs that can be killed and resumed, ending in a feature file."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import torch

from ibcollapse.errors import OutputError
from ibcollapse.nn.checkpoints import write_checkpoints
from ibcollapse.nn.datasets import load_dataset
from ibcollapse.nn.plan import TrainingPlan
from ibcollapse.nn.record import TrainingRecord, read_record
from ibcollapse.nn.run import Run
from ibcollapse.nn.sampling import sampled
from ibcollapse.nn.unfinished import UnfinishedRun
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.atomic import remove_half_written
from ibcollapse.storage.hdf5_guard import find_danger

# What a kill can cost beyond the epoch it falls in. Saving waits for the disk, which took longer
# than training where an epoch is a matter of milliseconds.
SAVE_EVERY_S = 2.0


def train(
    plan: TrainingPlan,
    path: str | os.PathLike[str],
    *,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> TrainingRecord:
    """Train a network; write its layers `encoder` and `head` at the plan's checkpoints to `path`.

    While it runs, a folder `<path>.unfinished` keeps the state of an epoch that ended at most two
    seconds before the one in progress began; the same call after a kill goes on from there and
    ends with the same features (bit for bit on CPU with the same number of threads). A file that
    the same plan has made already is left as it is.

    Parameters
    ----------
    plan : TrainingPlan
        Data, network, loss and optimiser.
    path : path
        Feature file to make, in the native layout. Epochs carry `loss` (mean over the batches of
        the epoch), `train_accuracy` and `test_accuracy`: of the classifier, or of the nearest
        class mean of the head under the contrastive loss. `train` accuracy counts the labels
        trained on, noise included. They also carry `steps`, the optimisation steps done, and with
        `plan.fit_every` the `attainable_accuracy` and, from the fit on, `steps_to_fit`.
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
    data = sampled(load_dataset(plan.data), plan)
    with _threads(workers):
        run = Run(plan, data)
        with unfinished.claimed():
            remove_half_written(target)
            _train_on(run, unfinished, f"training {target.name}", progress)
            progress.start(f"recording {target.name}", total=len(run.recorded_epochs))
            write_checkpoints(target, run, data, unfinished, progress)
            progress.finish()
            unfinished.remove()
    return read_record(target)


def _train_on(run: Run, unfinished: UnfinishedRun, stage: str, progress: Progress) -> None:
    """Bring `run` from the last saved epoch to its end, saving at checkpoints and now and then."""
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
    saved = time.monotonic()
    while not run.finished:
        run.train_epoch()
        if _must_save(run) or time.monotonic() - saved >= SAVE_EVERY_S:
            _save(run, unfinished)
            saved = time.monotonic()
        progress.advance()


def _must_save(run: Run) -> bool:
    return run.finished or run.epoch in run.recorded_epochs


def _save(run: Run, unfinished: UnfinishedRun) -> None:
    # The weights first: a kill in between repeats the epochs and writes the same weights again.
    if run.epoch in run.recorded_epochs:
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


def _check_made_by(plan: TrainingPlan, path: Path) -> None:
    try:
        danger = find_danger(path)
        if danger:
            raise OutputError(f"{path} exists and is damaged ({danger}); delete it")
        with h5py.File(path, "r") as file:
            # A file from before an option existed was made with what is now its default.
            made = {
                name: file.attrs.get(f"made_{name}", default)
                for name, default in TrainingPlan(epochs=plan.epochs).provenance().items()
            }
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
