"""The losses of a network beside their lower bounds."""

from ibcollapse.report.wording import write_number


def table_of(report, title, caption):
    (section,) = [s for s in report.sections if s.title.startswith(title)]
    (table,) = [t for t in section.tables if caption in t.caption]
    return table


def test_the_bounds_are_those_measured_a_sample(report, measured):
    table = table_of(report, "Collapse", "Losses beside")
    bounds = measured["bounds"]
    # Without a stored classifier there is one loss.
    ((_, loss, shown, bound, above),) = table.rows
    assert "batches of 16" in loss
    assert shown.startswith(write_number(bounds.supcon.loss / 16))
    assert bound == write_number(bounds.supcon.bound / 16)
    assert above == write_number(bounds.supcon.excess / 16)
