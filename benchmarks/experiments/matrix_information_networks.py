"""Networks on part of Fashion-MNIST, and what pruning and mixing their weights does to MIR."""

import copy
import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ibcollapse.matrix_information import MatrixInformation, information_of_rows
from ibcollapse.matrix_information.rows import unit_rows
from ibcollapse.nn import TrainingPlan
from ibcollapse.nn.datasets import Dataset, Samples, load_dataset
from ibcollapse.nn.networks import StagedNetwork
from ibcollapse.nn.recorder import evaluation
from ibcollapse.nn.run import Run
from ibcollapse.nn.unfinished import UnfinishedRun

N_TRAIN, N_TEST = 2000, 1000
EPOCHS = 30
RECORDED = (0, 1, 2, 4, 8, 15, 30)
# Perceptrons have no batch statistics, which a mixture of two networks would need anew.
PLAN = TrainingPlan(
    loss="cross-entropy",
    network="mlp",
    feature_dim=64,
    head_dim=32,
    epochs=EPOCHS,
    checkpoints=RECORDED,
    batch_size=100,
    learning_rate=0.05,
    weight_decay=5e-4,
    # Of supcon, as in the digits files, for the reason given in data/.
    temperature=0.5,
)

Weights = dict[str, torch.Tensor]


def fashion_part(n_train: int = N_TRAIN) -> Dataset:
    """The first training and test images."""
    data = load_dataset("fashion-mnist")
    train, test = torch.arange(n_train), torch.arange(N_TEST)
    return Dataset(data.train.take(train), data.test.take(test), data.class_names)


def trained(
    plan: TrainingPlan,
    data: Dataset,
    folder: Path,
    *,
    start: Weights | None = None,
    from_epoch: int = 0,
) -> StagedNetwork:
    """Network of a plan whose weights at the recorded epochs lie in `folder`.

    With `start`, its weights are those to begin with, after `from_epoch` epochs. A run that was
    stopped goes on from its last recorded epoch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = UnfinishedRun(folder)
    run = Run(plan, data)
    if (state := kept.load()) is not None:
        if state["identity"] != run.identity:
            raise SystemExit(f"{folder} holds a network of another plan; delete it")
        run.restore(state)
    else:
        if start is not None:
            run.network.load_state_dict(start)
            run.epoch = from_epoch
        kept.save_weights(run.epoch, run.network.state_dict())
    while run.epoch < plan.epochs:
        run.train_epoch()
        if run.epoch in plan.checkpoints:
            kept.save_weights(run.epoch, run.network.state_dict())
            kept.save(run.state())
    return run.network


def weights_at(folder: Path | str | os.PathLike[str], epoch: int) -> Weights:
    return UnfinishedRun(Path(folder)).load_weights(epoch)


def measured(network: StagedNetwork, samples: Samples, *, null: int = 0) -> dict[str, float]:
    """Accuracy, loss, MIR and HDR of the layer that the classifier reads, against its rows.

    Without a classifier: of the head against the class means of the same samples, and no accuracy.
    """
    with evaluation(network):
        features = network.head(network.encoder(samples.inputs))
        labels = samples.labels
        found: dict[str, float] = {}
        if isinstance(network.classifier, nn.Linear):
            logits = network.classifier(features)
            found["accuracy"] = float((logits.argmax(dim=1) == labels).double().mean())
            found["loss"] = float(nn.functional.cross_entropy(logits, labels))
            rows = network.classifier.weight
        else:
            members = nn.functional.one_hot(labels).T.float()
            rows = members @ features / members.sum(dim=1, keepdim=True)
        information = against_rows(features.numpy(), rows.numpy(), labels.numpy(), null=null)
    found |= {"mir": information.mir, "hdr": information.hdr}
    if null:
        found["null"] = information.null_mean
    return found


def against_rows(features: Any, rows: Any, labels: Any, *, null: int = 0) -> MatrixInformation:
    """Matrix information of features (n, d) with row labels[i] of `rows` (K, d') for each."""
    return information_of_rows(
        unit_rows(features), unit_rows(rows, codes=labels), n_permutations=null
    )


def pruned(network: StagedNetwork, fraction: float) -> StagedNetwork:
    """Copy without the smallest `fraction` of all entries of its weight matrices.

    Magnitudes are compared over all matrices together, the classifier's included; biases stay.
    """
    copied = copy.deepcopy(network)
    matrices = [weight for weight in copied.parameters() if weight.ndim > 1]
    sizes = torch.cat([weight.detach().abs().flatten() for weight in matrices])
    n_removed = round(fraction * len(sizes))
    with torch.no_grad():
        smallest = torch.zeros(len(sizes), dtype=torch.bool)
        smallest[sizes.argsort(stable=True)[:n_removed]] = True
        blocks = smallest.split([weight.numel() for weight in matrices])
        for weight, block in zip(matrices, blocks, strict=True):
            weight.masked_fill_(block.reshape(weight.shape), 0.0)
    return copied


def mixed(network: StagedNetwork, first: Weights, second: Weights, share: float) -> StagedNetwork:
    """Copy of `network` with the weights (1 − share) · first + share · second."""
    copied = copy.deepcopy(network)
    copied.load_state_dict({name: torch.lerp(first[name], second[name], share) for name in first})
    return copied


def barrier(accuracies: np.ndarray) -> float:
    """Largest fall of the accuracy along a path below the straight line between its ends."""
    line = np.linspace(accuracies[0], accuracies[-1], len(accuracies))
    return float(np.max(line - accuracies))


def smoothed(amount: float, seed: int) -> TrainingPlan:
    return dataclasses.replace(PLAN, label_smoothing=amount, seed=seed)
