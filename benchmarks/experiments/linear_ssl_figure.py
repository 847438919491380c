"""The figure of docs/experiments/linear_ssl.md."""

import numpy as np
from matplotlib.figure import Figure

from ibcollapse.report.figures.style import INK, draw_legend, new_axes, new_figure, series


def draw(found: dict[str, list[dict[str, list[float] | float]]]) -> Figure:
    """A panel a sweep: learned variances as marks on the predicted lines."""
    figure = new_figure(10.0, 6.0)
    for k, (title, rows) in enumerate(found.items()):
        ax = new_axes(figure, 2, 3, k + 1)
        at = [float(row["strength"]) for row in rows]  # type: ignore[arg-type]
        predicted = np.array([row["predicted"] for row in rows])
        learned = np.array([row["learned"] for row in rows])
        for j, (colour, _, marker) in series(range(predicted.shape[1])):
            ax.plot(at, predicted[:, j], color=colour, lw=1.2)
            ax.plot(at, learned[:, j], color=colour, ls="", marker=marker, ms=4)
        ax.set_title(title)
        ax.set_ylim(bottom=-0.03)
        ax.set_xlabel("erased side, share" if "erasure" in title else "noise, standard deviation")
        if k % 3 == 0:
            ax.set_ylabel("variance of the feature")
        if k == 0:
            ax.plot([], [], color=INK, label="predicted")
            ax.plot([], [], color=INK, ls="", marker="o", ms=4, label="learned")
            draw_legend(ax, "best")
    return figure
