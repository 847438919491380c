"""Short HTML tables of results, for notebooks: escaped, of bounded size, without matplotlib."""

import dataclasses
import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ibcollapse.analysis import Analysis
from ibcollapse.bottleneck import IBCurve, PhaseTransition
from ibcollapse.display import register_table
from ibcollapse.geometry import MEASURES, GeometryReport
from ibcollapse.report.document import Table
from ibcollapse.report.wording import (
    NOTHING,
    shorten,
    write_count,
    write_information,
    write_names,
    write_number,
    write_share,
)

# A notebook shows a result to say what it is; with cells of up to `_LONGEST_CELL` characters, each
# of which escaping may make six, no table has 40 000.
_MOST_ROWS = 24
_MOST_TRANSITIONS = 12
_MOST_GROUPS = 4
_LONGEST_CELL = 48
_LONGEST_CAPTION = 400
_DIGITS = 6


def html_table(table: Table) -> str:
    """`table` as an HTML element: its first `_MOST_ROWS` rows, its cells shortened and escaped."""
    rows = table.rows[:_MOST_ROWS]
    left = len(table.rows) - len(rows)
    caption = shorten(table.caption, _LONGEST_CAPTION) + (f" {left} more rows." if left else "")
    lines = [f"<caption>{html.escape(caption)}</caption>"]
    lines.append(_row(table.columns, "th"))
    lines += [_row(row, "td") for row in rows]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _row(cells: tuple[str, ...], tag: str) -> str:
    inside = (html.escape(shorten(cell, _LONGEST_CELL)) for cell in cells)
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in inside) + "</tr>"


@register_table()
def fields_html(result: Any) -> str:
    """The fields of any result: numbers and texts, and of what is larger its kind and size."""
    names = [field.name for field in dataclasses.fields(result)]
    rows = tuple((name, _described(getattr(result, name))) for name in names)
    return html_table(Table(("field", "value"), rows, type(result).__name__))


@register_table("bottleneck/IBCurve")
def curve_html(curve: IBCurve) -> str:
    """How far a curve goes, and its first transitions."""
    return html_table(_transitions(curve, "IBCurve"))


@register_table("analysis/Analysis")
def analysis_html(analysis: Analysis) -> str:
    """The curve of an analysis, and what it is the curve of."""
    summary = analysis.channel
    points = f"{write_count(summary.n, 'point')} merged to {summary.n_reduced}"
    return html_table(_transitions(analysis.curve, f"Analysis, {points}"))


@register_table("geometry/GeometryReport")
def geometry_html(report: GeometryReport) -> str:
    """The measures of collapse beside their values at collapse."""
    rows = tuple(
        (measure.name, measure.at_collapse, write_number(getattr(report, measure.field)))
        for measure in MEASURES
    )
    caption = (
        f"GeometryReport, {report.n_samples} samples in {report.n_features} dimensions, "
        f"{len(report.counts)} classes."
    )
    return html_table(Table(("measure", "at collapse", "value"), rows, caption))


def _transitions(curve: IBCurve, what: str) -> Table:
    caption = f"{what}: {write_count(len(curve.solutions), 'solution')}"
    if curve.solutions:
        last = curve.solutions[-1]
        share = write_share(last.i_ty / curve.i_xy) if curve.i_xy > 0 else NOTHING
        caption += (
            f" up to β = {write_number(last.beta, digits=_DIGITS)}, "
            f"I(T;Y) = {write_information(last.i_ty, 'nats')}, {share} of I(X;Y)"
        )
    caption += f"; {write_count(len(curve.transitions), 'transition')}; {curve.status}."
    shown = curve.transitions[:_MOST_TRANSITIONS]
    left = len(curve.transitions) - len(shown)
    if left:
        caption += f" {left} more transitions in .transitions_to_pandas()."
    columns = ("β", "local β", "order", "what happens", "jump of I(X;T)", "clusters", "separates")
    return Table(columns, tuple(map(_transition, shown)), caption)


def _transition(found: PhaseTransition) -> tuple[str, ...]:
    return (
        write_number(found.beta, digits=_DIGITS),
        write_number(found.beta_local, digits=_DIGITS),
        str(found.order),
        found.mechanism,
        write_number(found.jump_i_xt),
        f"{found.clusters_before} → {found.clusters_after}",
        _groups(found.separates) or NOTHING,
    )


def _groups(groups: Sequence[Sequence[str]]) -> str:
    """The groups in a row, each by its first names."""
    shown = " | ".join(write_names(group, most=2) for group in groups[:_MOST_GROUPS])
    left = len(groups) - _MOST_GROUPS
    return f"{shown} | {left} more" if left > 0 else shown


def _described(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if isinstance(value, float):
        return write_number(value, digits=_DIGITS)
    if isinstance(value, (bool, int, str)):
        return str(value)
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, Mapping):
        return f"{type(value).__name__} of {len(value)}"
    return _listed(value) if isinstance(value, (tuple, list)) else type(value).__name__


def _listed(values: Sequence[Any]) -> str:
    if not values:
        return "none"
    if _are_names(values):
        return write_names(values, most=4)
    if all(isinstance(value, tuple) and _are_names(value) for value in values):
        return _groups(values)
    return f"{len(values)} × {', '.join(sorted({type(value).__name__ for value in values}))}"


def _are_names(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
