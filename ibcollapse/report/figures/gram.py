"""Gram matrices of class means, measured beside their references."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.printable import encodable
from ibcollapse.report.figures import style
from ibcollapse.report.wording import shorten

# Blue for negative, red for positive, white for zero, as dark at both ends.
_MAP = "RdBu_r"
_MOST_NAMES, _MOST_NUMBERS, _FEW_CLASSES = 30, 7, 4


def plot_gram(
    gram: NDArray[np.float64],
    *,
    ax: Axes | None = None,
    class_names: Sequence[str] = (),
    limit: float | None = None,
    title: str = "",
) -> Axes:
    """Axes with a Gram matrix as a heat map, its colours symmetric about zero.

    Parameters
    ----------
    gram : float (n_classes, n_classes)
        Inner products or cosines of the class means.
    ax : Axes, optional
        Where to draw; default axes of a new figure.
    class_names : sequence of str
        Names of the rows; shown up to thirty classes.
    limit : float, optional
        Value of the darkest colours; default the largest magnitude in `gram`.
    title : str
        Written above, as it is.

    Raises
    ------
    InputError
        When `gram` is not a square matrix or has not one row a name.
    """
    gram = np.asarray(gram, dtype=float)
    n_classes = len(gram)
    if gram.shape != (n_classes, n_classes) or n_classes == 0:
        raise InputError(f"gram has shape {gram.shape}; expected (n_classes, n_classes)")
    if len(class_names) not in (0, n_classes):
        raise InputError(f"{len(class_names)} class names for a Gram matrix of {n_classes} rows")
    ax = style.own_axes(ax, height=4.2)
    bound = limit or float(np.nanmax(np.abs(gram))) or 1.0
    ax.imshow(gram, cmap=_MAP, vmin=-bound, vmax=bound, interpolation="nearest")
    if n_classes <= _MOST_NUMBERS:
        _write_numbers(ax, gram, bound)
    if class_names and n_classes <= _MOST_NAMES:
        names = [shorten(name, 14) for name in class_names]
        ax.set_yticks(range(n_classes), names, parse_math=False)
        ax.set_xticks(range(n_classes), names, parse_math=False, rotation=90)
    ax.tick_params(length=0.0)
    ax.spines[:].set_visible(False)
    ax.set_title(encodable(title), fontsize=10.0, parse_math=False)
    return ax


def gram_figure(
    grams: Mapping[str, NDArray[np.float64]], *, class_names: Sequence[str] = ()
) -> Figure:
    """Figure with the named Gram matrices side by side on one colour scale.

    Parameters
    ----------
    grams : mapping of str to float (n_classes, n_classes)
        Title of each panel and its matrix: the measured one and its references, equally scaled.
    class_names : sequence of str
        Names of the rows.

    Raises
    ------
    InputError
        When there is no matrix, or one is not square or does not fit the names.
    """
    if not grams:
        raise InputError("no Gram matrix to draw; give at least one")
    limit = max(float(np.nanmax(np.abs(gram))) for gram in grams.values())
    figure = style.new_figure(0.9 + 3.1 * len(grams), 3.4)
    axes = [style.new_axes(figure, 1, len(grams), i + 1) for i in range(len(grams))]
    for ax, (title, gram) in zip(axes, grams.items(), strict=True):
        plot_gram(gram, ax=ax, class_names=class_names, limit=limit, title=title)
    for ax in axes[1:]:
        ax.tick_params(labelleft=False)
    bar = figure.colorbar(axes[-1].images[0], ax=axes, shrink=0.8, pad=0.01)
    bar.set_label("inner product of class means", fontsize=style.SMALL)
    bar.ax.tick_params(labelsize=style.SMALL, color=style.GREY)
    bar.outline.set_visible(False)
    return figure


def _write_numbers(ax: Axes, gram: NDArray[np.float64], bound: float) -> None:
    for (row, column), value in np.ndenumerate(gram):
        dark = abs(value) > 0.6 * bound
        ax.text(
            column,
            row,
            f"{value:.2f}".replace("-", "−"),
            ha="center",
            va="center",
            fontsize=6.0 if len(gram) > _FEW_CLASSES else style.SMALL,
            color="white" if dark else style.INK,
        )
