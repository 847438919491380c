"""Figures on matplotlib axes: each draws on a given Axes, returns it and keeps no global state."""

from ibcollapse.report.figures.beta_panel import plot_beta_panel
from ibcollapse.report.figures.curve_figure import curve_figure
from ibcollapse.report.figures.figure_files import render_svg, save_figure
from ibcollapse.report.figures.information_plane import plot_information_plane

__all__ = [
    "curve_figure",
    "plot_beta_panel",
    "plot_information_plane",
    "render_svg",
    "save_figure",
]
