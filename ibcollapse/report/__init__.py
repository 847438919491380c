"""Figures and the self-contained HTML report."""

from ibcollapse.report.contents import SECTIONS, report_of
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
