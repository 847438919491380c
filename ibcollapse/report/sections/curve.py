"""The section about the curve: certified points, transitions, which classes part where."""

import math

from ibcollapse.analysis import Analysis
from ibcollapse.bottleneck import IBCurve, PhaseTransition
from ibcollapse.report.curve_method import method_of_analysis
from ibcollapse.report.document import Section, Table
from ibcollapse.report.drawing import picture_of
from ibcollapse.report.figures import (
    plot_beta_panel,
    plot_information_plane,
    plot_separation_tree,
)
from ibcollapse.report.figures.beta_axis import format_beta
from ibcollapse.report.findings import Findings, Missing, missing_section
from ibcollapse.report.sections.questions import (
    question_paragraphs,
    question_pictures,
    question_tables,
    question_warnings,
)
from ibcollapse.report.sections.registry import SectionKind
from ibcollapse.report.wording import (
    NOTHING,
    Units,
    unit_scale,
    write_count,
    write_information,
    write_name,
    write_names,
    write_number,
    write_sentence,
    write_share,
)

TITLE = "Information-bottleneck curve"
_MOST_TRANSITIONS = 60
_MOST_GROUPS = 6
# A side of a transition is named by its first classes: all of a hundred would fill a page.
_MOST_OF_A_SIDE = 5
# Losing more than this share of I(X;Y) to merging points is seen in the figures.
_NOTABLE_LOSS = 0.02
# All transitions below this: the near-deterministic regime, where a grid over beta sees nothing.
_CROWDED = 1.2
_HAPPENS = {
    "jump": "I(X;T) jumps",
    "split": "a cluster loses stability and splits",
    "nucleation": "a new cluster appears at a distance, its weight growing from zero",
    "death": "a cluster's weight reaches zero",
    "unresolved": "several changes lie closer together than the resolution",
}


def curve_headline(analysis: Analysis, units: Units) -> tuple[str, ...]:
    """Where the first transition is, of which kind, and how far the curve goes."""
    traced = analysis.curve
    if _is_unstarted(traced):
        return ("The curve was ended before its first transition: nothing is known of it.",)
    first = (
        _describe_first(traced.transitions[0], units)
        if traced.transitions
        else f"No phase transition up to β = {format_beta(float(traced.beta[-1]), digits=5)}."
    )
    return first, _reached(traced, units)


def _is_unstarted(traced: IBCurve) -> bool:
    """Whether the run was stopped with the trivial representation alone."""
    return len(traced.solutions) == 1 and traced.status.startswith("interrupted")


def curve_section(analysis: Analysis | Missing, units: Units) -> Section:
    """The information curve with its transitions, warnings and figures."""
    if isinstance(analysis, Missing):
        return missing_section(TITLE, analysis)
    traced = analysis.curve
    if _is_unstarted(traced):
        return missing_section(TITLE, Missing(f"{traced.status}, before the first transition"))
    # Two pictures and not one figure of two panels: on a phone they stand one below the other.
    plane = plot_information_plane(
        traced, units=units, gaussian=analysis.gaussian, bootstrap=analysis.bootstrap
    )
    panel = plot_beta_panel(
        traced,
        units=units,
        gaussian=analysis.gaussian,
        hysteresis=analysis.hysteresis,
        bootstrap=analysis.bootstrap,
    )
    pictures = [
        picture_of(
            plane,
            "The information curve, I(T;Y) against I(X;T), with its transitions and the bounds "
            "I(X;Y) and H(Y).",
        ),
        picture_of(panel, "I(T;Y) and the effective number of clusters against β."),
    ]
    if any(transition.separates for transition in traced.transitions):
        tree = plot_separation_tree(traced)
        pictures.append(
            picture_of(
                tree,
                "Which classes one cluster holds together, and the β at which they part; a bar "
                "joins classes that the curve does not separate.",
            )
        )
    transitions = (_table(traced.transitions, units),) if traced.transitions else ()
    return Section(
        TITLE,
        text=(*_paragraphs(traced, units), *question_paragraphs(analysis, units)),
        warnings=(*_loss(analysis, units), *_warnings(traced), *question_warnings(analysis)),
        pictures=(*pictures, *question_pictures(analysis, units)),
        tables=(*transitions, *question_tables(analysis)),
    )


def _describe_first(transition: PhaseTransition, units: Units) -> str:
    beta = format_beta(transition.beta, digits=5)
    kind = (
        f"first-order: I(X;T) jumps by {write_information(transition.jump_i_xt, units)}"
        if transition.order == 1
        else f"continuous ({transition.mechanism}): {_HAPPENS[transition.mechanism]}"
    )
    parts = _groups(transition)
    apart = f" Here part: {parts}." if parts != NOTHING else ""
    local = ""
    if transition.beta < transition.beta_local * (1 - 1e-12):
        local = (
            f", before the trivial solution loses local stability at "
            f"β = {format_beta(transition.beta_local, digits=5)}"
        )
    return f"The first transition is at β = {beta}{local}. It is {kind}.{apart}"


def _reached(traced: IBCurve, units: Units) -> str:
    last = traced.solutions[-1]
    share = write_share(last.i_ty / traced.i_xy) if traced.i_xy > 0 else NOTHING
    n_first = sum(transition.order == 1 for transition in traced.transitions)
    return (
        f"The curve reaches I(T;Y) = {write_information(last.i_ty, units)}, {share} of I(X;Y) = "
        f"{write_information(traced.i_xy, units)}, through "
        f"{write_count(len(traced.transitions), 'transition')}, {n_first or 'none'} of them "
        "first-order."
    )


