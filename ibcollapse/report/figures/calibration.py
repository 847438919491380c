"""Whether a posterior means what it says: observed frequency against stated confidence."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ibcollapse.errors import InputError
from ibcollapse.report.figures import style


def plot_calibration(
    confidence: ArrayLike, accuracy: ArrayLike, counts: ArrayLike, *, ax: Axes | None = None
) -> Axes:
    """Axes with accuracy against mean confidence in bins; marker areas grow with the counts.

    Points below the diagonal are over-confident.

    Parameters
    ----------
    confidence, accuracy : float (n_bins,)
        Mean posterior probability of the predicted class, and share of right predictions, in each
        bin; NaN in empty bins, which are left out.
    counts : int (n_bins,)
        Samples in each bin.
    ax : Axes, optional
        Where to draw; default axes of a new figure.

    Raises
    ------
    InputError
        When the three have different lengths.
    """
    stated, right, n = (np.asarray(v, dtype=float) for v in (confidence, accuracy, counts))
    if not stated.shape == right.shape == n.shape or stated.ndim != 1:
        raise InputError(
            f"confidence {stated.shape}, accuracy {right.shape} and counts {n.shape} "
            "must be vectors of one length"
        )
    ax = style.own_axes(ax, width=4.0)
    filled = n > 0
    areas = 12.0 + 140.0 * n[filled] / max(float(n.max(initial=0.0)), 1.0)
    ax.plot([0, 1], [0, 1], color=style.INK, linewidth=0.8, linestyle=":", label="calibrated")
    ax.plot(stated[filled], right[filled], color=style.BLUE, linewidth=1.2)
    ax.scatter(
        stated[filled],
        right[filled],
        s=areas,
        color=style.BLUE,
        alpha=0.8,
        label="bins, area by count",
    )
    ax.set_xlim(0.0, 1.05)
    ax.set_ylim(0.0, 1.05)
    ax.set_aspect("equal")
    ax.set_xlabel("stated probability of the predicted class")
    ax.set_ylabel("observed accuracy")
    style.draw_legend(ax, "upper left")
    return ax
