"""Two small networks' features at three epochs, collapsing as they go."""

import numpy as np

from ibcollapse.coincidence import CoincidenceOptions
from ibcollapse.features import FeatureWriter

FAST = CoincidenceOptions(
    n_bootstrap=20, folds=2, n_points=4, max_rows=30, max_clusters=3, n_resamples=6
)


def write_run(path, seed, *, epochs=(0, 1, 4), metrics=True, train=False):
    rng, y = np.random.default_rng(100), np.arange(90) % 3
    own = np.random.default_rng(seed)
    with FeatureWriter(path) as writer:
        for epoch in epochs:
            for split in ("train", "test") if train else ("test",):
                # Every run draws the same signal, so that networks share it at an epoch.
                rng = np.random.default_rng(epoch)
                signal = (1 + epoch) * np.eye(3, 4)[y] + rng.normal(size=(90, 4))
                x = signal @ own.normal(size=(4, 5)) + 0.3 * own.normal(size=(90, 5))
                writer.append({"head": x}, y, epoch=epoch, split=split)
            if metrics:
                writer.metrics(epoch=epoch, test_accuracy=[0.5, 0.9, 0.95][epochs.index(epoch)])
    return path
