"""The picture of a trajectory: small panels over one axis of epochs, and the information plane."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ibcollapse.errors import InputError
from ibcollapse.report.figures import style
from ibcollapse.report.figures.dynamics import plot_dynamics
from ibcollapse.trajectory import Trajectory

# Title, unit, logarithmic, and the columns of `Trajectory.columns` with the names they are given.
_PANELS: tuple[tuple[str, str, bool, Mapping[str, str]], ...] = (
    (
        "critical betas",
        "β − 1",
        True,
        {
            "labels_beta_first": "labels, first",
            "labels_beta_last": "labels, last",
            "pair_beta_first": "pair, first",
            "pair_beta_last": "pair, last of K − 1",
            "onset": "exact, onset",
            "beta_all": "exact, K clusters",
        },
    ),
    (
        "sum rule",
        "Σ (β − 1)",
        True,
        {"excess": "Σ (β − 1) about labels", "excess_bound": "bound tr(Σ_W Σ_B⁺)"},
    ),
    (
        "modes in the span of the class means",
        "mean cos² of principal angles",
        False,
        {
            "pair_overlap": "pair, loadings",
            "meta_overlap": "meta-Gaussian, loadings",
            "pair_direction_overlap": "pair, directions",
            "labels_overlap": "labels, directions",
        },
    ),
    (
        "geometry of the class means",
        "deviation",
        True,
        {
            "nc1": "NC1",
            "equiangular_deviation": "mean |cos + 1/(K − 1)|",
            "etf_distance": "Gram distance to the ETF",
            "etf_consensus": "that of the aligned pair",
        },
    ),
    (
        "alignment, held out",
        "similarity",
        False,
        {
            "cca_identified": "CCA, span of means",
            "procrustes_identified": "Procrustes, span of means",
            "cca_whole": "CCA, all features",
            "cka": "debiased CKA (all samples)",
        },
    ),
    (
        "matrix information",
        "ratio",
        False,
        {
            "mir": "MIR with classes",
            "hdr": "HDR with classes",
            "pair_mir": "MIR of the pair",
            "pair_hdr": "HDR of the pair",
        },
    ),
)


def trajectory_figure(trajectory: Trajectory, *, title: str = "") -> Figure:
    """Figure of nine panels: accuracy, transitions, information plane, and `_PANELS`.

    Raises
    ------
    InputError
        When the trajectory has no checkpoint.
    """
    if not trajectory.checkpoints:
        raise InputError("the trajectory has no checkpoint to draw")
    columns = trajectory.columns()
    figure = style.new_figure(13.0, 13.2)
    axes = [style.new_axes(figure, 3, 3, i) for i in range(1, 10)]
    _draw_accuracy(trajectory, columns, axes[0])
    _draw_included(trajectory, columns, axes[1])
    plot_plane_path(trajectory, ax=axes[2])
    for ax, (name, unit, logarithmic, chosen) in zip(axes[3:], _PANELS, strict=True):
        _draw_panel(columns, ax, name, unit, logarithmic, chosen)
    style.draw_title(figure, title)
    return figure


def plot_plane_path(trajectory: Trajectory, *, ax: Axes | None = None) -> Axes:
    """Axes with the network's own place in the information plane, checkpoint by checkpoint.

    T is a class drawn from the calibrated posterior. Behind it, the certified curve of each
    checkpoint, and where the optimum at the trajectory's beta lies.
    """
    ax = style.own_axes(ax)
    for number, checkpoint in enumerate(trajectory.checkpoints):
        discrete = checkpoint.coincidence.discrete
        name = "optimal curve of a checkpoint" if number == 0 else None
        rate, information = np.append(0.0, discrete.i_xt), np.append(0.0, discrete.i_ty)
        ax.plot(rate, information, color=style.GREY, linewidth=0.6, alpha=0.7, label=name)
    columns = trajectory.columns()
    ax.plot(
        columns["optimum_i_xt"],
        columns["optimum_i_ty"],
        "s--",
        color=style.VERMILION,
        markersize=4.0,
        linewidth=1.0,
        label=f"optimum at β = {trajectory.beta:g}",
    )
    own = columns["own_i_xt"], columns["own_i_ty"]
    ax.plot(*own, "o-", color=style.BLUE, markersize=4.0, linewidth=1.3, label="the network")
    for i in sorted({0, len(trajectory.epochs) - 1}):
        ax.annotate(
            f"epoch {trajectory.epochs[i]}",
            (own[0][i], own[1][i]),
            xytext=(6, -10),
            textcoords="offset points",
            fontsize=style.SMALL,
        )
    h_y = trajectory.checkpoints[-1].coincidence.discrete.h_y
    ax.axhline(h_y, color=style.INK, linewidth=0.8, linestyle=":", label="H(Y)")
    ax.set_xlabel("I(X;T) (nats)")
    ax.set_ylabel("I(T;Y) (nats)")
    ax.set_title("information plane", loc="left", fontsize=10.0)
    style.draw_legend(ax, "below")
    return ax


def _draw_accuracy(trajectory: Trajectory, columns: Mapping[str, list[float]], ax: Axes) -> None:
    marks: dict[str, float] = {}
    for statement in trajectory.statements:
        if not marks:
            marks[f"flat within {statement.tolerance:g}"] = statement.epoch_plateau
        if math.isfinite(statement.epoch_included):
            marks[f"all included: {statement.bottleneck}"] = statement.epoch_included
    share = np.array(columns["i_xy_held_out"]) / [
        c.coincidence.discrete.h_y for c in trajectory.checkpoints
    ]
    plot_dynamics(
        columns["epoch"],
        # Below zero the posterior is worse than the priors; the panel is about what is gained.
        {"accuracy": columns["accuracy"], "held-out I(X;Y) / H(Y)": np.maximum(share, 0.0)},
        label="share",
        marks=marks,
        ax=ax,
    )
    ax.set_title("accuracy", loc="left", fontsize=10.0)


def _draw_included(trajectory: Trajectory, columns: Mapping[str, list[float]], ax: Axes) -> None:
    names = {
        "labels_included": "labels",
        "pair_included": "pair",
        "meta_gaussian_included": "meta-Gaussian",
        "discrete_included": "exact: clusters − 1",
    }
    needed = trajectory.checkpoints[-1].coincidence.discrete.n_classes - 1
    plot_dynamics(
        columns["epoch"], _present(columns, names), label="transitions, of the first K − 1", ax=ax
    )
    ax.axhline(needed, color=style.INK, linewidth=0.8, linestyle=":")
    ax.set_ylim(-0.3, 1.12 * needed + 0.2)
    ax.set_title(
        f"transitions included at β = {trajectory.beta:g} (K − 1 = {needed})",
        loc="left",
        fontsize=10.0,
    )


def _draw_panel(
    columns: Mapping[str, list[float]],
    ax: Axes,
    name: str,
    unit: str,
    logarithmic: bool,
    chosen: Mapping[str, str],
) -> None:
    measures = _present(columns, chosen)
    if unit == "β − 1":
        measures = {key: _positive(values - 1.0) for key, values in measures.items()}
    plot_dynamics(columns["epoch"], measures, label=unit, ax=ax)
    if logarithmic and measures:
        ax.set_yscale("log")
    ax.set_title(name, loc="left", fontsize=10.0)


def _present(
    columns: Mapping[str, list[float]], chosen: Mapping[str, str]
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """The columns that were measured anywhere, under the names they are given."""
    arrays = {name: np.array(columns[key], dtype=np.float64) for key, name in chosen.items()}
    return {name: values for name, values in arrays.items() if np.isfinite(values).any()}


def _positive(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Values with holes where a logarithmic axis has no place for them."""
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)
