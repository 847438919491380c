"""Every measure along the stored checkpoints."""

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.report import Missing, report_of
from ibcollapse.report.sections import dynamics
from ibcollapse.report.wording import write_number


def table_of(report, title, caption):
    (section,) = [s for s in report.sections if s.title.startswith(title)]
    (table,) = [t for t in section.tables if caption in t.caption]
    return table


def test_the_path_has_a_row_a_checkpoint(report, measured):
    table = table_of(report, "Dynamics", "Checkpoints")
    columns = measured["dynamics"].columns()
    assert [row[0] for row in table.rows] == ["0", "1"]
    nc1 = table.columns.index("NC1")
    assert [row[nc1] for row in table.rows] == [write_number(v) for v in columns["nc1"]]
    assert any("transitions at or below" in text for text in report.sections[-1].text)


def test_a_path_that_was_not_followed_says_why():
    (section,) = report_of(
        dynamics=Missing("there is one checkpoint"), sections=["dynamics"]
    ).sections
    assert "There is one checkpoint" in section.text[0]


def test_the_report_thins_a_long_path_from_its_end(tmp_path):
    from click.testing import CliRunner

    from ibcollapse_cli.main import main

    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    with ib.FeatureWriter(tmp_path / "a.h5") as writer:
        for epoch in range(5):
            x = 2.0 * np.eye(2)[y] + rng.normal(size=(60, 2))
            writer.append({"last": x}, y, epoch=epoch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamics, "_MOST_CHECKPOINTS", 2)
        patch.chdir(tmp_path)
        result = CliRunner().invoke(main, ["report", "a.h5", "--sections", "dynamics", "-q"])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "ibcollapse_a.html").read_text(encoding="utf-8")
    rows = page[page.index("Checkpoints.") :].split("<tr>")[2:]
    epochs = [int("".join(c for c in row.split("</td>")[0][-3:] if c.isdigit())) for row in rows]
    assert epochs[:2] == [1, 4]
