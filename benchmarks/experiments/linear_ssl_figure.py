"""The figure of docs/experiments/linear_ssl.md."""

import dataclasses

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ibcollapse.report.figures.style import GREY, INK, draw_legend, new_axes, new_figure, series

Rows = list[dict[str, list[float] | float]]


@dataclasses.dataclass(frozen=True)
class Lines:
    """Predicted variances (n_strengths, n_outputs) on a fine grid, and where they reach zero."""

    strengths: NDArray[np.float64]
    variances: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def draw(panels: list[tuple[str, Rows, Lines | None]]) -> Figure:
    """A panel a sweep: learned variances as marks on the predicted lines."""
    figure = new_figure(10.0, 6.0)
    for k, (title, rows, lines) in enumerate(panels):
        ax = new_axes(figure, 2, 3, k + 1)
        at = np.array([row["strength"] for row in rows])
        predicted = np.array([row["predicted"] for row in rows])
        learned = np.array([row["learned"] for row in rows])
        shown = Lines(at, predicted, np.array([])) if lines is None else lines
        for threshold in shown.thresholds:
            ax.axvline(threshold, color=GREY, lw=0.6, ls=":")
        for j, (colour, _, marker) in series(range(predicted.shape[1])):
            ax.plot(shown.strengths, shown.variances[:, j], color=colour, lw=1.2)
            ax.plot(at, learned[:, j], color=colour, ls="", marker=marker, ms=4)
        ax.set_title(title, fontsize=10)
        if shown.variances.max() > 10:
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=-0.03)
        ax.set_xlabel("erased side, share" if lines is None else "noise, standard deviation")
        if k % 3 == 0:
            ax.set_ylabel("variance of the feature")
        if k == 0:
            ax.plot([], [], color=INK, label="predicted")
            ax.plot([], [], color=INK, ls="", marker="o", ms=4, label="learned")
            draw_legend(ax, "best")
    return figure
