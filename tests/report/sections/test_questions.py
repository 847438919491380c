"""What a curve was asked further."""

import pytest


def table_of(report, title, caption):
    (section,) = [s for s in report.sections if s.title.startswith(title)]
    (table,) = [t for t in section.tables if caption in t.caption]
    return table


def test_intervals_are_those_of_the_bootstrap(report, measured):
    found = measured["analysis"].bootstrap
    table = table_of(report, "Information", "percentile intervals")
    assert len(table.rows) == len(found.reference.transitions)
    low = float(table.rows[0][1])
    assert low == pytest.approx(found.beta_intervals[0, 0], rel=1e-4)


def test_every_loop_is_in_the_table(report, measured):
    loops = measured["analysis"].hysteresis
    assert loops
    table = table_of(report, "Information", "Hysteresis")
    assert len(table.rows) == len(loops)
