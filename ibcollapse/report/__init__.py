"""Figures and the self-contained HTML report.

Names are imported when they are first used: the command line lists the sections in its help, and
results describe themselves, without loading matplotlib.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ibcollapse.report.sections import SECTIONS

if TYPE_CHECKING:
    from ibcollapse.report.contents import report_of
    from ibcollapse.report.document import Picture, Report, Section, Table
    from ibcollapse.report.figures import (
        augmentation_path_figure,
        coincidence_figure,
        curve_figure,
        gram_figure,
        hysteresis_figure,
        plot_augmentation_path,
        plot_beta_panel,
        plot_calibration,
        plot_canonical_spectrum,
        plot_dynamics,
        plot_gram,
        plot_hysteresis,
        plot_information_plane,
        plot_plane_path,
        plot_separation_tree,
        render_svg,
        save_figure,
        separation_tree_figure,
        trajectory_figure,
    )
    from ibcollapse.report.findings import Missing
    from ibcollapse.report.markdown import render_markdown, write_markdown
    from ibcollapse.report.page import render_report, write_report

# Name → the module that defines it, where that is not `figures`.
_HOME = {
    "Missing": "findings",
    "Picture": "document",
    "Report": "document",
    "Section": "document",
    "Table": "document",
    "render_markdown": "markdown",
    "render_report": "page",
    "report_of": "contents",
    "write_markdown": "markdown",
    "write_report": "page",
}

__all__ = [
    "SECTIONS",
    "Missing",
    "Picture",
    "Report",
    "Section",
    "Table",
    "augmentation_path_figure",
    "coincidence_figure",
    "curve_figure",
    "gram_figure",
    "hysteresis_figure",
    "plot_augmentation_path",
    "plot_beta_panel",
    "plot_calibration",
    "plot_canonical_spectrum",
    "plot_dynamics",
    "plot_gram",
    "plot_hysteresis",
    "plot_information_plane",
    "plot_plane_path",
    "plot_separation_tree",
    "render_markdown",
    "render_report",
    "render_svg",
    "report_of",
    "save_figure",
    "separation_tree_figure",
    "trajectory_figure",
    "write_markdown",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOME.get(name, 'figures')}")
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
