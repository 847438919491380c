"""What a linear encoder learns in each direction, against the strength of the augmentation."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ibcollapse.landscape import AugmentationPath
from ibcollapse.report.figures import style

_MOST_NAMED = 6


def plot_augmentation_path(path: AugmentationPath, *, ax: Axes | None = None) -> Axes:
    """Axes with the eigenvalues of the learned covariance against augmentation strength.

    A line for each direction that is learned at some strength, on a logarithmic axis of strengths;
    a vertical line where one collapses.

    Parameters
    ----------
    path : AugmentationPath
        From `ibcollapse.landscape.augmentation_path`.
    ax : Axes, optional
        Where to draw; default axes of a new figure.
    """
    ax = style.own_axes(ax, width=5.4)
    learned = [j for j, column in enumerate(path.feature_variances.T) if column.max() > 0]
    for j, (colour, dashes, _) in style.series(learned):
        end = float(path.collapse_strengths[j])
        name = f"direction {j + 1}"
        if math.isfinite(end):
            name += f", collapses at {end:.3g}"
            ax.axvline(end, color=colour, linewidth=0.8, linestyle=":")
        ax.plot(
            path.strengths,
            path.feature_variances[:, j],
            color=colour,
            linestyle=dashes,
            linewidth=1.5,
            label=name if j < _MOST_NAMED else "_more",
        )
    ax.axvline(1.0, color=style.GREY, linewidth=0.9, label="as in the pairs")
    ax.set_xscale("log")
    ax.set_xlim(path.strengths[0], path.strengths[-1])
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("augmentation strength (factor of the noise covariance)")
    ax.set_ylabel("eigenvalue of the learned covariance")
    style.draw_legend(ax, "below")
    return ax


def augmentation_path_figure(path: AugmentationPath) -> Figure:
    """Figure with `plot_augmentation_path` alone."""
    figure = plot_augmentation_path(path).figure
    assert isinstance(figure, Figure)
    return figure
