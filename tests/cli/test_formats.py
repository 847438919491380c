import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ibcollapse.errors import OutputError
from ibcollapse_cli.formats import format_cell, write_json, write_table


@dataclasses.dataclass(frozen=True)
class Point:
    beta: float
    clusters: np.ndarray


def test_json_to_standard_output_is_one_strict_object(capsys):
    fields = {
        "n": np.int64(3),
        "point": Point(1.5, np.array([1.0, np.nan, np.inf])),
        "pairs": (("a", "b"), ("c",)),
        "path": Path("x/y.h5"),
        "certified": np.bool_(True),
        "none": None,
    }
    write_json("curve", fields, "-")
    out, err = capsys.readouterr()
    document = json.loads(out, parse_constant=pytest.fail)
    assert next(iter(document)) == "schema"
    assert document == {
        "schema": "curve",
        "n": 3,
        "point": {"beta": 1.5, "clusters": [1.0, None, None]},
        "pairs": [["a", "b"], ["c"]],
        "path": "x/y.h5",
        "certified": True,
        "none": None,
    }
    assert err == ""


def test_json_keeps_every_digit(tmp_path):
    values = [math.pi, 1e-300, 0.1 + 0.2]
    write_json("curve", {"beta": np.array(values)}, str(tmp_path / "x.json"))
    assert json.loads((tmp_path / "x.json").read_text())["beta"] == values


def test_json_into_a_missing_folder_says_so(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_json("curve", {}, str(tmp_path / "missing" / "x.json"))


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(TypeError):
        write_json("curve", {"x": object()}, "-")


def test_tables_keep_brackets_and_long_cells(capsys):
    name = "[red]" + "very long class name " * 20
    write_table(["class", "beta"], [[name, 1.25], ["b", math.nan]], title="[Transitions]")
    out = capsys.readouterr().out.splitlines()
    assert out[0].rstrip() == "[Transitions]"
    assert out[2].startswith(name)
    assert out[2].rstrip().endswith("1.25")
    assert out[3].split() == ["b", "–"]


def test_numbers_are_flush_right(capsys):
    write_table(["n"], [[5], [12345]])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "    n",
        "    5",
        "12345",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (1.2246250001, "1.22463"), (3, "3"), (np.float64(2.5), "2.5")],
)
def test_cells(value, text):
    assert format_cell(value) == text
