"""Training runs that can be killed and resumed, ending in a feature file."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ibcollapse.errors import InputError, OutputError
from ibcollapse.nn.checkpoints import write_checkpoints
from ibcollapse.nn.datasets import Dataset, load_dataset
from ibcollapse.nn.losses import matrix_information_loss, supcon_loss
from ibcollapse.nn.networks import StagedNetwork, build_network
from ibcollapse.nn.plan import TrainingPlan
from ibcollapse.nn.record import TrainingRecord, read_record
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
        if unfinished.folder.exists():  # A kill came between the last two lines below.
            with unfinished.claimed():
                unfinished.remove()
        return read_record(target)
    data = _sampled(load_dataset(plan.data), plan)
    with _threads(workers), unfinished.claimed():
        run = _Run(plan, data, unfinished)
        progress.start(f"training {target.name}", total=plan.epochs)
        progress.advance(run.epoch)
        while run.epoch < plan.epochs:
            run.train_epoch()
            progress.advance()
        progress.start(f"recording {target.name}", total=len(plan.checkpoints))
        write_checkpoints(target, plan, data, run.network, unfinished, run.losses, progress)
        progress.finish()
        unfinished.remove()
    return read_record(target)


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
        with h5py.File(path, "r") as file:
            made = {name: file.attrs.get(f"made_{name}") for name in plan.provenance()}
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


class _Run:
    """A network, its optimiser and the epochs they have done."""

    def __init__(self, plan: TrainingPlan, data: Dataset, unfinished: UnfinishedRun) -> None:
        self.plan = plan
        self.epoch = 0
        self.losses: dict[str, float] = {}
        self._data = data
        self._unfinished = unfinished
        self._identity = {**plan.provenance(), "data_sha256": _fingerprint(data)}
        self.network = build_network(
            plan.network,
            input_shape=tuple(data.train.inputs.shape[1:]),
            feature_dim=plan.feature_dim,
            head_dim=plan.head_dim,
            n_classes=None if plan.loss == "supcon" else len(data.class_names),
            seed=plan.seed,
        ).to(_device(plan.device))
        self._optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=plan.learning_rate,
            momentum=plan.momentum,
            weight_decay=plan.weight_decay,
        )
        state = unfinished.load()
        if state is None:
            self._save()
        else:
            self._restore(state)

    def train_epoch(self) -> None:
        """Train one epoch and save the state behind it."""
        self.epoch += 1
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.learning_rate_at(self.epoch)
        self.network.train()
        losses = []
        for inputs, labels in self._batches():
            loss = _batch_loss(self.plan, self.network, inputs, labels)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            losses.append(loss.detach())
        self.losses[str(self.epoch)] = float(torch.stack(losses).mean())
        self._save()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Shuffled full batches; the order depends on the seed and the epoch alone."""
        samples, size = self._data.train, min(self.plan.batch_size, len(self._data.train))
        generator = np.random.default_rng((self.plan.seed, self.epoch))
        order = torch.from_numpy(generator.permutation(len(samples)))
        device = _device(self.plan.device)
        # A rest smaller than a batch is left out: its batch statistics and its contrastive loss
        # would be of another kind. The next epoch draws another rest.
        for start in range(0, len(order) - size + 1, size):
            rows = order[start : start + size]
            yield samples.inputs[rows].to(device), samples.labels[rows].to(device)

    def _save(self) -> None:
        if self.epoch in self.plan.checkpoints:
            self._unfinished.save_weights(self.epoch, self.network.state_dict())
        self._unfinished.save(
            {
                "identity": self._identity,
                "epoch": self.epoch,
                "losses": self.losses,
                "network": self.network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
            }
        )

    def _restore(self, state: dict[str, Any]) -> None:
        if differences := _differences(state["identity"], self._identity):
            raise OutputError(
                f"{self._unfinished.folder} holds an unfinished run of another plan "
                f"({differences}); delete it or choose another output"
            )
        self.epoch = state["epoch"]
        self.losses = state["losses"]
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])


def _batch_loss(
    plan: TrainingPlan, network: StagedNetwork, inputs: Tensor, labels: Tensor
) -> Tensor:
    features = network.head(network.encoder(inputs))
    if not isinstance(network.classifier, nn.Linear):
        return supcon_loss(features, labels, temperature=plan.temperature)
    loss = functional.cross_entropy(
        network.classifier(features), labels, label_smoothing=plan.label_smoothing
    )
    if plan.mir_weight or plan.hdr_weight:
        loss = loss + matrix_information_loss(
            features,
            network.classifier.weight[labels],
            mir_weight=plan.mir_weight,
            hdr_weight=plan.hdr_weight,
        )
    return loss


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device {name!r} is unknown to torch; use cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {name!r}: torch finds no CUDA here; use cpu")
    return device


def _fingerprint(data: Dataset) -> str:
    digest = hashlib.sha256()
    for samples in (data.train, data.test):
        for values in (samples.inputs, samples.labels, samples.ids):
            digest.update(values.contiguous().numpy().tobytes())
    return digest.hexdigest()
