"""Figures and the self-contained HTML report."""

from ibcollapse.report.figures import (
    curve_figure,
    gram_figure,
    plot_beta_panel,
    plot_calibration,
    plot_canonical_spectrum,
    plot_dynamics,
    plot_gram,
    plot_hysteresis,
    plot_information_plane,
    plot_separation_tree,
    render_svg,
    save_figure,
)
from ibcollapse.report.page import render_report, write_report
from ibcollapse.report.sections import Picture, Report, Section, Table

__all__ = [
    "Picture",
    "Report",
    "Section",
    "Table",
    "curve_figure",
    "gram_figure",
    "plot_beta_panel",
    "plot_calibration",
    "plot_canonical_spectrum",
    "plot_dynamics",
    "plot_gram",
    "plot_hysteresis",
    "plot_information_plane",
    "plot_separation_tree",
    "render_report",
    "render_svg",
    "save_figure",
    "write_report",
]
