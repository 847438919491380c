"""Steps until networks fit noisy labels, by loss, and how they grow with the noise.

    python -m benchmarks.experiments.label_noise train FOLDER [LOSS [SEED]]
    python -m benchmarks.experiments.label_noise tables FOLDER [FIGURES]

LOSS: supcon or ce, both when not given, with all seeds unless one is named; processes may share the
work that way. A run that was stopped goes on where it was. The tables, shown in
docs/experiments/label_noise.md, are of the seeds whose runs are all there; FIGURES is a folder for
the picture.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from benchmarks.experiments.imbalance_data import balanced_part
from benchmarks.experiments.label_noise_growth import Growth, measure_growth, verdict
from ibcollapse.nn import TrainingPlan, TrainingRecord, train
from ibcollapse.nn.record import read_record

PER_CLASS = 50
NOISE = (0.0, 0.2, 0.4, 0.6, 0.8)
SEEDS = (0, 1, 2)
# One optimiser for both losses: what differs between their rows is the loss.
COMMON = TrainingPlan(
    network="mlp",
    epochs=1000,
    checkpoints=(0,),
    batch_size=64,
    learning_rate=0.05,
    weight_decay=1e-4,
    schedule="constant",
    fit_every=10,
    stop_at_fit=True,
    dtype="float16",
)
PLANS = {
    "supcon": dataclasses.replace(COMMON, loss="supcon", temperature=0.2),
    "ce": dataclasses.replace(COMMON, loss="cross-entropy"),
}
# By loss and noise, where the epochs above left labels unfitted. The rate is constant, so the count
# of a run that fits does not depend on how long it might have gone on.
LONGER = {("supcon", 0.8): 4000}


def main(what: str, folder: Path, rest: list[str]) -> None:
    if what == "train":
        for loss in rest[:1] or list(PLANS):
            for seed in map(int, rest[1:] or SEEDS):
                for noise in NOISE:
                    run = fitted(folder, loss, noise, seed)
                    print(run.path.name, run.steps_to_fit, flush=True)
        return
    found = {loss: steps_to_fit(folder, loss) for loss in PLANS}
    found = {loss: steps for loss, steps in found.items() if steps.size}
    print_steps(found)
    print_growth(found)
    if rest:
        from benchmarks.experiments.label_noise_figure import draw_steps

        draw_steps(np.array(NOISE), found, Path(rest[0]) / "label_noise.png")


def epochs_of(loss: str, noise: float) -> int:
    """Epochs after which a run gives up."""
    return LONGER.get((loss, noise), COMMON.epochs)


def last_step(loss: str, noise: float) -> int:
    """Steps of a run that never fits: each epoch leaves out the rest smaller than a batch."""
    return epochs_of(loss, noise) * (10 * PER_CLASS // COMMON.batch_size)


def fitted(folder: Path, loss: str, noise: float, seed: int) -> TrainingRecord:
    """The run of one loss, noise level and seed; made now unless it is there."""
    plan = dataclasses.replace(
        PLANS[loss],
        data=str(balanced_part(folder / f"fashion_{PER_CLASS}.npz", PER_CLASS)),
        label_noise=noise,
        epochs=epochs_of(loss, noise),
        seed=seed,
        data_seed=seed,
    )
    return train(plan, _path(folder, loss, noise, seed), workers=1)


def _path(folder: Path, loss: str, noise: float, seed: int) -> Path:
    return folder / f"noise_{loss}_{noise:g}_seed{seed}.h5"


def steps_to_fit(folder: Path, loss: str) -> np.ndarray:
    """Steps to fit, float64 (n_levels, n_seeds), of seeds with every level; NaN: never fitted."""
    paths = [[_path(folder, loss, noise, seed) for noise in NOISE] for seed in SEEDS]
    complete = [levels for levels in paths if all(path.exists() for path in levels)]
    steps = [[read_record(path).steps_to_fit or np.nan for path in levels] for levels in complete]
    return np.array(steps, dtype=np.float64).reshape(-1, len(NOISE)).T


def print_steps(found: dict[str, np.ndarray]) -> None:
    print("\n| labels changed | " + " | ".join(f"{loss}: steps to fit" for loss in found) + " |")
    print("|---|" + "---|" * len(found))
    for i, noise in enumerate(NOISE):
        cells = [", ".join(f"{value:g}" for value in steps[i]) for steps in found.values()]
        print(f"| {noise:g} | " + " | ".join(cells) + " |")


def print_growth(found: dict[str, np.ndarray]) -> None:
    print("\n| loss | levels | exponent p | slope ratio | power q | relative slope | reading |")
    print("|---|---|---|---|---|---|---|")
    for loss, steps in found.items():
        fitted_levels = np.isfinite(steps).all(axis=1)
        _print_row(loss, np.array(NOISE)[fitted_levels], steps[fitted_levels])
        if not fitted_levels.all():
            # Steeper at the end is larger in every figure, so these are lower bounds.
            given_up = np.array([[last_step(loss, noise)] for noise in NOISE])
            least = np.where(np.isfinite(steps), steps, given_up)
            _print_row(f"{loss}, at least", np.array(NOISE), least)


def _print_row(name: str, noise: np.ndarray, steps: np.ndarray) -> None:
    growth = measure_growth(noise, steps, n_draws=1000, generator=np.random.default_rng(0))
    cells = [
        "{:.2f} [{:.2f}, {:.2f}]".format(*getattr(growth, field.name))
        for field in dataclasses.fields(Growth)
    ]
    print(f"| {name} | 0 to {noise[-1]:g} | " + " | ".join([*cells, verdict(growth)]) + " |")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
