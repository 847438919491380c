"""What linear networks learn without labels, beside what theory predicts, on digits.

    python -m benchmarks.experiments.linear_ssl run FOLDER      42 networks, minutes of one core
    python -m benchmarks.experiments.linear_ssl tables FOLDER   the table and the figure

Training sees batches of fresh views and no covariance; the prediction sees the covariances of other
views of the same augmentation and no training. What is done is not done again.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.experiments.linear_ssl_figure import Lines, Rows, draw
from benchmarks.experiments.paired import print_table
from benchmarks.experiments.published_vicreg import vicreg_variances
from ibcollapse import landscape
from ibcollapse.nn import Augmentation, TrainingPlan, write_views
from ibcollapse.nn.augmentation import plan_views
from ibcollapse.nn.datasets import Dataset, load_dataset
from ibcollapse.nn.run import Run
from ibcollapse.report.figures.figure_files import save_figure
from ibcollapse.storage.atomic import atomic_path

N_OUTPUTS = 6
PAIRS_PER_SAMPLE = 10
NOISE = (0.1, 0.2, 0.4, 0.55, 0.7, 0.85, 1.1)
# One to seven of eight pixels.
ERASED = tuple(k / 8 for k in range(1, 8))
# Of stochastic gradient descent: γ of the theory is half of it.
DECAY = 0.5
ALIGNMENT = 2.0

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One panel: a loss, its strengths, and how it is trained."""

    title: str
    loss: str
    field: str
    strengths: tuple[float, ...]
    learning_rate: float
    batch_size: int = 256
    n_epochs: int = 60
    weight_decay: float = 0.0


SWEEPS = {
    "spectral": Sweep("spectral, noise", "spectral", "augment_noise", NOISE, 0.05),
    "decay": Sweep(
        "spectral, erasure, γ = 0.25", "spectral", "augment_erase", ERASED, 0.05,
        weight_decay=DECAY,
    ),
    "dot": Sweep(
        "InfoNCE (dot), noise", "infonce-dot", "augment_noise", NOISE, 0.05,
        batch_size=432, n_epochs=100,
    ),
    "distance": Sweep(
        "InfoNCE (distance), noise", "infonce-distance", "augment_noise", NOISE, 0.05,
        batch_size=432, n_epochs=100,
    ),
    "like": Sweep(
        "VICReg-like of the theory, noise", "vicreg-like", "augment_noise", NOISE, 0.02,
        n_epochs=300,
    ),
    "vicreg": Sweep("VICReg as published, noise", "vicreg", "augment_noise", NOISE, 0.02),
}  # fmt: skip


def main(what: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    data = folder / "centred_digits.npz"
    if not data.exists():
        write_centred_digits(data)
    found: dict[str, Rows] = {}
    for name, sweep in SWEEPS.items():
        for strength in sweep.strengths:
            path = folder / f"{name}_{strength:g}.json"
            if what == "run" and not path.exists():
                row = compared(sweep, strength, data, folder)
                with atomic_path(path) as temporary:
                    temporary.write_text(json.dumps(row))
            if path.exists():
                found.setdefault(name, []).append(json.loads(path.read_text()))
    print_table([summary(SWEEPS[name].title, rows) for name, rows in found.items()])
    inputs = load_dataset(str(data)).train.inputs.double().flatten(1).numpy()
    a0 = inputs.T @ inputs / len(inputs)
    panels = [(SWEEPS[name].title, rows, lines(SWEEPS[name], a0)) for name, rows in found.items()]
    save_figure(draw(panels), folder / "linear_ssl.png")


def lines(sweep: Sweep, a0: Array) -> Lines | None:
    """Predictions along a sweep of noise, whose covariance is known; None for other sweeps."""
    if sweep.field != "augment_noise":
        return None
    grid = np.linspace(sweep.strengths[0], sweep.strengths[-1], 61)
    identity = np.eye(len(a0))
    variances = np.array([predicted(sweep, a0, s * s * identity) for s in grid])
    thresholds = np.array([])
    if sweep.loss == "vicreg-like":
        path = landscape.augmentation_path(
            a0, identity, grid**2, n_outputs=N_OUTPUTS, loss="vicreg", alignment=ALIGNMENT
        )
        ends = path.collapse_strengths[:N_OUTPUTS]
        thresholds = np.sqrt(ends[np.isfinite(ends)])
    return Lines(grid, variances, thresholds)


def write_centred_digits(path: Path) -> None:
    """Digits minus the mean training image, which augmentations then leave at zero."""
    digits = load_dataset("digits")
    centre = digits.train.inputs.double().mean(dim=0)
    arrays = {}
    for split, samples in (("train", digits.train), ("test", digits.test)):
        arrays[f"x_{split}"] = (samples.inputs.double() - centre).float().numpy()
        arrays[f"y_{split}"] = samples.labels.numpy()
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)


