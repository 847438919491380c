"""From the weights at each checkpoint to a feature file."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ibcollapse.features import FeatureWriter
from ibcollapse.nn.datasets import Dataset, Samples
from ibcollapse.nn.networks import StagedNetwork
from ibcollapse.nn.plan import TrainingPlan
from ibcollapse.nn.recorder import FeatureRecorder, evaluation
from ibcollapse.nn.unfinished import UnfinishedRun
from ibcollapse.progress import Progress

# What a reader takes unless told otherwise. On the training split of a collapsed network p(y|x) is
# one-hot and its information curve a corner, and the head keeps little but the class: the encoder
# on unseen samples is where there is something to see.
DEFAULT_LAYER = "encoder"
DEFAULT_SPLIT = "test"

_ROWS = 256


def write_checkpoints(
    path: Path,
    plan: TrainingPlan,
    data: Dataset,
    network: StagedNetwork,
    unfinished: UnfinishedRun,
    losses: dict[str, float],
    progress: Progress,
) -> None:
    """Write features, labels, logits and accuracies of every checkpoint to `path`.

    `network` is the architecture; its weights are replaced by those of each checkpoint in turn.
    """
    classified = plan.has_classifier
    accuracy = "classifier" if classified else "nearest class mean of the last layer"
    with FeatureWriter(
        path,
        class_names=data.class_names,
        dtype=plan.dtype,
        default_layer=DEFAULT_LAYER,
        default_split=DEFAULT_SPLIT,
        provenance={**plan.provenance(), "accuracy": accuracy},
    ) as writer:
        recorder = _recorder(writer, network, plan)
        for epoch in plan.checkpoints:
            network.load_state_dict(unfinished.load_weights(epoch))
            for split, samples in (("train", data.train), ("test", data.test)):
                recorder.record(_batches(samples), epoch=epoch, split=split)
            measure = classifier_accuracies if classified else nearest_mean_accuracies
            train, test = measure(network, data)
            writer.metrics(epoch=epoch, train_accuracy=train, test_accuracy=test)
            if str(epoch) in losses:
                writer.metrics(epoch=epoch, loss=losses[str(epoch)])
            progress.advance()


def classifier_accuracies(network: StagedNetwork, data: Dataset) -> tuple[float, float]:
    """Share of training and of test samples whose largest logit is their label's."""
    train, test = (_outputs(network, samples).argmax(dim=1) for samples in (data.train, data.test))
    return _share(train == data.train.labels), _share(test == data.test.labels)


def nearest_mean_accuracies(network: StagedNetwork, data: Dataset) -> tuple[float, float]:
    """Share of training and of test samples nearest to the training mean of their class."""
    train, test = (_outputs(network, samples) for samples in (data.train, data.test))
    labels = data.train.labels
    members = labels[None, :] == torch.arange(len(data.class_names))[:, None]
    means = (members.double() @ train) / members.sum(dim=1, keepdim=True)
    nearest = [torch.cdist(outputs, means).argmin(dim=1) for outputs in (train, test)]
    return _share(nearest[0] == labels), _share(nearest[1] == data.test.labels)


def _recorder(writer: FeatureWriter, network: StagedNetwork, plan: TrainingPlan) -> FeatureRecorder:
    if not plan.has_classifier:
        return FeatureRecorder(writer, network, layers=("encoder", "head"))
    # What the classifier reads is the head's output or, without a head, the encoder's.
    return FeatureRecorder(
        writer,
        network,
        layers=("encoder",) if plan.head_dim else (),
        classifier="classifier",
        classifier_input="head" if plan.head_dim else "encoder",
    )


def _batches(samples: Samples) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    for rows in torch.split(torch.arange(len(samples)), _ROWS):
        yield samples.inputs[rows], samples.labels[rows], samples.ids[rows]


def _outputs(network: StagedNetwork, samples: Samples) -> Tensor:
    """Outputs of the network in float64 on the host, (n, d)."""
    device = next(network.parameters()).device
    with evaluation(network):
        outputs = [network(inputs.to(device)).cpu() for inputs, _, _ in _batches(samples)]
    return torch.cat(outputs).double()


def _share(hits: Tensor) -> float:
    return float(hits.double().mean())
