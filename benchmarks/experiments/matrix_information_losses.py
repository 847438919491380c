"""MIR and HDR as terms of the loss: accuracy with and without, seed by seed.

    python -m benchmarks.experiments.matrix_information_losses run FOLDER      minutes of one core
    python -m benchmarks.experiments.matrix_information_losses tables FOLDER   the table

Perceptrons on the first 1000 training images of Fashion-MNIST. The arms of a seed share its
initial weights and the order of its batches, so differences are paired. What is done is kept.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks.experiments.matrix_information_networks import PLAN, fashion_part, measured
from benchmarks.experiments.paired import paired_difference, print_table
from ibcollapse.nn import TrainingPlan
from ibcollapse.nn.datasets import Dataset
from ibcollapse.nn.run import Run
from ibcollapse.storage.atomic import atomic_path

N_TRAIN = 1000
SEEDS = tuple(range(5))
# (weight of 1 − MIR, weight of HDR); the first arm is what the others are compared with.
ARMS = {
    "none": (0.0, 0.0),
    "both, 0.01": (0.01, 0.01),
    "both, 0.1": (0.1, 0.1),
    "both, 1": (1.0, 1.0),
}
BASE = dataclasses.replace(PLAN, epochs=20, checkpoints=(20,), batch_size=25, learning_rate=0.03)


def main(what: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if what == "run":
        data = fashion_part(N_TRAIN)
        for seed in SEEDS:
            for arm, (mir, hdr) in ARMS.items():
                path = _path(folder, arm, seed)
                if not path.exists():
                    plan = dataclasses.replace(BASE, seed=seed, mir_weight=mir, hdr_weight=hdr)
                    with atomic_path(path) as temporary:
                        temporary.write_text(json.dumps(outcome(plan, data)))
    found = {
        arm: [json.loads(_path(folder, arm, seed).read_text()) for seed in seeds_done(folder)]
        for arm in ARMS
    }
    print_table(compared(found))


def outcome(plan: TrainingPlan, data: Dataset) -> dict[str, float]:
    """Accuracy, loss, MIR and HDR of both splits at the end of training."""
    run = Run(plan, data)
    while run.epoch < plan.epochs:
        run.train_epoch()
    return {
        f"{split}_{name}": value
        for split, samples in (("train", data.train), ("test", data.test))
        for name, value in measured(run.network, samples).items()
    }


def seeds_done(folder: Path) -> list[int]:
    return [seed for seed in SEEDS if all(_path(folder, arm, seed).exists() for arm in ARMS)]


def _path(folder: Path, arm: str, seed: int) -> Path:
    return folder / f"{arm.replace(', ', '_')}_{seed}.json"


def compared(found: dict[str, list[dict[str, float]]]) -> list[dict[str, object]]:
    """A row an arm: means over the seeds, and the paired difference to the first arm."""
    base = next(iter(found))

    def values(arm: str, name: str) -> np.ndarray:
        return np.array([row[name] for row in found[arm]])

    rows: list[dict[str, object]] = []
    for arm in found:
        row: dict[str, object] = {"terms, weight": arm, "seeds": len(found[arm])}
        for name in ("train_accuracy", "test_accuracy", "test_loss", "test_mir", "test_hdr"):
            row[name.replace("_", " ")] = f"{values(arm, name).mean():.4f}"
        for name in ("test_accuracy", "test_loss"):
            gain = paired_difference(values(base, name), values(arm, name))
            row[f"difference in {name.replace('_', ' ')}"] = "" if arm == base else gain.text()
        rows.append(row)
    return rows


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