def plan_of(sweep: Sweep, strength: float, data: Path) -> TrainingPlan:
    loss = "spectral" if sweep.loss == "vicreg-like" else sweep.loss
    return TrainingPlan(
        data=str(data),
        loss=loss,
        network="linear",
        feature_dim=N_OUTPUTS,
        head_dim=0,
        epochs=sweep.n_epochs,
        batch_size=sweep.batch_size,
        learning_rate=sweep.learning_rate,
        weight_decay=sweep.weight_decay,
        temperature=1.0,
        **{sweep.field: strength},
    )


def compared(sweep: Sweep, strength: float, data: Path, folder: Path) -> dict[str, object]:
    """Predicted and learned eigenvalues of the feature covariance, decreasing."""
    plan = plan_of(sweep, strength, data)
    pairs = write_views(plan, folder / "pairs.npz", per_sample=PAIRS_PER_SAMPLE)
    moments = landscape.covariances_from_pairs(*landscape.load_pairs(pairs))
    samples = load_dataset(plan.data)
    weight = descend_like(plan, samples) if sweep.loss == "vicreg-like" else descend(plan, samples)
    learned = np.linalg.eigvalsh(weight @ (moments.a0 + moments.c) @ weight.T)[::-1]
    return {
        "strength": strength,
        "predicted": predicted(sweep, moments.a0, moments.c).tolist(),
        "learned": learned.tolist(),
    }


def predicted(sweep: Sweep, a0: Array, c: Array) -> Array:
    """Feature variances (N_OUTPUTS,), decreasing."""
    if sweep.loss == "vicreg":
        return vicreg_variances(a0, c, n_outputs=N_OUTPUTS)
    like = sweep.loss == "vicreg-like"
    found = landscape.selfsupervised(
        a0,
        c,
        n_outputs=N_OUTPUTS,
        loss="vicreg" if like else sweep.loss,  # type: ignore[arg-type]
        alignment=ALIGNMENT if like else None,
        weight_decay=sweep.weight_decay / 2,
    )
    return found.feature_variances[:N_OUTPUTS]


def descend(plan: TrainingPlan, data: Dataset) -> Array:
    """W (n_outputs, n_inputs) after the plan's epochs."""
    run = Run(plan, data)
    while run.epoch < plan.epochs:
        run.train_epoch()
    (weight,) = run.network.parameters()
    return weight.detach().double().numpy()


def descend_like(plan: TrainingPlan, data: Dataset) -> Array:
    """W of ‖G − I‖² + α E‖f_a − f_b‖², which is no loss of the trainer, on batches of views."""
    views = plan_views(plan, tuple(data.train.inputs.shape[1:]))
    assert isinstance(views, Augmentation)
    weight = Run(plan, data).network.encoder[1].weight  # type: ignore[index]
    optimizer = torch.optim.SGD([weight], lr=plan.learning_rate, momentum=plan.momentum)
    identity = torch.eye(plan.feature_dim)
    for epoch in range(1, plan.epochs + 1):
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate_at(epoch)
        generator = np.random.default_rng((plan.seed, epoch))
        pair = views.two_views(data.train.inputs, generator)
        first, second = (view.flatten(1) @ weight.T for view in pair)
        both = torch.cat([first, second])
        gram = both.T @ both / len(both)
        apart = (first - second).square().sum(dim=1).mean()
        loss = (gram - identity).square().sum() + ALIGNMENT * apart
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weight.detach().double().numpy()


def summary(title: str, rows: Rows) -> dict[str, object]:
    """How far learned and predicted variances are apart, and how many directions each keeps."""
    learned = np.array([row["learned"] for row in rows])
    expected = np.array([row["predicted"] for row in rows])
    apart = np.abs(learned - expected)
    return {
        "sweep": title,
        "strengths": f"{rows[0]['strength']:g} to {rows[-1]['strength']:g}",
        "largest predicted": f"{expected.max():.3f}",
        "rms difference": f"{np.sqrt(np.mean(apart**2)):.4f}",
        "largest difference": f"{apart.max():.4f}",
        "directions predicted": " ".join(str(n) for n in kept(expected)),
        "directions learned": " ".join(str(n) for n in kept(learned)),
    }


def kept(variances: Array, *, floor: float = 0.01) -> list[int]:
    """Directions with more variance than `floor` at each strength, of (n_strengths, n_outputs)."""
    return [int(n) for n in np.sum(variances > floor, axis=1)]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
