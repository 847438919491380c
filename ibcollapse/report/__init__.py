"""Figures and the self-contained HTML report."""

from ibcollapse.report.figures import (
    coincidence_figure,
    curve_figure,
    gram_figure,
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
    trajectory_figure,
)
from ibcollapse.report.page import render_report, write_report
from ibcollapse.report.sections import Picture, Report, Section, Table

__all__ = [
    "Picture",
    "Report",
    "Section",
    "Table",
    "coincidence_figure",
    "curve_figure",
    "gram_figure",
    "plot_beta_panel",
    "plot_calibration",
    "plot_canonical_spectrum",
    "plot_dynamics",
    "plot_gram",
    "plot_hysteresis",
    "plot_information_plane",
    "plot_plane_path",
    "plot_separation_tree",
    "render_report",
    "render_svg",
    "save_figure",
    "trajectory_figure",
    "write_report",
]
