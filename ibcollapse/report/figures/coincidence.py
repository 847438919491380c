"""The picture of one coincidence report: spectra, sum rule, angles, accuracy by modes."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ibcollapse.coincidence import CoincidenceReport
from ibcollapse.report.figures import style

FloatArray = NDArray[np.float64]


def coincidence_figure(report: CoincidenceReport, *, title: str = "") -> Figure:
    """Figure of four panels about one checkpoint.

    The critical betas of every bottleneck in one place, with their intervals; Σ (β_i − 1) against
    its bound; the angles between modes and class means; the accuracy of the first n modes.
    """
    figure = style.new_figure(11.0, 8.8)
    axes = [style.new_axes(figure, 2, 2, i) for i in range(1, 5)]
    _draw_spectra(report, axes[0])
    _draw_sum_rule(report, axes[1])
    _draw_angles(report, axes[2])
    _draw_accuracy(report, axes[3])
    style.draw_title(figure, title)
    return figure


def _draw_spectra(report: CoincidenceReport, ax: Axes) -> None:
    proxies: dict[str, Any] = {
        "Gaussian, labels": report.labels,
        "Gaussian, pair": report.pair,
        "meta-Gaussian, pair": report.meta_gaussian,
    }
    shown = {name: proxy for name, proxy in proxies.items() if proxy is not None}
    for (name, proxy), (colour, _, marker) in style.series(shown.items()):
        betas = proxy.critical_betas
        mode = np.arange(1, len(betas) + 1)
        error = np.abs(np.stack([betas - proxy.beta_low, proxy.beta_high - betas]))
        known = np.isfinite(betas) & (betas > 1)
        ax.errorbar(
            mode[known],
            betas[known] - 1,
            yerr=np.nan_to_num(error[:, known]),
            color=colour,
            marker=marker,
            markersize=4.0,
            linewidth=0.9,
            elinewidth=0.9,
            label=name,
        )
    exact = [t.beta - 1 for t in report.discrete.transitions if t.beta > 1]
    colour = style.INK
    for number, level in enumerate(exact):
        legend = "exact transitions" if number == 0 else None
        ax.axhline(level, xmax=0.04, color=colour, linewidth=1.4, label=legend)
    ax.axvline(report.discrete.n_classes - 0.5, color=style.GREY, linewidth=0.8, linestyle=":")
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("mode (dotted: after K − 1)")
    ax.set_ylabel("critical β − 1")
    ax.set_title("transitions", loc="left", fontsize=10.0)
    style.draw_legend(ax, "below")


def _draw_sum_rule(report: CoincidenceReport, ax: Axes) -> None:
    labels = report.labels
    ax.set_title("sum rule and multiplicity", loc="left", fontsize=10.0)
    if labels is None:
        _say(ax, "no Gaussian bottleneck about the labels")
        return
    excess = labels.critical_betas - 1
    mode = np.arange(1, len(excess) + 1)
    ax.plot(mode, np.cumsum(excess), "o-", color=style.BLUE, markersize=4.0, label="Σ (β_i − 1)")
    equal = excess.sum() / len(excess) * mode
    ax.plot(mode, equal, "--", color=style.GREY, linewidth=1.0, label="if all were equal")
    ax.axhline(labels.bound, color=style.VERMILION, label="bound tr(Σ_W Σ_B⁺)")
    ax.set_ylim(0, 1.35 * max(labels.bound, labels.excess))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("modes summed")
    ax.set_ylabel("Σ (β_i − 1)")
    text = f"relative spread {labels.spread:.3g}"
    if np.isfinite(labels.spread_limit):
        text += f"; equal modes would show up to {labels.spread_limit:.3g}"
    ax.text(0.02, 0.9, text, transform=ax.transAxes, fontsize=style.SMALL)
    style.draw_legend(ax, "below")


def _draw_angles(report: CoincidenceReport, ax: Axes) -> None:
    angles: dict[str, FloatArray] = {}
    if report.labels is not None:
        angles["labels, directions"] = report.labels.angles
    for name, proxy in (("pair", report.pair), ("meta-Gaussian", report.meta_gaussian)):
        if proxy is not None:
            angles[f"{name}, loadings"] = proxy.angles_a
            angles[f"{name}, directions"] = proxy.direction_angles_a
    for (name, values), (colour, dashes, marker) in style.series(angles.items()):
        ax.plot(
            np.arange(1, len(values) + 1),
            np.degrees(values),
            color=colour,
            linestyle=dashes,
            marker=marker,
            markersize=4.0,
            linewidth=1.1,
            label=name,
        )
    ax.set_ylim(-3, 93)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("principal angle")
    ax.set_ylabel("degrees")
    ax.set_title("modes against the span of the class means", loc="left", fontsize=10.0)
    style.draw_legend(ax, "below")


def _draw_accuracy(report: CoincidenceReport, ax: Axes) -> None:
    ax.set_title("accuracy of the first n modes about the labels", loc="left", fontsize=10.0)
    accuracy = report.accuracy
    if accuracy is None:
        _say(ax, "not measured")
        return
    modes = np.arange(len(accuracy.mean))
    ax.errorbar(
        modes,
        accuracy.mean,
        yerr=accuracy.standard_error,
        color=style.BLUE,
        marker="o",
        markersize=4.0,
        linewidth=1.1,
        label="mean ± standard error of folds",
    )
    needed, low, high = accuracy.modes_needed()
    name = f"within 1 %: {needed} (folds: {low} to {high})"
    ax.axvline(needed, color=style.VERMILION, linestyle="--", linewidth=1.0, label=name)
    ax.set_ylim(0, 1.05)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("modes included")
    ax.set_ylabel("cross-fitted accuracy")
    style.draw_legend(ax, "below")


def _say(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", fontsize=style.SMALL)
