"""Prints the tables of docs/coincidence.md from trajectories that `ibcollapse dynamics` wrote.

    python -m benchmarks.experiments.coincidence digits FOLDER     minutes, on the shipped files
    python -m benchmarks.experiments.coincidence train FOLDER      the collapsed training splits
    python -m benchmarks.experiments.coincidence fashion FOLDER    on the files of train_fashion.py
    python -m benchmarks.experiments.coincidence part FOLDER       on those of its --part, collapsed
    python -m benchmarks.experiments.coincidence tables FOLDER     tables of all that is there

A run goes on where it was stopped; its pictures and results lie in FOLDER/<run>/.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

import ibcollapse as ib
from benchmarks.experiments.paired import print_table
from ibcollapse.coincidence import CoincidenceReport, LabelBottleneck, PairProxy, overlap
from ibcollapse.trajectory import BOTTLENECKS, Trajectory

DATA = Path(__file__).parents[2] / "data"
BETAS = (1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 3.0)
DIGITS = [(f"digits_{loss}", layer) for loss in ("supcon", "ce") for layer in ("encoder", "head")]
# Fashion-MNIST classes overlap, which makes the exact curve the slow part: fewer points.
ROWS = ("--max-rows", "256")
EPOCHS_OF_PART = 400


def main(what: str, folder: Path) -> None:
    if what == "digits":
        for name, layer in DIGITS:
            follow(DATA, name, layer, folder)
    elif what == "train":
        for name in ("digits_supcon", "digits_ce"):
            follow(DATA, name, "head", folder, "--epochs", "300", split="train")
    elif what == "fashion":
        for loss in ("supcon", "ce"):
            follow(folder, f"fashion_{loss}", "head", folder, *ROWS)
    elif what == "part":
        for loss in ("supcon", "ce"):
            last = ("--epochs", str(EPOCHS_OF_PART))
            follow(folder, f"fashion_part_{loss}", "head", folder, *ROWS, *last, split="train")
            follow(folder, f"fashion_part_{loss}", "head", folder, *ROWS)
    runs = sorted(folder.glob("*/dynamics.h5"))
    found = {path.parent.name: ib.load_result(path) for path in runs}
    print_last(found)
    print_statements(found)
    print_claims(found)


def follow(
    data: Path, name: str, layer: str, folder: Path, *options: str, split: str = "test"
) -> None:
    files = [str(data / f"{name}_{letter}.h5") for letter in "ab"]
    run = f"{name}_{layer}" if split == "test" else f"{name}_{layer}_{split}"
    chosen = ["--layer", layer, "--split", split, "-o", str(folder / run)]
    command = [sys.executable, "-m", "ibcollapse_cli.main", "dynamics"]
    subprocess.run([*command, *files, *chosen, *options], check=True)


def print_last(found: dict[str, Trajectory]) -> None:
    """What each run shows at its first and at its last checkpoint."""
    rows = [
        {"run": name, **measures(trajectory, i)}
        for name, trajectory in found.items()
        for i in ((0, -1) if len(trajectory.checkpoints) > 1 else (0,))
    ]
    print_table(rows)


def measures(trajectory: Trajectory, i: int) -> dict[str, object]:
    checkpoint = trajectory.checkpoints[i]
    report = checkpoint.coincidence
    labels, pair, exact = report.labels, report.pair, report.discrete
    onset = exact.onset
    consensus = report.consensus
    etf = (*consensus.network_etf_distance, consensus.etf_distance)
    row: dict[str, object] = {
        "epoch": checkpoint.epoch,
        "accuracy": f"{checkpoint.accuracy:.3f}",
        "NC1": f"{report.geometry.nc1:.3g}",
        "off ETF a, b, aligned": ", ".join(f"{distance:.3f}" for distance in etf),
    }
    if labels is not None:
        needed = report.accuracy.modes_needed() if report.accuracy else "-"
        row |= {
            "beta - 1, labels": f"{labels.critical_betas[0] - 1:.4g} to {_last(labels, -1)}",
            "spread (limit)": f"{labels.spread:.2f} ({labels.spread_limit:.2f})",
            "sum, bound": f"{labels.excess:.4g}, {labels.bound:.4g}",
            "label directions in span (chance)": f"{overlap(labels.angles):.2f} "
            f"({labels.rank_between / labels.n_features:.2f})",
            "modes needed (folds)": str(needed),
        }
    betas, n = pair.critical_betas, pair.n_span
    row |= {
        "beta - 1, pair": f"{betas[0] - 1:.4g} to {_last(pair, n - 1)}, next {betas[n] - 1:.4g}",
        "pair loadings in span (chance)": f"{overlap(pair.angles_a):.3f} "
        f"({pair.chance_overlap_a:.2f})",
        "pair resolved": pair.n_resolved,
        "exact onset - 1": f"{onset.beta - 1:.3g} {onset.mechanism}, order {onset.order}",
        "exact K clusters - 1": f"{exact.beta_all - 1:.3g} [{exact.beta_all_low - 1:.3g}, "
        f"{exact.beta_all_high - 1:.3g}]",
    }
    return row


def _last(proxy: LabelBottleneck | PairProxy, i: int) -> str:
    low, high = proxy.beta_low[i] - 1, proxy.beta_high[i] - 1
    return f"{proxy.critical_betas[i] - 1:.3g} [{low:.3g}, {high:.3g}]"


def print_statements(found: dict[str, Trajectory]) -> None:
    """First epoch with all K − 1 included, for a ladder of trade-offs."""
    rows = []
    for name, trajectory in found.items():
        if len(trajectory.checkpoints) == 1:
            continue  # One checkpoint is always flat.
        for bottleneck in BOTTLENECKS:
            row: dict[str, object] = {"run": name, "bottleneck": bottleneck}
            for beta in BETAS:
                statement = trajectory.state(bottleneck, beta=beta)
                row[f"beta {beta:g}"] = _epochs(statement)
            row["accuracy flat from"] = (
                f"{statement.epoch_plateau:g} [{statement.plateau_low:g}, "
                f"{statement.plateau_high:g}]"
            )
            rows.append(row)
    print_table(rows)


def _epochs(statement) -> str:
    epoch = "never" if np.isinf(statement.epoch_included) else f"{statement.epoch_included:g}"
    verdict = "=" if statement.coincides else "<" if not statement.sufficient else ">"
    return epoch if epoch == "never" else f"{epoch} {verdict}"


def print_claims(found: dict[str, Trajectory]) -> None:
    """What the page says of whole runs: over all checkpoints, or at the first and the last one."""
    rows = []
    for name, trajectory in found.items():
        reports = [checkpoint.coincidence for checkpoint in trajectory.checkpoints]
        last, shares = reports[-1], [r.labels.excess / r.labels.bound for r in reports if r.labels]
        jumps = [
            f"{t.beta - 1:.2g} ({t.clusters_before} to {t.clusters_after}, epoch {c.epoch})"
            for c in trajectory.checkpoints
            for t in c.coincidence.discrete.transitions
            if t.order == 1
        ]
        n = last.pair.n_span
        more = [r.meta_gaussian.critical_betas[:n] - r.pair.critical_betas[:n] for r in reports]
        row = {
            "run": name,
            "CCA in the span, in all, of modes after K-1 (held out)": (
                f"{last.identified.cca_mean_rho.held_out:.3f}, "
                f"{last.whole.cca_mean_rho.held_out:.3f}, {last.whole.held_out_rho[n:].mean():.3f}"
            ),
            "sum / bound, first and last": f"{shares[0]:.2f}, {shares[-1]:.2f}",
            "directions in span, labels and pair": f"{overlap(last.labels.angles):.2f}, "
            f"{overlap(last.pair.direction_angles_a):.2f}",
            "held-out beta - 1, last and next": _two(last.pair.held_out_betas - 1, n),
            "least onset gap": f"{min(r.onset_gap for r in reports):.2g}",
            "jumps of the exact optimum, beta - 1": "; ".join(jumps) or "none",
            "least sum of meta-Gaussian less pair betas": f"{min(m.sum() for m in more):.2g}",
            "largest p of normality, any and last": f"{max(map(_normality, reports)):.0e}, "
            f"{_normality(last):.0e}",
            "plateau from": trajectory.state("labels").plateau_noise,
        }
        rows.append(row)
    print_table(rows)


def _two(values: np.ndarray, n: int) -> str:
    return f"{values[n - 1]:.2g}, {values[n]:.2g}"


def _normality(report: CoincidenceReport) -> float:
    return max(report.pair.normal_p_value, report.meta_gaussian.normal_p_value)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
