"""Modular addition: a small network that fits its training pairs long before it adds."""

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ibcollapse.matrix_information import information_of_rows
from ibcollapse.matrix_information.rows import unit_rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grokking:
    """What determines a run.

    `p` is the modulus, `share` the part of the p² pairs to train on, `shuffled` whether the sums
    are permuted over all pairs, which leaves nothing to find but the training pairs themselves.
    """

    p: int = 23
    share: float = 0.6
    seed: int = 0
    shuffled: bool = False
    weight_decay: float = 1.0
    learning_rate: float = 0.01
    embedding: int = 32
    width: int = 128
    n_steps: int = 2000

    @property
    def name(self) -> str:
        kind = "shuffled" if self.shuffled else "decayed" if self.weight_decay else "plain"
        return f"p{self.p}_{kind}_{self.seed}"


class Adder(nn.Module):
    """Both numbers embedded, one hidden layer, a linear classifier without bias."""

    def __init__(self, run: Grokking) -> None:
        super().__init__()
        self.embedding = nn.Embedding(run.p, run.embedding)
        self.hidden = nn.Linear(2 * run.embedding, run.width)
        self.classifier = nn.Linear(run.width, run.p, bias=False)

    def features(self, pairs: Tensor) -> Tensor:
        return torch.relu(self.hidden(self.embedding(pairs).flatten(1)))

    def forward(self, pairs: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(pairs))
        return logits


def addition(run: Grokking) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pairs (n, 2) and sums (n,) to train on, and those kept for the test."""
    generator = np.random.default_rng(run.seed)
    pairs = torch.cartesian_prod(torch.arange(run.p), torch.arange(run.p))
    sums = pairs.sum(dim=1) % run.p
    if run.shuffled:
        sums = sums[torch.from_numpy(generator.permutation(len(sums)))]
    order = torch.from_numpy(generator.permutation(len(sums)))
    train, test = order.split(
        [round(run.share * len(sums)), len(sums) - round(run.share * len(sums))]
    )
    return pairs[train], sums[train], pairs[test], sums[test]


def recorded_steps(n_steps: int) -> list[int]:
    """Dense at first, then every fiftieth step."""
    return sorted({0, 5, 10, 20, 30, *range(50, n_steps + 1, 50)})


def train_adder(run: Grokking) -> dict[str, list[float]]:
    """Losses, accuracies, MIR and HDR of both splits at the recorded steps."""
    x_train, y_train, x_test, y_test = addition(run)
    torch.manual_seed(run.seed)
    network = Adder(run)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=run.learning_rate,
        weight_decay=run.weight_decay,
        betas=(0.9, 0.98),
        fused=True,
    )
    wanted, history = set(recorded_steps(run.n_steps)), []
    for step in range(run.n_steps + 1):
        if step in wanted:
            measured = {"step": float(step)}
            for split, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
                found = measures(network, x, y)
                measured |= {f"{split}_{name}": value for name, value in found.items()}
            history.append(measured)
        loss = functional.cross_entropy(network(x_train), y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: [row[name] for row in history] for name in history[0]}


@torch.no_grad()
def measures(network: Adder, pairs: Tensor, sums: Tensor) -> dict[str, float]:
    """Loss, accuracy, and MIR and HDR of the hidden layer against the classifier's rows."""
    features = network.features(pairs)
    logits = network.classifier(features)
    information: Any = information_of_rows(
        unit_rows(features.numpy()),
        unit_rows(network.classifier.weight.numpy(), codes=sums.numpy()),
        n_permutations=0,
    )
    return {
        "loss": float(functional.cross_entropy(logits, sums)),
        "accuracy": float((logits.argmax(dim=1) == sums).double().mean()),
        "mir": information.mir,
        "hdr": information.hdr,
    }
