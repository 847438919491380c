"""MIR and HDR along training, smoothing, pruning and mixing; prints the tables of its page.

    python -m benchmarks.experiments.matrix_information run FOLDER      minutes of one core
    python -m benchmarks.experiments.matrix_information tables FOLDER   the tables and the figure

What is done is not done again: networks go on from their last recorded epoch. The terms as losses:
`matrix_information_losses`.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import ibcollapse as ib
from benchmarks.experiments import matrix_information_networks as networks
from benchmarks.experiments.matrix_information_figure import draw
from benchmarks.experiments.matrix_information_networks import (
    PLAN,
    RECORDED,
    barrier,
    measured,
    mixed,
    pruned,
    smoothed,
    trained,
    weights_at,
)
from benchmarks.experiments.paired import print_table
from ibcollapse.nn.datasets import Dataset
from ibcollapse.nn.run import Run
from ibcollapse.report.figures.figure_files import save_figure
from ibcollapse.storage.atomic import atomic_path

DATA = Path(__file__).parents[2] / "data"
SEEDS = (0, 1, 2)
SMOOTHING = (0.0, 0.1, 0.3)
FRACTIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SHARES = tuple(np.linspace(0, 1, 11).round(2).tolist())
# Epochs that two networks share before their batches are drawn apart.
SHARED = (0, 8)

Rows = list[dict[str, float | str]]


def main(what: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    found: dict[str, Rows] = {}
    for name, measure in (
        ("digits", digits),
        ("training", along_training),
        ("smoothing", under_smoothing),
        ("pruning", under_pruning),
        ("mixing", along_mixtures),
    ):
        path = folder / f"{name}.json"
        if what == "run" and not path.exists():
            keep(path, measure, folder)
        if path.exists():
            found[name] = json.loads(path.read_text())
            print_table(shown(name, found[name]))
    save_figure(draw(found), folder / "matrix_information.png")


def keep(path: Path, measure: Callable[[Path], Rows], folder: Path) -> None:
    rows = measure(folder)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(rows))


def digits(_folder: Path) -> Rows:
    """Every checkpoint of the shipped files: the head against the class means, or the rows."""
    rows: Rows = []
    for loss in ("ce", "supcon"):
        path = DATA / f"digits_{loss}_a.h5"
        for epoch in (0, 1, 2, 3, 5, 8, 15, 50, 300):
            for split in ("train", "test"):
                source = ib.open_features(path, layer="head", epoch=epoch, split=split)
                null = 5 if epoch in (0, 300) else 0
                found = ib.matrix_information(source, n_permutations=null)
                means = ib.matrix_information(source, against="class means", n_permutations=0)
                rows.append(
                    {
                        "network": loss,
                        "epoch": epoch,
                        "split": split,
                        "mir": found.mir,
                        "hdr": found.hdr,
                        "null": found.null_mean,
                        "means_mir": means.mir,
                        "means_hdr": means.hdr,
                    }
                )
    return rows


def along_training(folder: Path) -> Rows:
    data = networks.fashion_part()
    rows: Rows = []
    for loss in ("cross-entropy", "supcon"):
        for seed in SEEDS:
            plan = dataclasses.replace(PLAN, loss=loss, seed=seed)
            place = folder / f"{loss}_{seed}"
            network = trained(plan, data, place)
            for epoch in RECORDED:
                network.load_state_dict(weights_at(place, epoch))
                null = 5 if epoch in (0, RECORDED[-1]) else 0
                for split, samples in (("train", data.train), ("test", data.test)):
                    found = measured(network, samples, null=null)
                    rows.append(
                        {"network": loss, "seed": seed, "epoch": epoch, "split": split, **found}
                    )
    return rows


def under_smoothing(folder: Path) -> Rows:
    data = networks.fashion_part()
    rows: Rows = []
    for amount in SMOOTHING:
        for seed in SEEDS:
            place = folder / (f"smooth{amount}_{seed}" if amount else f"cross-entropy_{seed}")
            network = trained(smoothed(amount, seed), data, place)
            for split, samples in (("train", data.train), ("test", data.test)):
                found = measured(network, samples)
                rows.append({"smoothing": amount, "seed": seed, "split": split, **found})
    return rows


def under_pruning(folder: Path) -> Rows:
    data = networks.fashion_part()
    rows: Rows = []
    for seed in SEEDS:
        network = trained(smoothed(0.0, seed), data, folder / f"cross-entropy_{seed}")
        for fraction in FRACTIONS:
            sparse = pruned(network, fraction)
            found = measured(sparse, data.test)
            rows.append({"pruned": fraction, "seed": seed, "split": "test", **found})
    return rows


def along_mixtures(folder: Path) -> Rows:
    """Between networks that share their first epochs, or nothing."""
    data = networks.fashion_part()
    network = Run(PLAN, data).network
    rows: Rows = []
    for seed in SEEDS:
        last = weights_at(folder / f"cross-entropy_{seed}", PLAN.epochs)
        for name, other in partners(folder, data, seed).items():
            for share in SHARES:
                found = measured(mixed(network, last, other, share), data.test)
                rows.append(
                    {"partner": name, "seed": seed, "share": share, "split": "test", **found}
                )
    return rows


def partners(folder: Path, data: Dataset, seed: int) -> dict[str, networks.Weights]:
    """Last weights of the networks to mix with that of `seed`, by what they share with it."""
    found = {}
    for epoch in SHARED:
        start = weights_at(folder / f"cross-entropy_{seed}", epoch)
        # Another seed draws other batches; its own initial weights are replaced.
        place = folder / f"shared{epoch}_{seed}"
        plan = dataclasses.replace(PLAN, seed=100 + seed)
        network = trained(plan, data, place, start=start, from_epoch=epoch)
        found[f"same start, {epoch} epochs shared"] = network.state_dict()
    # None of SEEDS, so that no network is an end of two paths.
    stranger = trained(smoothed(0.0, 10 + seed), data, folder / f"stranger_{seed}")
    found["another start"] = stranger.state_dict()
    return found


def shown(name: str, rows: Rows) -> list[dict[str, object]]:
    """Rows of the printed table: mean over the seeds of each setting, and least to most."""
    if name == "mixing":
        return mixing_table(rows)
    measures = ("accuracy", "mir", "hdr", "null", "means_mir", "means_hdr")
    settings = [key for key in rows[0] if key not in (*measures, "loss", "seed")]
    table: dict[tuple[object, ...], list[dict[str, float | str]]] = {}
    for row in rows:
        table.setdefault(tuple(row[key] for key in settings), []).append(row)
    return [
        dict(zip(settings, values, strict=True))
        | {
            measure: _over_seeds([float(row[measure]) for row in group if measure in row], "{:.4f}")
            for measure in measures
            if any(measure in row for row in rows)
        }
        for values, group in table.items()
    ]


def mixing_table(rows: Rows) -> list[dict[str, object]]:
    """A row a partner and split: mean over the seeds, and least to most."""
    table: list[dict[str, object]] = []
    for partner in dict.fromkeys(row["partner"] for row in rows):
        for split in dict.fromkeys(row["split"] for row in rows):
            chosen = [row for row in rows if row["partner"] == partner and row["split"] == split]
            paths = [
                {
                    key: np.array([float(row[key]) for row in chosen if row["seed"] == seed])
                    for key in ("accuracy", "mir", "hdr")
                }
                for seed in dict.fromkeys(row["seed"] for row in chosen)
            ]
            entry: dict[str, object] = {"partner": partner, "split": split}
            for key in ("accuracy", "mir", "hdr"):
                ends = np.mean([(path[key][0], path[key][-1]) for path in paths], axis=0)
                entry[f"{key}: ends"] = "{:.3f}, {:.3f}".format(*ends)
                middle = [float(path[key][len(path[key]) // 2]) for path in paths]
                entry[f"{key}: middle"] = _over_seeds(middle, "{:.3f}")
            barriers = [barrier(path["accuracy"]) for path in paths]
            entry["barrier"] = _over_seeds(barriers, "{:.3f}")
            for key in ("mir", "hdr"):
                entry[f"correlation of accuracy with {key}"] = ", ".join(
                    _correlation(path["accuracy"], path[key]) for path in paths
                )
            table.append(entry)
    return table


def _correlation(first: np.ndarray, second: np.ndarray) -> str:
    if not (np.ptp(first) and np.ptp(second)):  # A constant has none.
        return "–"
    return f"{np.corrcoef(first, second)[0, 1]:+.2f}"


def _over_seeds(values: list[float], number: str) -> str:
    """Mean of `values` and, of several, least to most; empty for none."""
    if not values:
        return ""
    mean = number.format(np.mean(values))
    if len(values) == 1:
        return mean
    return f"{mean} ({number.format(min(values))} to {number.format(max(values))})"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
