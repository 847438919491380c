"""The figure of docs/experiments/matrix_information.md."""

import numpy as np
from matplotlib.figure import Figure

from ibcollapse.report.figures.style import draw_legend, new_axes, new_figure, series

Rows = list[dict[str, float | str]]

# Self-dual collapse of K = 10 classes: 1/9 + 8 ln 8 / (9 ln 9).
COLLAPSED = 1 / 9 + 8 * np.log(8) / (9 * np.log(9))
_LABELS = {"accuracy": "test accuracy", "mir": "MIR, test", "hdr": "HDR, test"}


def draw(found: dict[str, Rows]) -> Figure:
    """A column an experiment; accuracy, MIR and HDR of the test split below each other."""
    figure = new_figure(12.0, 6.4)
    for column, (name, title, x, family) in enumerate(
        (
            ("training", "along training", "epoch", "network"),
            ("smoothing", "label smoothing", "smoothing", "seed"),
            ("pruning", "magnitude pruning", "pruned", "seed"),
            ("mixing", "between two networks", "share", "partner"),
        )
    ):
        for row, quantity in enumerate(("accuracy", "mir", "hdr")):
            ax = new_axes(figure, 3, 4, 4 * row + column + 1)
            rows = [r for r in found.get(name, []) if r["split"] == "test" and quantity in r]
            families = list(dict.fromkeys(str(r[family]) for r in rows))
            for member, (colour, style, marker) in series(families):
                chosen = [r for r in rows if str(r[family]) == member]
                at = sorted({float(r[x]) for r in chosen})
                mean = [np.mean([float(r[quantity]) for r in chosen if r[x] == v]) for v in at]
                label = f"seed {member}" if family == "seed" else member
                ax.plot(at, mean, color=colour, ls=style, marker=marker, ms=3, label=label)
            if name == "training":
                ax.set_xscale("symlog", linthresh=1)
                ax.set_xticks([0, 1, 3, 10, 30], ["0", "1", "3", "10", "30"])
            if quantity == "mir":
                ax.axhline(COLLAPSED, color="0.6", lw=0.8, ls=":")
            if row == 0:
                ax.set_title(title, fontsize=10)
            if row == 2:
                ax.set_xlabel({"share": "share of the second", "pruned": "share removed"}.get(x, x))
            if column == 0:
                ax.set_ylabel(_LABELS[quantity])
            # One scale a row, so that columns can be compared.
            ax.set_ylim(-0.03, 1.03)
            if quantity == "mir" and len(families) > 1:
                draw_legend(ax, "best")
    return figure
