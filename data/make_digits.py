"""Makes the four digits files of this folder: `python data/make_digits.py` (minutes, one core)."""

import dataclasses
import shutil
import sys
import tempfile
from pathlib import Path

from ibcollapse.nn import TrainingPlan, train

HERE = Path(__file__).parent
COMMON = TrainingPlan(
    data="digits",
    network="conv",
    feature_dim=64,
    head_dim=32,
    epochs=300,
    checkpoints=(0, 1, 2, 3, 5, 8, 15, 50, 300),
    learning_rate=0.1,
    weight_decay=1e-3,
    dtype="float16",
)
PLANS = {
    # At a temperature of 0.1 the loss hardly tells the simplex from an orthogonal frame: after 100
    # epochs the mean of |cos + 1/9| over the head's class means is still 0.2; at 0.5 it is 0.004
    # after 50.
    "supcon": dataclasses.replace(COMMON, loss="supcon", temperature=0.5, batch_size=256),
    # Without label smoothing the loss is 0.002 before the class means have turned towards the
    # simplex, and 300 epochs leave the same mean at 0.26.
    "ce": dataclasses.replace(COMMON, loss="cross-entropy", label_smoothing=0.1, batch_size=64),
}


def main() -> None:
    """Train two seeds of each plan, each from the start."""
    for name, plan in PLANS.items():
        for seed, letter in enumerate("ab"):
            target = HERE / f"digits_{name}_{letter}.h5"
            with tempfile.TemporaryDirectory() as folder:
                run = train(
                    dataclasses.replace(plan, seed=seed), Path(folder) / target.name, workers=1
                )
                shutil.move(run.path, target)
            print(f"{target.name}: {target.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
