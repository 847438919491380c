"""Measures along the checkpoints of a training run."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ibcollapse.errors import InputError
from ibcollapse.report.figures import style


def plot_dynamics(
    epochs: ArrayLike,
    measures: Mapping[str, ArrayLike],
    *,
    label: str,
    marks: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Axes with each of `measures` against the epoch; the epoch axis is logarithmic beyond zero.

    Parameters
    ----------
    epochs : float (n_checkpoints,)
        Epochs, increasing.
    measures : mapping of str to float (n_checkpoints,)
        Name and values of each line; NaN leaves a hole.
    label : str
        What is measured, with its unit: the title of the y axis.
    marks : mapping of str to float, optional
        Events and their epochs, drawn as vertical lines.
    ax : Axes, optional
        Where to draw; default axes of a new figure.

    Raises
    ------
    InputError
        When a measure has not one value an epoch.
    """
    ax = style.own_axes(ax)
    at = np.asarray(epochs, dtype=float)
    for (name, values), (colour, dashes, marker) in style.series(measures.items()):
        column = np.asarray(values, dtype=float)
        if column.shape != at.shape:
            raise InputError(f"{name!r} has shape {column.shape}, the epochs {at.shape}")
        ax.plot(
            at,
            column,
            color=colour,
            linestyle=dashes,
            marker=marker,
            markersize=4.0,
            linewidth=1.3,
            label=name,
        )
    for (name, epoch), (colour, _, _) in style.series((marks or {}).items(), skip=len(measures)):
        ax.axvline(epoch, color=colour, linewidth=1.0, linestyle=(0, (1, 1)), label=name)
    positive = at[at > 0]
    if positive.size and positive.max() > 10 * positive.min():
        ax.set_xscale("symlog", linthresh=float(positive.min()))
        ax.set_xlim(0.8 * at.min() - 0.1 * positive.min(), 1.25 * at.max())
        ax.xaxis.set_major_formatter(lambda epoch, _: f"{epoch:g}")
    ax.set_xlabel("epoch")
    ax.set_ylabel(label)
    style.draw_legend(ax, "below")
    return ax
