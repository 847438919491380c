"""A network in training: its optimiser, its batches, its state."""

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ibcollapse.errors import InputError
from ibcollapse.nn.accuracy import attainable_accuracy, training_accuracy
from ibcollapse.nn.augmentation import plan_views
from ibcollapse.nn.datasets import Dataset
from ibcollapse.nn.losses import (
    info_nce_loss,
    matrix_information_loss,
    spectral_contrastive_loss,
    supcon_loss,
    vicreg_loss,
)
from ibcollapse.nn.networks import StagedNetwork, build_network
from ibcollapse.nn.plan import SELF_SUPERVISED, TrainingPlan

FIT_SHARE = 0.99


class Run:
    """A network, its optimiser and the epochs they have done.

    Epoch e + 1 is a function of `state()` after epoch e alone. `step` counts the optimisation
    steps done, `step_at[str(epoch)]` those done by the end of an epoch, and `steps_to_fit` is the
    first one after which the training accuracy was measured to be `FIT_SHARE` of the
    `attainable_accuracy`; None before that.

    Raises
    ------
    InputError
        When the device is unknown or absent, or the network does not fit the data.
    """

    def __init__(self, plan: TrainingPlan, data: Dataset) -> None:
        self.plan = plan
        self.epoch = 0
        self.step = 0
        self.steps_to_fit: int | None = None
        self.losses: dict[str, float] = {}
        self.step_at: dict[str, int] = {"0": 0}
        self.identity = {**plan.provenance(), "data_sha256": _fingerprint(data)}
        self._data = data
        self.attainable_accuracy = (
            attainable_accuracy(data.train) if plan.fit_every else float("nan")
        )
        self._views = plan_views(plan, tuple(data.train.inputs.shape[1:]))
        self._device = _device(plan.device)
        self.network = build_network(
            plan.network,
            input_shape=tuple(data.train.inputs.shape[1:]),
            feature_dim=plan.feature_dim,
            head_dim=plan.head_dim,
            n_classes=len(data.class_names) if plan.has_classifier else None,
            unit_outputs=plan.unit_outputs,
            normalisation=plan.normalisation,
            classifier_bias=plan.classifier_bias,
            seed=plan.seed,
        ).to(self._device)
        # The residual network on 28 × 28 pixels takes 1.6 times as long in torch's default order.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = torch.optim.SGD(
            _parameter_groups(plan, self.network),
            lr=plan.learning_rate,
            momentum=plan.momentum,
            weight_decay=plan.weight_decay,
        )

    def train_epoch(self) -> None:
        """Train one epoch.

        Raises
        ------
        InputError
            When the loss is no longer finite.
        """
        self.epoch += 1
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.learning_rate_at(self.epoch)
        self.network.train()
        losses = []
        for inputs, labels in self._batches():
            loss = batch_loss(self.plan, self.network, inputs, labels)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            losses.append(loss.detach())
            self.step += 1
            self._look_for_fit()
        mean = float(torch.stack(losses).mean())
        if not math.isfinite(mean):
            raise InputError(
                f"the loss became {mean} in epoch {self.epoch}; use a learning_rate below "
                f"{self.plan.learning_rate}"
            )
        self.losses[str(self.epoch)] = mean
        self.step_at[str(self.epoch)] = self.step

    @property
    def finished(self) -> bool:
        """Whether no epoch is left to train."""
        fitted = self.plan.stop_at_fit and self.steps_to_fit is not None
        return fitted or self.epoch >= self.plan.epochs

    @property
    def recorded_epochs(self) -> tuple[int, ...]:
        """The plan's checkpoints so far, and the last epoch where the fit ended the run."""
        so_far = {epoch for epoch in self.plan.checkpoints if epoch <= self.epoch}
        if self.finished and self.epoch < self.plan.epochs:
            so_far.add(self.epoch)
        return tuple(sorted(so_far))

    def history(self, epoch: int) -> dict[str, float]:
        """What is known of a past epoch: its steps, and its loss and the fit if there were any."""
        numbers: dict[str, float] = {"steps": self.step_at[str(epoch)]}
        if epoch:
            numbers["loss"] = self.losses[str(epoch)]
        if self.plan.fit_every:
            numbers["attainable_accuracy"] = self.attainable_accuracy
            if self.steps_to_fit is not None and self.steps_to_fit <= numbers["steps"]:
                numbers["steps_to_fit"] = self.steps_to_fit
        return numbers

    def state(self) -> dict[str, Any]:
        """All that the following epochs depend on, and the losses so far."""
        return {
            "identity": self.identity,
            "epoch": self.epoch,
            "step": self.step,
            "steps_to_fit": self.steps_to_fit,
            "step_at": self.step_at,
            "losses": self.losses,
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.epoch = state["epoch"]
        self.step = state["step"]
        self.steps_to_fit = state["steps_to_fit"]
        self.step_at = state["step_at"]
        self.losses = state["losses"]
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _look_for_fit(self) -> None:
        every = self.plan.fit_every
        if not every or self.steps_to_fit is not None or self.step % every:
            return
        if training_accuracy(self.network, self._data) >= FIT_SHARE * self.attainable_accuracy:
            self.steps_to_fit = self.step

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Shuffled full batches; they depend on the seed and the epoch alone.

        For a self-supervised loss the inputs are (2n, ...): first views, then second views.
        """
        samples = self._data.train
        size = min(self.plan.batch_size, len(samples))
        generator = np.random.default_rng((self.plan.seed, self.epoch))
        order = torch.from_numpy(generator.permutation(len(samples)))
        # A rest smaller than a batch is left out: its batch statistics and its contrastive loss
        # would be of another kind. The next epoch draws another rest.
        for start in range(0, len(order) - size + 1, size):
            rows = order[start : start + size]
            inputs = samples.inputs[rows]
            if self._views is not None:
                # The generator of the order goes on, so the views too follow from the epoch.
                inputs = torch.cat(self._views.two_views(inputs, generator))
            yield inputs.to(self._device), samples.labels[rows].to(self._device)


def batch_loss(
    plan: TrainingPlan, network: StagedNetwork, inputs: Tensor, labels: Tensor
) -> Tensor:
    """Loss that the plan asks for, of one batch as `Run` makes it."""
    features = network.head(network.encoder(inputs))
    if plan.loss in SELF_SUPERVISED:
        return pair_loss(plan, *features.chunk(2))
    if not isinstance(network.classifier, nn.Linear):
        return supcon_loss(features, labels, temperature=plan.temperature)
    loss = functional.cross_entropy(
        network.classifier(features), labels, label_smoothing=plan.label_smoothing
    )
    if plan.feature_decay:
        loss = loss + plan.feature_decay / 2 * features.square().sum(dim=1).mean()
    if plan.mir_weight or plan.hdr_weight:
        loss = loss + matrix_information_loss(
            features,
            network.classifier.weight[labels],
            mir_weight=plan.mir_weight,
            hdr_weight=plan.hdr_weight,
        )
    return loss


def pair_loss(plan: TrainingPlan, first: Tensor, second: Tensor) -> Tensor:
    """Self-supervised loss of the plan, of the features (n, d) of two views."""
    if plan.loss == "spectral":
        return spectral_contrastive_loss(first, second)
    if plan.loss == "vicreg":
        return vicreg_loss(first, second)
    return info_nce_loss(
        first,
        second,
        temperature=plan.temperature,
        similarity="dot" if plan.loss == "infonce-dot" else "squared-distance",
    )


def _parameter_groups(plan: TrainingPlan, network: StagedNetwork) -> list[dict[str, Any]]:
    """Parameters with the weight decay of the plan, and those without any."""
    if plan.decayed == "all":
        return [{"params": list(network.parameters())}]
    decayed, free = list(network.classifier.parameters()), list(network.encoder.parameters())
    (decayed if plan.decayed == "head" else free).extend(network.head.parameters())
    return [{"params": decayed}, {"params": free, "weight_decay": 0.0}]


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
