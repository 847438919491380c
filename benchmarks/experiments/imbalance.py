"""Class means of networks trained on unbalanced classes, beside the predicted geometries.

    python -m benchmarks.experiments.imbalance train FOLDER [LOSS]
    python -m benchmarks.experiments.imbalance tables FOLDER [FIGURES]

LOSS: one of the plans in imbalance_plans.py, all when not given; processes may train one each. A
run that was stopped goes on where it was. The tables, shown in docs/experiments/imbalance.md, are
of the runs that are there; FIGURES is a folder for the pictures.
"""

import dataclasses
import math
import sys
from pathlib import Path

import numpy as np

import ibcollapse as ib
from benchmarks.experiments.imbalance_data import balanced_part
from benchmarks.experiments.imbalance_geometry import (
    MEASURES,
    REFERENCES,
    Comparison,
    classifier_grams,
    compare,
    reference_grams,
    views,
)
from benchmarks.experiments.imbalance_plans import ASKED, FASHION, PER_CLASS, PLANS, SEEDS
from ibcollapse.errors import InputError
from ibcollapse.geometry import gram_distance
from ibcollapse.nn import TrainingRecord, train
from ibcollapse.nn.record import read_record

# By loss and imbalance: the runs, and the checkpoints of each run.
Found = dict[tuple[str, str], list[TrainingRecord]]
Along = dict[tuple[str, str], list[list[Comparison]]]

# √(weight decay · feature decay): geometries on the way to SELI that are shown.
PENALTIES = (1e-2, 1e-3, 1e-4, 1e-5)
# Epochs that count as the end of training: the training labels are fitted.
FITTED = 0.99


def main(what: str, folder: Path, rest: list[str]) -> None:
    if what == "train":
        for loss in rest or list(PLANS):
            for seed in SEEDS:
                for kind, ratio in ASKED[loss]:
                    try:
                        run = trained(folder, loss, kind, ratio, seed)
                    except InputError as error:  # The loss of this run became infinite.
                        print(_path(folder, loss, kind, ratio, seed).name, error, flush=True)
                        continue
                    print(run.path.name, run.train_accuracy[-1], run.test_accuracy[-1], flush=True)
        return
    found = finished(folder)
    print_references(found)
    print_penalties(found)
    along = {key: [comparisons(key[0], run) for run in runs] for key, runs in found.items()}
    print_last(found, along)
    print_nearest(along)
    if rest:
        from benchmarks.experiments.imbalance_figure import draw_distances, draw_grams

        draw_distances(along, Path(rest[0]) / "imbalance_distances.png")
        draw_grams(panels(found), Path(rest[0]) / "imbalance_grams.png")


def trained(folder: Path, loss: str, kind: str, ratio: float, seed: int) -> TrainingRecord:
    """The run of one loss, imbalance and seed; made now unless it is there."""
    plan = dataclasses.replace(PLANS[loss], imbalance=kind, imbalance_ratio=ratio, seed=seed)
    if plan.data == FASHION:
        part = balanced_part(folder / f"fashion_{PER_CLASS}.npz", PER_CLASS)
        plan = dataclasses.replace(plan, data=str(part))
    return train(plan, _path(folder, loss, kind, ratio, seed), workers=1)


def _path(folder: Path, loss: str, kind: str, ratio: float, seed: int) -> Path:
    return folder / f"{loss}_{kind}_{ratio:g}_seed{seed}.h5"


def finished(folder: Path) -> Found:
    """The runs that are there, by loss and imbalance."""
    found = {}
    for loss in PLANS:
        for kind, ratio in ASKED[loss]:
            paths = [_path(folder, loss, kind, ratio, seed) for seed in SEEDS]
            found[loss, f"{kind} {ratio:g}"] = [read_record(p) for p in paths if p.exists()]
    return {key: runs for key, runs in found.items() if runs}


def source_at(run: TrainingRecord, epoch: int) -> ib.FeatureSource:
    """The last layer on the training samples at one checkpoint."""
    return ib.open_features(run.path, layer="head", split="train", epoch=epoch)


def comparisons(loss: str, run: TrainingRecord) -> list[Comparison]:
    """Each checkpoint after the initialisation beside the references.

    Ends before the first one at which all class means are one point and have no geometry.
    """
    found = []
    for epoch, accuracy in zip(run.epochs, run.train_accuracy, strict=True):
        if epoch == 0:
            continue
        source = source_at(run, int(epoch))
        try:
            report = ib.collapse_geometry(source)
        except InputError:
            break
        ridge = ridge_of(loss, int(report.counts.sum()))
        found.append(
            compare(
                int(epoch),
                report,
                reference_grams(report.counts, PLANS["supcon"].temperature, ridge),
                float(accuracy),
                weight=None if source.classifier is None else source.classifier.weight,
                classifiers=classifier_grams(report.counts, ridge),
            )
        )
    return found


def ridge_of(loss: str, n_samples: int) -> float | None:
    """Penalty of the theory's problem that a plan solves; None when it solves another."""
    plan = PLANS[loss]
    if not plan.feature_decay:
        return None
    return math.sqrt(plan.weight_decay * plan.feature_decay / n_samples)


