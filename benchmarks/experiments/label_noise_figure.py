"""The picture of docs/experiments/label_noise.md."""

from pathlib import Path

import numpy as np

from ibcollapse.report.figures import style
from ibcollapse.report.figures.figure_files import save_figure


def draw_steps(noise: np.ndarray, found: dict[str, np.ndarray], path: Path) -> None:
    """Write the steps to fit of each loss against the noise, every seed and the mean, to `path`."""
    figure = style.new_figure(7.6, 3.2)
    for i, absolute in enumerate((True, False)):
        ax = style.new_axes(figure, 1, 2, i + 1)
        for (loss, steps), (colour, line, marker) in style.series(found.items()):
            scale = 1.0 if absolute else np.nanmean(steps[0])
            shown = steps / scale
            ax.plot(noise, shown, marker, color=colour, alpha=0.35, markersize=4.0, mew=0)
            ax.plot(noise, shown.mean(axis=1), line, color=colour, label=loss)
        ax.set_xlabel("share of labels changed")
        ax.set_ylabel("steps to fit" if absolute else "steps to fit / steps without noise")
        ax.set_ylim(bottom=0.0)
    style.draw_legend(figure.axes[0], "upper left")
    save_figure(figure, path)
