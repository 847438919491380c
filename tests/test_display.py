"""Results show themselves in a notebook and draw themselves, without knowing how."""

import dataclasses
import importlib
import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse import display
from ibcollapse.bottleneck import PhaseTransition
from ibcollapse.errors import InputError
from ibcollapse.report import curve_figure, render_svg
from ibcollapse.report.result_tables import fields_html
from ibcollapse.storage import serialize

# Each sign becomes six when it is escaped, the most that there is.
LONG = "'" * 1000
BOUND = 40_000


@pytest.fixture(scope="module")
def curve():
    table = np.random.default_rng(0).dirichlet(np.full(3, 0.4), 12) / 12
    return ib.trace_curve(ib.Channel.from_joint(table), n_points=4, fraction=0.5)


def rows(html):
    """Cells of the rows below the head of a table, which must be well-formed."""
    return [[cell.text for cell in row] for row in ET.fromstring(html).findall("tr")[1:]]


def with_transitions(curve, *transitions):
    return dataclasses.replace(curve, transitions=transitions)


def test_a_curve_is_a_table_of_its_transitions(curve):
    found = rows(curve._repr_html_())
    assert len(found) == len(curve.transitions) > 0
    for row, transition in zip(found, curve.transitions, strict=True):
        assert float(row[0]) == pytest.approx(transition.beta, rel=1e-5)
        assert row[2:4] == [str(transition.order), transition.mechanism]
    caption = ET.fromstring(curve._repr_html_()).findtext("caption")
    assert caption.startswith(f"IBCurve: {len(curve.solutions)} solutions up to β = ")
    assert caption.endswith(f"{curve.status}.")


def test_of_many_transitions_the_first_are_shown_and_the_rest_counted(curve):
    many = with_transitions(curve, *(curve.transitions[:1] * 500))
    html = many._repr_html_()
    assert len(rows(html)) == 12
    assert "488 more transitions" in html


def test_class_names_never_become_markup(curve):
    hostile = dataclasses.replace(
        curve.transitions[0], separates=(("<script>alert(1)</script>",), ("a&b\x1b[31m",))
    )
    html = with_transitions(curve, hostile)._repr_html_()
    assert "<script" not in html
    assert "\x1b" not in html
    assert "&lt;script&gt;" in html


def test_no_table_is_longer_than_its_bound(curve):
    wide = dataclasses.replace(curve.transitions[0], mechanism=LONG, separates=((LONG,) * 50,) * 50)
    worst = dataclasses.replace(with_transitions(curve, *[wide] * 500), status=LONG)
    assert len(worst._repr_html_()) < BOUND
    many = dataclasses.make_dataclass("Many", [f"{'x' * 200}{i}" for i in range(200)])
    html = fields_html(many(*[LONG] * 200))
    assert len(html) < BOUND
    assert "176 more rows" in html


def test_a_curve_without_solutions_is_shown():
    empty = ib.IBCurve((), (), 0.0, 0.0, (), "interrupted")
    assert "0 solutions; 0 transitions; interrupted." in empty._repr_html_()


def test_any_result_shows_its_fields(curve):
    transition = curve.transitions[0]
    shown = {row[0]: row[1] for row in rows(transition._repr_html_())}
    assert set(shown) == {field.name for field in dataclasses.fields(PhaseTransition)}
    assert shown["certified"] == str(transition.certified)
    assert shown["separates"] == " | ".join(", ".join(group) for group in transition.separates)
    solution = {row[0]: row[1] for row in rows(curve.solutions[-1]._repr_html_())}
    assert solution["p_t"] == f"float64 {curve.solutions[-1].p_t.shape}"


def test_missing_numbers_are_dashes_and_infinite_ones_signs(curve):
    odd = dataclasses.replace(curve.transitions[0], beta_local=float("nan"), jump_i_xt=np.inf)
    shown = {row[0]: row[1] for row in rows(odd._repr_html_())}
    assert shown["beta_local"] == "–"
    assert shown["jump_i_xt"] == "∞"


def test_geometry_is_a_table_of_its_measures():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    report = ib.collapse_geometry((np.eye(3, 4)[y] + 0.1 * rng.normal(size=(60, 4)), y))
    found = {row[0]: row[2] for row in rows(report._repr_html_())}
    etf = float(found["Gram distance to the simplex ETF"])
    assert etf == pytest.approx(report.etf_distance, rel=1e-3)


def test_every_result_of_the_library_shows_itself():
    for room in serialize.ROOMS:
        importlib.import_module(f"ibcollapse.{room}")
    for schema, entry in serialize._by_schema.items():
        assert callable(entry.cls._repr_html_), schema
        assert hasattr(entry.cls, "plot") == (schema in display.DRAWN), schema


def test_report_draws_exactly_the_results_that_say_so():
    importlib.import_module("ibcollapse.report.result_figures")
    assert set(display._figures) == display.DRAWN
    with pytest.raises(KeyError, match="no method plot"):
        display.register_figure("bottleneck/Channel", curve_figure)


def test_a_curve_draws_the_figure_of_the_report(curve):
    assert render_svg(curve.plot(units="bits")) == render_svg(curve_figure(curve, units="bits"))
    with pytest.raises(InputError, match="units 'bit'"):
        curve.plot(units="bit")


def test_an_analysis_draws_its_gaussian_bottleneck_too():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = 2.0 * np.eye(3, 4)[y] + rng.normal(size=(90, 4))
    analysis = ib.curve((x, y), n_points=4, max_loss=0.2, fraction=0.3)
    expected = curve_figure(analysis.curve, gaussian=analysis.gaussian)
    assert render_svg(analysis.plot()) == render_svg(expected) != render_svg(analysis.curve.plot())
    assert f"90 points merged to {analysis.channel.n_reduced}" in analysis._repr_html_()


def test_a_figure_shows_itself_in_a_notebook(curve):
    assert curve.plot()._repr_png_().startswith(b"\x89PNG\r\n\x1a\n")


def test_showing_a_table_loads_no_matplotlib_and_drawing_does():
    code = """
import json, sys
import ibcollapse as ib
curve = ib.trace_curve(ib.Channel.from_joint([[0.45, 0.05], [0.05, 0.45]]), n_points=2)
curve._repr_html_()
before = "matplotlib" in sys.modules
curve.plot()
print(json.dumps([before, "matplotlib" in sys.modules, "matplotlib.pyplot" in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(done.stdout) == [False, True, False]
