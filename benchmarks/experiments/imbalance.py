"""Class means of networks trained on unbalanced classes, beside the predicted geometries.

    python -m benchmarks.experiments.imbalance train FOLDER [LOSS]
    python -m benchmarks.experiments.imbalance tables FOLDER [FIGURES]

LOSS: supcon or ce, both when not given; two processes may train one each. A run that was stopped
goes on where it was. FIGURES: folder for the pictures. The tables and pictures are those of
docs/experiments/imbalance.md.
"""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import ibcollapse as ib
from benchmarks.experiments.imbalance_data import balanced_part
from benchmarks.experiments.imbalance_geometry import (
    MEASURES,
    Comparison,
    compare,
    reference_grams,
    views,
)
from ibcollapse.geometry import gram_distance
from ibcollapse.nn import TrainingPlan, TrainingRecord, train

PER_CLASS = 100
SEEDS = (0, 1)
# (kind, largest over smallest class); at 50 the smallest class keeps two samples, the fewest that a
# contrastive loss can use.
IMBALANCES = (("step", 10.0), ("step", 50.0), ("long-tail", 10.0), ("long-tail", 50.0))
# The learning rate stays: where it fell, the class means stopped turning before they arrived.
COMMON = TrainingPlan(
    network="mlp",
    epochs=600,
    checkpoints=(0, 10, 30, 100, 200, 300, 400, 500, 600),
    weight_decay=1e-4,
    schedule="constant",
    dtype="float32",
)
PLANS = {
    # At a temperature of 0.5 this network merges small classes and stays there.
    "supcon": dataclasses.replace(
        COMMON,
        loss="supcon",
        temperature=0.2,
        batch_size=128,
        learning_rate=0.05,
    ),
    "ce": dataclasses.replace(
        COMMON,
        loss="cross-entropy",
        batch_size=64,
        learning_rate=0.1,
    ),
}
# Epochs that count as the end of training: the training labels are fitted.
FITTED = 0.99


def main(what: str, folder: Path, rest: list[str]) -> None:
    if what == "train":
        for loss in rest or list(PLANS):
            for seed in SEEDS:
                for kind, ratio in IMBALANCES:
                    run = trained(folder, loss, kind, ratio, seed)
                    print(run.path.name, run.train_accuracy[-1], run.test_accuracy[-1], flush=True)
        return
    print_references(folder)
    print_last(folder)
    print_nearest(folder)
    if rest:
        from benchmarks.experiments.imbalance_figure import draw_distances, draw_grams

        figures = Path(rest[0])
        draw_grams(panels(folder), figures / "imbalance_grams.png")
        along = {
            (loss, f"{kind} {ratio:g}"): [
                comparisons(trained(folder, loss, kind, ratio, seed)) for seed in SEEDS
            ]
            for loss in PLANS
            for kind, ratio in IMBALANCES
        }
        draw_distances(along, "centred", figures / "imbalance_distances.png")


def trained(folder: Path, loss: str, kind: str, ratio: float, seed: int) -> TrainingRecord:
    """The run of one loss, imbalance and seed; made now unless it is there."""
    plan = dataclasses.replace(
        PLANS[loss],
        data=str(balanced_part(folder / f"fashion_{PER_CLASS}.npz", PER_CLASS)),
        imbalance=kind,
        imbalance_ratio=ratio,
        seed=seed,
    )
    return train(plan, folder / f"{loss}_{kind}_{ratio:g}_seed{seed}.h5", workers=1)


def report_at(run: TrainingRecord, epoch: int) -> ib.GeometryReport:
    """Geometry of the last layer on the training samples at one checkpoint."""
    return ib.collapse_geometry(
        ib.open_features(run.path, layer="head", split="train", epoch=epoch)
    )


