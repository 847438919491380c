"""Trains two pairs of networks on part of Fashion-MNIST, for `coincidence.py` to read.

    python benchmarks/experiments/train_fashion.py FOLDER [LOSS]

LOSS: supcon or ce, both when not given. The first 6000 training and 4000 test images, a small
residual network, two seeds of each loss; about 20 minutes of one core for all four. A run that was
stopped goes on where it was.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from ibcollapse.nn import TrainingPlan, train
from ibcollapse.nn.datasets import Dataset, load_dataset

N_TRAIN, N_TEST = 6000, 4000
COMMON = TrainingPlan(
    network="resnet",
    feature_dim=64,
    head_dim=32,
    epochs=36,
    checkpoints=(0, 1, 2, 3, 5, 8, 12, 18, 24, 36),
    learning_rate=0.05,
    dtype="float16",
)
# The temperature and the smoothing of the digits files, for the reasons given in data/.
PLANS = {
    "supcon": dataclasses.replace(COMMON, loss="supcon", temperature=0.5, batch_size=128),
    "ce": dataclasses.replace(COMMON, loss="cross-entropy", label_smoothing=0.1, batch_size=64),
}


def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "fashion_part.npz"
    if not part.exists():
        write_part(load_dataset("fashion-mnist"), part)
    for name in wanted:
        for seed, letter in enumerate("ab"):
            plan = dataclasses.replace(PLANS[name], data=str(part), seed=seed)
            run = train(plan, folder / f"fashion_{name}_{letter}.h5", workers=1)
            print(run.path.name, run.train_accuracy[-1], run.test_accuracy[-1], flush=True)


def write_part(data: Dataset, path: Path) -> None:
    arrays = {}
    for name, samples, size in (("train", data.train, N_TRAIN), ("test", data.test, N_TEST)):
        pixels = samples.inputs[:size, 0].numpy() * 255
        arrays[f"x_{name}"] = pixels.round().astype(np.uint8)
        arrays[f"y_{name}"] = samples.labels[:size].numpy()
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(PLANS))
