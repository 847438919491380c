"""Does matrix information move before test accuracy? Prints the tables of its page.

    python -m benchmarks.experiments.grokking run FOLDER      7 networks, minutes of one core
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
from ibcollapse.atomic import atomic_path
from ibcollapse.report.figures.figure_files import save_figure
from ibcollapse.report.figures.style import BLUE, VERMILION, draw_legend, new_axes, new_figure

SEEDS = (0, 1, 2, 3)
RUNS = (
    *(Grokking(seed=seed) for seed in SEEDS),
    Grokking(shuffled=True),
    Grokking(weight_decay=0.0),
    Grokking(p=31, share=0.5),
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
    print_table([{"run": name, **changes(history)} for name, history in learned.items()])
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
    return history["test_accuracy"][-1] > 0.9


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


def changes(history: History) -> dict[str, object]:
    """Steps at which a tenth and a half of the change after fitting are passed for good."""
    start, steps = fitted_at(history), np.array(history["step"])
    row: dict[str, object] = {}
    for name in ("test_accuracy", *MEASURES):
        passed = [
            change_step(steps, np.array(history[name]), start=start, share=share)
            for share in SHARES
        ]
        row[name.replace("_", " ")] = ", ".join(f"{step:g}" for step in passed)
    return row


def leads(found: dict[str, History]) -> list[dict[str, object]]:
    """Steps by which each measure passes its share before test accuracy does, over the runs."""
    rows = []
    for p in sorted({name.split("_")[0] for name in found}):
        histories = [history for name, history in found.items() if name.startswith(f"{p}_")]
        for name in MEASURES:
            row: dict[str, object] = {"modulus": p, "measure": name.replace("_", " ")}
            for share in SHARES:
                lead = [_step(h, "test_accuracy", share) - _step(h, name, share) for h in histories]
                row[f"lead at {share:g}"] = mean_and_interval(np.array(lead)).text("{:+.0f}")
                row[f"earlier at {share:g}"] = f"{sum(x > 0 for x in lead)} of {len(lead)}"
            rows.append(row)
    return rows


def _step(history: History, name: str, share: float) -> float:
    return change_step(
        np.array(history["step"]), np.array(history[name]), start=fitted_at(history), share=share
    )


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
            ax.set_ylim(
                *{"accuracy": (-0.03, 1.03), "mir": (0.5, 1.02), "hdr": (0.0, 0.5)}[quantity]
            )
            if row == 0:
                ax.set_title(title)
            if row == 2:
                ax.set_xlabel("step")
            if column == 0:
                ax.set_ylabel(quantity if row == 0 else quantity.upper())
            if row == column == 0:
                draw_legend(ax, "upper left")
    return figure


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