def print_references(found: Found) -> None:
    """Distances between the predictions: what there is to tell apart."""
    print("\n| imbalance | counts | measure | SC to ETF | SELI to ETF | SC to SELI |")
    print("|---|---|---|---|---|---|")
    for kind, run in {kind: runs[0] for (_, kind), runs in found.items()}.items():
        counts = ib.collapse_geometry(source_at(run, int(run.epochs[0]))).counts
        grams = reference_grams(counts, PLANS["supcon"].temperature)
        seen = {name: views(gram) for name, gram in grams.items()}
        for measure in MEASURES:
            pairs = (("SC", "ETF"), ("SELI", "ETF"), ("SC", "SELI"))
            cells = [f"{gram_distance(seen[a][measure], seen[b][measure]):.3f}" for a, b in pairs]
            shown = " ".join(str(count) for count in counts)
            print(f"| {kind} | {shown} | {measure} | " + " | ".join(cells) + " |")


def print_penalties(found: Found) -> None:
    """Where the penalised optimum lies between SELI and the ETF."""
    print("\n| imbalance | measure | penalty | to SELI | to ETF |\n|---|---|---|---|---|")
    for (loss, kind), runs in found.items():
        if loss != "ce-penalised":
            continue
        counts = ib.collapse_geometry(source_at(runs[0], int(runs[0].epochs[0]))).counts
        for penalty in PENALTIES:
            ridge = penalty / math.sqrt(counts.sum())
            grams = reference_grams(counts, PLANS["supcon"].temperature, ridge)
            seen = {name: views(gram) for name, gram in grams.items()}
            for measure in ("cosines", "lengths"):
                cells = [
                    f"{gram_distance(seen['ridge'][measure], seen[name][measure]):.3f}"
                    for name in ("SELI", "ETF")
                ]
                print(f"| {kind} | {measure} | {penalty:g} | " + " | ".join(cells) + " |")


def print_last(found: Found, along: Along) -> None:
    """Where each run ends: collapse, accuracies, and its distances to the predictions."""
    print("\n| run | NC1 | directions | train, test accuracy | measure | ", end="")
    print(" | ".join(REFERENCES) + " | nearest |")
    print("|---|---|---|---|---|" + "---|" * (len(REFERENCES) + 1))
    for (loss, kind), runs in found.items():
        ends = list(zip(runs, along[loss, kind], strict=True))
        runs, last = _arrived(ends)
        if len(runs) < len(ends):
            print(f"| {loss}, {kind}: class means one point in {len(ends) - len(runs)} |")
        if not runs:
            continue
        nc1 = ", ".join(f"{one.nc1:.2g}" for one in last)
        directions = ", ".join(str(one.directions) for one in last)
        accuracy = "; ".join(
            f"{run.train_accuracy[-1]:.3f}, {run.test_accuracy[-1]:.3f}" for run in runs
        )
        for measure in last[0].distance:
            cells = [
                ", ".join(f"{one.distance[measure][name]:.3f}" for one in last)
                if name in last[0].distance[measure]
                else "–"
                for name in REFERENCES
            ]
            nearest = ", ".join(one.nearest(measure) for one in last)
            row = [f"{loss}, {kind}", nc1, directions, accuracy, measure, *cells, nearest]
            print("| " + " | ".join(row) + " |")


def _arrived(
    ends: list[tuple[TrainingRecord, list[Comparison]]],
) -> tuple[list[TrainingRecord], list[Comparison]]:
    """The runs with a geometry at their last checkpoint, and that checkpoint."""
    kept = [(run, found[-1]) for run, found in ends if found and found[-1].epoch == run.epochs[-1]]
    return [run for run, _ in kept], [one for _, one in kept]


def print_nearest(along: Along) -> None:
    """At how many checkpoints, seeds together, each prediction is the nearest."""
    print("\n| run | measure | checkpoints | nearest | once fitted | nearest |")
    print("|---|---|---|---|---|---|")
    for (loss, kind), seeds in along.items():
        every = [one for checkpoints in seeds for one in checkpoints]
        fitted = [one for one in every if one.accuracy >= FITTED]
        for measure in every[0].distance if every else ():
            cells = [f"{len(part)} | {_tally(part, measure)}" for part in (every, fitted)]
            print(f"| {loss}, {kind} | {measure} | " + " | ".join(cells) + " |")


def _tally(found: list[Comparison], measure: str) -> str:
    names = [one.nearest(measure) for one in found]
    return ", ".join(f"{name} {names.count(name)}" for name in dict.fromkeys(sorted(names)))


def panels(found: Found) -> dict[str, np.ndarray]:
    """Class means of seed 0, step 10, at the end and as predicted: cosines, then with lengths."""
    shown = {}
    for loss, measure, names in (
        ("supcon", "cosines", ("SC",)),
        ("ce-penalised", "lengths", ("ridge", "SELI", "ETF")),
    ):
        run = found[loss, "step 10"][0]
        report = ib.collapse_geometry(source_at(run, int(run.epochs[-1])))
        ridge = ridge_of(loss, int(report.counts.sum()))
        grams = reference_grams(report.counts, PLANS["supcon"].temperature, ridge)
        for name, gram in {"trained": report.origin_gram, **{n: grams[n] for n in names}}.items():
            seen = views(gram)[measure]
            shown[f"{loss}: {name}"] = seen / np.diag(seen).max()
    return shown


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