def comparisons(run: TrainingRecord) -> list[Comparison]:
    """Each checkpoint after the initialisation beside the references."""
    found = []
    for epoch, accuracy in zip(run.epochs[1:], run.train_accuracy[1:], strict=True):
        report = report_at(run, int(epoch))
        references = reference_grams(report.counts, PLANS["supcon"].temperature)
        found.append(compare(int(epoch), report, references, float(accuracy)))
    return found


def print_references(folder: Path) -> None:
    """Distances between the predictions: what there is to tell apart."""
    print("\n| imbalance | counts | measure | SC to ETF | SELI to ETF | SC to SELI |")
    print("|---|---|---|---|---|---|")
    for kind, ratio in IMBALANCES:
        counts = report_at(trained(folder, "ce", kind, ratio, SEEDS[0]), 0).counts
        grams = reference_grams(counts, PLANS["supcon"].temperature)
        seen = {name: views(gram) for name, gram in grams.items()}
        for measure in MEASURES:
            pairs = (("SC", "ETF"), ("SELI", "ETF"), ("SC", "SELI"))
            cells = [f"{gram_distance(seen[a][measure], seen[b][measure]):.3f}" for a, b in pairs]
            shown = " ".join(str(count) for count in counts)
            print(f"| {kind} {ratio:g} | {shown} | {measure} | " + " | ".join(cells) + " |")


def all_runs(folder: Path) -> Iterator[tuple[str, list[TrainingRecord]]]:
    for loss in PLANS:
        for kind, ratio in IMBALANCES:
            runs = [trained(folder, loss, kind, ratio, seed) for seed in SEEDS]
            yield f"{loss}, {kind} {ratio:g}", runs


def print_last(folder: Path) -> None:
    """Where each run ends: collapse, accuracies, and its distances to the predictions."""
    print("\n| run | NC1 | test accuracy | measure | SC | SELI | ETF | orthogonal | nearest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, runs in all_runs(folder):
        last = [comparisons(run)[-1] for run in runs]
        nc1 = ", ".join(f"{one.nc1:.2g}" for one in last)
        test = ", ".join(f"{run.test_accuracy[-1]:.3f}" for run in runs)
        for measure in MEASURES:
            cells = [
                ", ".join(f"{one.distance[measure].get(reference, np.nan):.3f}" for one in last)
                for reference in ("SC", "SELI", "ETF", "orthogonal")
            ]
            nearest = ", ".join(one.nearest(measure) for one in last)
            row = [name, nc1, test, measure, *cells, nearest]
            print("| " + " | ".join(row).replace("nan, nan", "–") + " |")


def print_nearest(folder: Path) -> None:
    """At how many checkpoints, seeds together, each prediction is the nearest."""
    print("\n| run | measure | checkpoints | nearest | once fitted | nearest |")
    print("|---|---|---|---|---|---|")
    for name, runs in all_runs(folder):
        found = [one for run in runs for one in comparisons(run)]
        fitted = [one for one in found if one.accuracy >= FITTED]
        for measure in MEASURES:
            cells = [f"{len(part)} | {_tally(part, measure)}" for part in (found, fitted)]
            print(f"| {name} | {measure} | " + " | ".join(cells) + " |")


def _tally(found: list[Comparison], measure: str) -> str:
    names = [one.nearest(measure) for one in found]
    return ", ".join(f"{name} {names.count(name)}" for name in dict.fromkeys(sorted(names)))


def panels(folder: Path) -> dict[str, np.ndarray]:
    """Cosines of the class means at the end of one seed, and those predicted, step 10."""
    kind, ratio = IMBALANCES[0]
    found = {}
    for loss in PLANS:
        run = trained(folder, loss, kind, ratio, SEEDS[0])
        report = report_at(run, int(run.epochs[-1]))
        found[f"trained: {loss}"] = views(report.origin_gram)["cosines"]
    references = reference_grams(report.counts, PLANS["supcon"].temperature)
    for name in ("SC", "SELI", "ETF"):
        found[f"predicted: {name}"] = views(references[name])["cosines"]
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
