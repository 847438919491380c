"""The pictures of docs/experiments/imbalance.md."""

from pathlib import Path

import numpy as np

from benchmarks.experiments.imbalance_geometry import Comparison
from ibcollapse.report.figures import style
from ibcollapse.report.figures.figure_files import save_figure
from ibcollapse.report.figures.gram import gram_figure

_COLUMNS = 4
_TITLES = {
    "supcon": "contrastive",
    "supcon-whole": "contrastive, all",
    "ce": "cross-entropy",
    "ce-slow": "slower CE",
    "ce-penalised": "penalised CE",
    "ce-penalised-digits": "digits",
    "ce-decayed": "decayed CE",
}


def draw_grams(panels: dict[str, np.ndarray], path: Path) -> None:
    """Write Grams of class means, trained and predicted, side by side to `path`."""
    figure = gram_figure(panels)
    for ax in figure.axes[: len(panels)]:
        ax.set_xticks(range(10), range(10))
        ax.set_yticks(range(10), range(10))
    figure.axes[0].set_ylabel("class, the large ones first")
    figure.axes[-1].set_ylabel("Gram / its largest entry")
    save_figure(figure, path)


def draw_distances(found: dict[tuple[str, str], list[list[Comparison]]], path: Path) -> None:
    """Write the distance to each prediction along training to `path`, a panel per loss and kind.

    `found[loss, imbalance]` holds the checkpoints of each seed. Panels share both axes. The
    distance is centred for the contrastive loss, whose class means have one length, and with
    lengths for cross-entropy, whose predictions differ in them.
    """
    rows = -(-len(found) // _COLUMNS)
    figure = style.new_figure(2.4 * _COLUMNS + 0.4, 2.3 * rows + 0.3)
    axes = [style.new_axes(figure, rows, _COLUMNS, cell + 1) for cell in range(len(found))]
    for i, (ax, ((loss, kind), seeds)) in enumerate(zip(axes, found.items(), strict=True)):
        _draw_panel(ax, seeds, "centred" if loss.startswith("supcon") else "lengths")
        ax.set_title(f"{_TITLES[loss]}, {kind}", fontsize=9.0)
        ax.set_xlabel("epoch")
        ax.set_xlim(8.0, 15000.0)
        ax.set_ylim(0.0, 1.3)
        if i % _COLUMNS == 0:
            ax.set_ylabel("distance")
    # The panel in which every prediction has its line.
    complete = [loss for loss, _ in found].index("ce-penalised")
    style.draw_legend(axes[complete], "lower left")
    save_figure(figure, path)


def _draw_panel(ax, seeds: list[list[Comparison]], measure: str) -> None:
    for name, (colour, line, marker) in style.series(("SC", "SELI", "ETF", "ridge")):
        if name not in seeds[0][0].distance[measure]:
            continue
        for k, checkpoints in enumerate(seeds):
            ax.plot(
                [one.epoch for one in checkpoints],
                [one.distance[measure][name] for one in checkpoints],
                linestyle=line,
                marker=marker,
                markersize=3.0,
                linewidth=1.0,
                color=colour,
                label=name if k == 0 else None,
            )
    ax.set_xscale("log")
