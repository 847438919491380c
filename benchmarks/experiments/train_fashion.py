"""Trains pairs of networks on Fashion-MNIST, for `coincidence.py` to read.

    python -m benchmarks.experiments.train_fashion FOLDER [--part] [--loss supcon|ce] [--runs N]

Two seeds of each loss, N runs at a time with one thread each. All 60 000 training and 10 000 test
images, 12 epochs, short of collapse: about 20 minutes of core time for the four networks. With
--part the first 1000 and 2000 images, 400 epochs, by which the training split has collapsed: ten
minutes. A run that was stopped goes on where it was.

The images are folded: each 2 x 2 block of pixels becomes four channels, so that the first
convolution is one of 6 x 6 pixels with stride 2 on the 28 x 28 image. No pixel is lost, and an
epoch takes a quarter of the time.
"""

import argparse
import dataclasses
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ibcollapse.nn import TrainingPlan, TrainingRecord, train
from ibcollapse.nn.datasets import Dataset, load_dataset

N_TRAIN, N_TEST = 1000, 2000
COMMON = TrainingPlan(
    network="resnet",
    feature_dim=64,
    head_dim=32,
    epochs=12,
    checkpoints=(0, 1, 2, 4, 6, 9, 12),
    learning_rate=0.1,
    batch_size=256,
    dtype="float16",
)
# The temperature and the smoothing of the digits files, for the reasons given in data/.
WHOLE = {
    "supcon": dataclasses.replace(COMMON, loss="supcon", temperature=0.5),
    "ce": dataclasses.replace(COMMON, loss="cross-entropy", label_smoothing=0.1),
}
# 2 800 steps of the whole set, 6 300 of the part.
PART = {
    name: dataclasses.replace(
        plan, batch_size=64, epochs=400, checkpoints=(0, 1, 3, 8, 20, 60, 150, 400)
    )
    for name, plan in WHOLE.items()
}


def main() -> None:
    options = _options()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    stem = "fashion_part" if options.part else "fashion"
    data = folder / f"{stem}_images.npz"
    if not data.exists():
        write_images(load_dataset("fashion-mnist"), data, part=options.part)
    plans = PART if options.part else WHOLE
    runs = [
        (dataclasses.replace(plans[name], data=str(data), seed=seed), folder / f"{stem}_{name}_{x}")
        for name in options.loss or plans
        for seed, x in enumerate("ab")
    ]
    # A fresh process each: torch must not be forked once it has started its threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.runs, mp_context=context) as pool:
        for record in pool.map(_train, *zip(*runs, strict=True)):
            print(record.path.name, record.train_accuracy[-1], record.test_accuracy[-1])


def write_images(data: Dataset, path: Path, *, part: bool) -> None:
    """Folded images as bytes, and labels."""
    arrays = {}
    for name, samples, size in (("train", data.train, N_TRAIN), ("test", data.test, N_TEST)):
        kept = slice(size if part else None)
        pixels = (samples.inputs[kept, 0].numpy() * 255).round().astype(np.uint8)
        arrays[f"x_{name}"] = fold(pixels)
        arrays[f"y_{name}"] = samples.labels[kept].numpy()
    np.savez_compressed(path, **arrays)


def fold(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (n, 28, 28) as (n, 4, 14, 14): channel 2 i + j holds the pixels (2 r + i, 2 c + j)."""
    n, height, width = pixels.shape
    blocks = pixels.reshape(n, height // 2, 2, width // 2, 2)
    return blocks.transpose(0, 2, 4, 1, 3).reshape(n, 4, height // 2, width // 2)


def _train(plan: TrainingPlan, path: Path) -> TrainingRecord:
    return train(plan, path.with_suffix(".h5"), workers=1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", action="store_true")
    parser.add_argument("--loss", action="append", choices=list(PART))
    parser.add_argument("--runs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
