"""Small networks with named stages: encoder, head, classifier."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ibcollapse.errors import InputError
from ibcollapse.nn.losses.precision import unit_rows
from ibcollapse.nn.plan import NetworkName, NormalisationName


class UnitRows(nn.Module):
    """Scales rows to length one; a zero row stays zero."""

    def forward(self, x: Tensor) -> Tensor:
        """`x` (n, d) with unit rows."""
        return unit_rows(x)


class StagedNetwork(nn.Module):
    """encoder → head → classifier; head and classifier may be the identity.

    `classifier` is an `nn.Linear` for cross-entropy; a network for the contrastive loss has none,
    and its head ends on the unit sphere where that loss sees it there.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, K), or the head's output (n, d) without a classifier."""
        output: Tensor = self.classifier(self.head(self.encoder(x)))
        return output


def build_network(
    name: NetworkName,
    *,
    input_shape: tuple[int, ...],
    feature_dim: int,
    head_dim: int,
    n_classes: int | None,
    unit_outputs: bool = True,
    normalisation: NormalisationName = "none",
    classifier_bias: bool = True,
    seed: int,
) -> StagedNetwork:
    """Network with weights drawn from `seed`, on CPU; torch's global generator is untouched.

    Parameters
    ----------
    name : {"conv", "resnet", "mlp", "linear"}
        Three convolutions; three residual stages; two hidden layers of 256: they end in
        `feature_dim` non-negative features. "linear" is one matrix without bias.
    input_shape : tuple of int
        (channels, height, width), or (d,) for "mlp" and "linear".
    head_dim : int
        Outputs of the two-layer head; 0 leaves it out.
    n_classes : int or None
        Rows of the linear classifier; None: no classifier.
    unit_outputs : bool
        Without a classifier, scale the outputs to length one.
    normalisation : {"none", "batch", "layer"}
        Of the hidden layers of "mlp", before each ReLU; "conv" and "resnet" have batch
        normalisation in any case.
    classifier_bias : bool
        Whether the classifier has a bias.

    Raises
    ------
    InputError
        When a convolutional network is asked for inputs that are not images.
    """
    if name in ("conv", "resnet") and len(input_shape) != 3:
        raise InputError(
            f"network {name!r} needs images (channels, height, width), the data have shape "
            f"{input_shape}; use network='mlp'"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "mlp":
            encoder = _perceptron(input_shape, feature_dim, normalisation)
        else:
            encoder = _ENCODERS[name](input_shape, feature_dim)
        head: nn.Module = nn.Identity()
        if head_dim:
            head = nn.Sequential(
                nn.Linear(feature_dim, feature_dim), nn.ReLU(), nn.Linear(feature_dim, head_dim)
            )
        if n_classes is None:
            end = UnitRows() if unit_outputs else nn.Identity()
            return StagedNetwork(encoder, nn.Sequential(head, end), nn.Identity())
        classifier = nn.Linear(head_dim or feature_dim, n_classes, bias=classifier_bias)
        return StagedNetwork(encoder, head, classifier)


def _convolutional(input_shape: tuple[int, ...], feature_dim: int) -> nn.Module:
    return nn.Sequential(
        *_convolution(input_shape[0], 32, stride=1),
        *_convolution(32, 64, stride=2),
        *_convolution(64, feature_dim, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def _convolution(n_in: int, n_out: int, *, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(n_out), nn.ReLU()


class _ResidualBlock(nn.Module):
    """relu(shortcut(x) + two 3 × 3 convolutions of x); He et al. 2016."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_convolution(n_in, n_out, stride=stride), *_convolution(n_out, n_out, stride=1)[:2]
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.residual(x))


def _residual(input_shape: tuple[int, ...], feature_dim: int) -> nn.Module:
    return nn.Sequential(
        *_convolution(input_shape[0], 16, stride=1),
        _ResidualBlock(16, 16, 1),
        _ResidualBlock(16, 32, 2),
        _ResidualBlock(32, feature_dim, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def _perceptron(
    input_shape: tuple[int, ...], feature_dim: int, normalisation: NormalisationName
) -> nn.Module:
    widths = (torch.Size(input_shape).numel(), 256, 256, feature_dim)
    layers: list[nn.Module] = [nn.Flatten()]
    for n_in, n_out in itertools.pairwise(widths):
        layers += [nn.Linear(n_in, n_out), *_NORMALISATIONS[normalisation](n_out), nn.ReLU()]
    return nn.Sequential(*layers)


def _linear(input_shape: tuple[int, ...], feature_dim: int) -> nn.Module:
    n_inputs = torch.Size(input_shape).numel()
    return nn.Sequential(nn.Flatten(), nn.Linear(n_inputs, feature_dim, bias=False))


_ENCODERS = {"conv": _convolutional, "resnet": _residual, "linear": _linear}
_NORMALISATIONS: dict[NormalisationName, Callable[[int], tuple[nn.Module, ...]]] = {
    "none": lambda width: (),
    "batch": lambda width: (nn.BatchNorm1d(width),),
    "layer": lambda width: (nn.LayerNorm(width),),
}
