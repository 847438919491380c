"""Does matrix information move before test accuracy? Prints the tables of its page.

    python -m benchmarks.experiments.grokking run FOLDER      5 networks, minutes of one core
    python -m benchmarks.experiments.grokking tables FOLDER   the tables, and the figure

A network that is done is not trained again; one that was stopped starts again.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.experiments.grokking_network import Grokking, train_adder
from benchmarks.experiments.paired import mean_and_interval, print_table
from ibcollapse.report.figures.figure_files import save_figure
from ibcollapse.report.figures.style import BLUE, VERMILION, draw_legend, new_axes, new_figure
from ibcollapse.storage.atomic import atomic_path

SEEDS = (0, 1, 2)
RUNS = (
    *(Grokking(seed=seed) for seed in SEEDS),
    Grokking(shuffled=True),
    Grokking(weight_decay=0.0),
)
MEASURES = ("train_mir", "train_hdr", "test_mir", "test_hdr")
SHARES = (0.1, 0.5)
FITTED = 0.99

History = dict[str, list[float]]


def main(what: str, folder: Path) -> None:
    if what == "run":
        run_all(folder)
    found = {
        run.name: json.loads(path.read_text())
        for run in RUNS
        if (path := folder / f"{run.name}.json").exists()
    }
    print_table([{"run": name, **levels(history)} for name, history in found.items()])
    learned = {name: history for name, history in found.items() if generalises(history)}
    print_table(
        [
            {"run": name} | {moment: f"{step:g}" for moment, step in moments(history).items()}
            for name, history in learned.items()
        ]
    )
    print_table(leads(learned))
    save_figure(draw(found), folder / "grokking.png")


def run_all(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for run in RUNS:
        path = folder / f"{run.name}.json"
        if not path.exists():
            history = train_adder(run)
            with atomic_path(path) as temporary:
                temporary.write_text(json.dumps(history))
            print(path.name, history["test_accuracy"][-1], flush=True)


def generalises(history: History) -> bool:
    return history["test_accuracy"][-1] > 0.5


def fitted_at(history: History) -> int:
    """Index of the first record from which on the training accuracy stays at `FITTED`."""
    below = np.flatnonzero(np.array(history["train_accuracy"]) < FITTED)
    return int(below[-1]) + 1 if len(below) else 0


def change_step(
    steps: NDArray[np.float64], values: NDArray[np.float64], *, start: int, share: float
) -> float:
    """Step from which on the values stay past `share` of the way from `start` to their end.

    Steps of records; nan where there is no way to go.
    """
    way = values[-1] - values[start]
    if way == 0:
        return float("nan")
    short = np.flatnonzero((values[start:] - values[start]) / way < share)
    return float(steps[start + short[-1] + 1])


def levels(history: History) -> dict[str, object]:
    """Where the network stands when it has fitted its training pairs, and at the end."""
    start = fitted_at(history)
    row: dict[str, object] = {"fitted at step": f"{history['step'][start]:g}"}
    for name in ("test_accuracy", *MEASURES):
        row[name.replace("_", " ")] = f"{history[name][start]:.3f} to {history[name][-1]:.3f}"
    return row


def turning_step(steps: NDArray[np.float64], values: NDArray[np.float64], *, start: int) -> float:
    """Step of the largest value from `start` on; nan where that is the last one: no turn."""
    top = start + int(np.argmax(values[start:]))
    return float(steps[top]) if top < len(values) - 1 else float("nan")


def moments(history: History) -> dict[str, float]:
    """Steps at which test accuracy grows, MIR turns and HDR has made half of its way."""
    start, steps = fitted_at(history), np.array(history["step"])
    found = {}
    for share in SHARES:
        found[f"test accuracy, {share:g} of the way"] = change_step(
            steps, np.array(history["test_accuracy"]), start=start, share=share
        )
    for name in MEASURES:
        values, label = np.array(history[name]), name.replace("_", " ")
        if name.endswith("mir"):
            found[f"{label} turns"] = turning_step(steps, values, start=start)
        else:
            found[f"{label}, half of the way"] = change_step(steps, values, start=start, share=0.5)
    return found


def leads(found: dict[str, History]) -> list[dict[str, object]]:
    """Steps from the moment of each measure to those of test accuracy, over the runs."""
    table = [moments(history) for history in found.values()]
    if not table:
        return []
    accuracy, measures = list(table[0])[: len(SHARES)], list(table[0])[len(SHARES) :]
    rows = []
    for measure in measures:
        row: dict[str, object] = {"measure": measure}
        for name in accuracy:
            lead = np.array([entry[name] - entry[measure] for entry in table])
            row[f"steps to {name}"] = mean_and_interval(lead).text("{:+.0f}")
            row["first in" if name == accuracy[0] else "first in "] = (
                f"{np.sum(lead > 0)} of {len(lead)}"
            )
        rows.append(row)
    return rows


def draw(found: dict[str, History]):
    """Accuracy, MIR and HDR along training: addition, shuffled sums, no weight decay."""
    columns = (
        ("p23_decayed_0", "addition, weight decay 1"),
        ("p23_shuffled_0", "shuffled sums, weight decay 1"),
        ("p23_plain_0", "addition, no weight decay"),
    )
    figure = new_figure(9.0, 6.0)
    for column, (name, title) in enumerate(columns):
        if name not in found:
            continue
        history = found[name]
        for row, quantity in enumerate(("accuracy", "mir", "hdr")):
            ax = new_axes(figure, 3, 3, 3 * row + column + 1)
            for split, colour, style in (("train", BLUE, "-"), ("test", VERMILION, "--")):
                ax.plot(
                    history["step"],
                    history[f"{split}_{quantity}"],
                    color=colour,
                    ls=style,
                    label=split,
                )
            ax.axvline(history["step"][fitted_at(history)], color="0.6", lw=0.8, ls=":")
            ax.set_xscale("symlog", linthresh=10)
            ax.set_xlim(0, history["step"][-1])
            ax.set_xticks([0, 10, 100, 1000], ["0", "10", "100", "1000"])
            ax.set_ylim(*limits(found, quantity))
            if row == 0:
                ax.set_title(title, fontsize=10)
            if row == 2:
                ax.set_xlabel("step")
            if column == 0:
                ax.set_ylabel(quantity if row == 0 else quantity.upper())
            if row == column == 0:
                draw_legend(ax, "upper left")
    return figure


def limits(found: dict[str, History], quantity: str) -> tuple[float, float]:
    """Range of a quantity over all runs and splits, with a margin."""
    values = np.concatenate(
        [
            history[f"{split}_{quantity}"]
            for history in found.values()
            for split in ("train", "test")
        ]
    )
    margin = 0.04 * float(values.max() - values.min())
    return float(values.min()) - margin, float(values.max()) + margin


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