def _paragraphs(traced: IBCurve, units: Units) -> tuple[str, ...]:
    gaps = [s.gap for s in traced.solutions if not math.isnan(s.gap)]
    exhaustive = sum(s.gap_search == "exhaustive" for s in traced.solutions)
    searched = (
        "all of them by an exhaustive search, which makes the gap a proof"
        if exhaustive == len(traced.solutions)
        else f"{exhaustive} by an exhaustive search (a proof), the others by a search from many "
        "starts (strong evidence, not a proof)"
    )
    said = [
        f"{write_count(len(traced.solutions), 'solution')} with up to "
        f"{write_count(int(traced.n_clusters.max()), 'cluster')}; H(Y) = "
        f"{write_information(traced.h_y, units)}. The largest optimality gap is "
        f"{write_information(max(gaps, default=math.nan), units)}, {searched}."
    ]
    betas = [transition.beta for transition in traced.transitions]
    if len(betas) > 1 and max(betas) < _CROWDED:
        said.append(
            f"All transitions lie between β = {format_beta(min(betas))} and "
            f"{format_beta(max(betas))}: p(y|x) is nearly deterministic, as collapse makes it, and "
            "the axis of β shows β − 1 on a logarithmic scale."
        )
    return tuple(said)


def _loss(analysis: Analysis, units: Units) -> tuple[str, ...]:
    summary = analysis.channel
    if summary.information_lost <= _NOTABLE_LOSS * summary.i_xy:
        return ()
    return (
        f"Merging {summary.n} points to {summary.n_reduced} lost "
        f"{write_information(summary.information_lost, units)} of I(X;Y): I(T;Y) of the full "
        "channel may lie higher by up to that much, and its transitions earlier.",
    )


def _warnings(traced: IBCurve) -> tuple[str, ...]:
    said = [] if traced.status == "converged" else [write_sentence(traced.status)]
    loose = [s for s in traced.solutions if not s.converged]
    if loose:
        worst = max(loose, key=lambda s: s.gap)
        said.append(
            f"{len(loose)} of {len(traced.solutions)} points are not certified (crosses in the "
            f"figure); the worst is {worst.gap:.3g} nats from the optimum at β = "
            f"{format_beta(worst.beta, digits=5)}."
        )
    local = sum(not transition.certified for transition in traced.transitions)
    if local:
        said.append(
            f"{write_count(local, 'transition')} (hollow markers) located by the local criterion "
            "alone: the solutions on both sides are not certified, so the true transition may "
            "come earlier and its order is not established."
        )
    early = sum(t.mechanism == "nucleation" for t in traced.transitions)
    if early:
        said.append(
            f"{write_count(early, 'transition')} by nucleation: the optimum changes at a β at or "
            "below that of local instability, and yet continuously. An early β alone is no sign "
            "of a first-order transition; only the rows with a jump are first-order."
        )
    if any(transition.mechanism == "unresolved" for transition in traced.transitions):
        said.append("Some transitions lie too close together to be told apart; see the table.")
    return tuple(said)


def _table(transitions: tuple[PhaseTransition, ...], units: Units) -> Table:
    columns = (
        "β",
        "local β",
        "order",
        "what happens",
        f"jump of I(X;T) [{units}]",
        "clusters",
        "classes that part",
    )
    caption = "Phase transitions: β is where the optimum changes, local β where the solution "
    caption += "before it loses stability."
    for mechanism in dict.fromkeys(transition.mechanism for transition in transitions):
        caption += f" {mechanism.capitalize()}: {_HAPPENS[mechanism]}."
    if len(transitions) > _MOST_TRANSITIONS:
        caption += f" The first {_MOST_TRANSITIONS} of {len(transitions)}."
    rows = tuple(_row(transition, units) for transition in transitions[:_MOST_TRANSITIONS])
    return Table(columns, rows, caption)


def _row(transition: PhaseTransition, units: Units) -> tuple[str, ...]:
    local = transition.beta_local
    return (
        format_beta(transition.beta, digits=6),
        NOTHING if math.isnan(local) else format_beta(local, digits=6),
        str(transition.order),
        transition.mechanism,
        write_number(transition.jump_i_xt * unit_scale(units)) if transition.order == 1 else "0",
        f"{transition.clusters_before} → {transition.clusters_after}",
        _groups(transition),
    )


def _groups(transition: PhaseTransition) -> str:
    groups = transition.separates
    if not groups:
        return NOTHING
    if len(groups) > _MOST_GROUPS and all(len(group) == 1 for group in groups):
        return f"all of {write_names([write_name(group[0]) for group in groups])}"
    shown = " | ".join(write_names(group, most=_MOST_OF_A_SIDE) for group in groups[:_MOST_GROUPS])
    left = len(groups) - _MOST_GROUPS
    return f"{shown} | {left} more groups" if left > 0 else shown


def _headline(given: Findings) -> tuple[str, ...]:
    whole = given.shared("analysis")
    return () if isinstance(whole, Missing) else curve_headline(whole, given.units)


SECTION = SectionKind(
    title=TITLE,
    shared=("analysis",),
    write=lambda given: curve_section(given.shared("analysis"), given.units),
    headline=_headline,
    method=method_of_analysis,
)
