"""Figures on matplotlib axes: each draws on a given Axes, returns it and keeps no global state."""

from ibcollapse.report.figures.augmentation_path import (
    augmentation_path_figure,
    plot_augmentation_path,
)
from ibcollapse.report.figures.beta_panel import plot_beta_panel
from ibcollapse.report.figures.calibration import plot_calibration
from ibcollapse.report.figures.coincidence import coincidence_figure
from ibcollapse.report.figures.curve_figure import curve_figure
from ibcollapse.report.figures.dynamics import plot_dynamics
from ibcollapse.report.figures.figure_files import render_svg, save_figure
from ibcollapse.report.figures.gram import gram_figure, plot_gram
from ibcollapse.report.figures.hysteresis import hysteresis_figure, plot_hysteresis
from ibcollapse.report.figures.information_plane import plot_information_plane
from ibcollapse.report.figures.separation_tree import (
    plot_separation_tree,
    separation_tree_figure,
)
from ibcollapse.report.figures.spectrum import plot_canonical_spectrum
from ibcollapse.report.figures.trajectory import plot_plane_path, trajectory_figure

__all__ = [
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
    "render_svg",
    "save_figure",
    "separation_tree_figure",
    "trajectory_figure",
]
