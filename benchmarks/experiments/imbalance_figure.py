"""The picture of docs/experiments/imbalance.md."""

from pathlib import Path

import numpy as np

from ibcollapse.report.figures.figure_files import save_figure
from ibcollapse.report.figures.gram import gram_figure


def draw_grams(panels: dict[str, np.ndarray], path: Path) -> None:
    """Write the cosines of class means, trained and predicted, side by side to `path`."""
    figure = gram_figure(panels)
    for ax in figure.axes[: len(panels)]:
        ax.set_xticks(range(10))
        ax.set_xticklabels(range(10))
        ax.set_yticks(range(10))
    figure.axes[0].set_ylabel("class, from the many to the few")
    figure.axes[-1].set_ylabel("cosine of class means")
    save_figure(figure, path)
