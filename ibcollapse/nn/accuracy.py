"""How well a network in training separates the classes, and how well it could."""

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ibcollapse.nn.datasets import Dataset, Samples
from ibcollapse.nn.networks import StagedNetwork
from ibcollapse.nn.recorder import evaluation

_ROWS = 256


def accuracies(network: StagedNetwork, data: Dataset) -> tuple[float, float]:
    """Shares of training and of test samples that the network gives the class of their label.

    By the largest logit of a network with a classifier, else by the nearest class mean of the
    training outputs.
    """
    train, test = (_outputs(network, samples) for samples in (data.train, data.test))
    classify = _classifier(network, train, data.train.labels, len(data.class_names))
    return _share(classify(train), data.train), _share(classify(test), data.test)


def training_accuracy(network: StagedNetwork, data: Dataset) -> float:
    """The first of `accuracies`, without a pass over the test samples."""
    outputs = _outputs(network, data.train)
    classify = _classifier(network, outputs, data.train.labels, len(data.class_names))
    return _share(classify(outputs), data.train)


def attainable_accuracy(samples: Samples) -> float:
    """Largest share of `samples` that any function of the input can give its label.

    Below one only where equal inputs have different labels, as noise on the labels of repeated
    images makes them: the commonest label of each distinct input, summed, over all samples.
    """
    rows = samples.inputs.flatten(1).contiguous().numpy()
    # 128 bits: two of 10^6 different inputs share a digest with probability 1e-27.
    inputs = [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
    commonest: dict[bytes, int] = {}
    for (key, _), count in Counter(zip(inputs, samples.labels.tolist(), strict=True)).items():
        commonest[key] = max(count, commonest.get(key, 0))
    return sum(commonest.values()) / len(samples)


def batches(samples: Samples) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Inputs, labels and ids of `samples` in their order."""
    for rows in torch.split(torch.arange(len(samples)), _ROWS):
        yield samples.inputs[rows], samples.labels[rows], samples.ids[rows]


def _classifier(
    network: StagedNetwork, outputs: Tensor, labels: Tensor, n_classes: int
) -> Callable[[Tensor], Tensor]:
    """From outputs to classes: largest logit, or nearest mean of the training `outputs`."""
    if isinstance(network.classifier, nn.Linear):
        return functools.partial(torch.argmax, dim=1)
    members = labels[None, :] == torch.arange(n_classes)[:, None]
    means = (members.double() @ outputs) / members.sum(dim=1, keepdim=True)
    return lambda points: torch.cdist(points, means).argmin(dim=1)


def _outputs(network: StagedNetwork, samples: Samples) -> Tensor:
    """Outputs of the network in float64 on the host, (n, d)."""
    device = next(network.parameters()).device
    with evaluation(network):
        outputs = [network(inputs.to(device)).cpu() for inputs, _, _ in batches(samples)]
    return torch.cat(outputs).double()


def _share(classes: Tensor, samples: Samples) -> float:
    return float((classes == samples.labels).double().mean())
