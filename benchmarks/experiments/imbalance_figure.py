"""The pictures of docs/experiments/imbalance.md."""

from pathlib import Path

import numpy as np

from benchmarks.experiments.imbalance_geometry import Comparison
from ibcollapse.report.figures import style
from ibcollapse.report.figures.figure_files import save_figure
from ibcollapse.report.figures.gram import gram_figure

_TITLES = {
    "supcon": "contrastive",
    "supcon-whole": "contrastive, all",
    "ce": "cross-entropy",
    "ce-slow": "slower CE",
}


def draw_grams(panels: dict[str, np.ndarray], path: Path) -> None:
    """Write the cosines of class means, trained and predicted, side by side to `path`."""
    figure = gram_figure(panels)
    for ax in figure.axes[: len(panels)]:
        ax.set_xticks(range(10), range(10))
        ax.set_yticks(range(10), range(10))
    figure.axes[0].set_ylabel("class, the large ones first")
    figure.axes[-1].set_ylabel("cosine of class means")
    save_figure(figure, path)


def draw_distances(
    found: dict[tuple[str, str], list[list[Comparison]]], measure: str, path: Path
) -> None:
    """Write the distance to each prediction along training to `path`; a row of panels per loss.

    `found[loss, imbalance]` holds the checkpoints of each seed; a pair without runs stays empty.
    """
    losses = list(dict.fromkeys(loss for loss, _ in found))
    kinds = list(dict.fromkeys(kind for _, kind in found))
    figure = style.new_figure(2.4 * len(kinds) + 0.4, 2.3 * len(losses) + 0.3)
    first = None
    for i, loss in enumerate(losses):
        for j, kind in enumerate(kinds):
            if (loss, kind) not in found:
                continue
            cell = i * len(kinds) + j + 1
            ax = style.new_axes(figure, len(losses), len(kinds), cell)
            _draw_panel(ax, found[loss, kind], measure)
            ax.set_title(f"{_TITLES[loss]}, {kind}", fontsize=9.0)
            ax.set_xlabel("epoch")
            ax.set_ylim(0.0, 1.15)
            if (loss, kinds[j - 1]) not in found or j == 0:
                ax.set_ylabel("distance")
            first = first or ax
    style.draw_legend(first, "lower left")
    save_figure(figure, path)


def _draw_panel(ax, seeds: list[list[Comparison]], measure: str) -> None:
    for name, (colour, line, marker) in style.series(("SC", "SELI", "ETF")):
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
