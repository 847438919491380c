"""Files whose names are bytes that are not UTF-8."""

import os

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import ibcollapse as ib
from ibcollapse_cli.main import main

NAME = os.fsdecode(b"caf\xe9")
FEW = ("--points", "3", "--fraction", "0.3", "--max-loss", "0.2")


@pytest.fixture(autouse=True)
def features(tmp_path, monkeypatch):
    """Three classes in four dimensions, 30 rows each, twice in the current folder."""
    monkeypatch.chdir(tmp_path)
    y = np.arange(90) % 3
    for seed, name in enumerate((NAME, NAME + "2")):
        x = 2.0 * np.eye(3, 4)[y] + np.random.default_rng(seed).normal(size=(90, 4))
        with h5py.File(os.fsencode(f"{name}.h5"), "w") as file:
            file["features"], file["labels"] = x, y


def run(*arguments):
    done = CliRunner().invoke(main, [*arguments, "--quiet"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_curve_is_written_into_a_folder_of_that_name_and_drawn(tmp_path):
    run("curve", f"{NAME}.h5", *FEW)
    folder = tmp_path / f"ibcollapse_{NAME}"
    assert sorted(p.name for p in folder.iterdir()) == [
        "curve.h5", "curve.png", "curve.svg", "tree.png", "tree.svg"
    ]  # fmt: skip
    assert ib.load_result(folder / "curve.h5").curve.status == "converged"
    assert "caf\\udce9.h5" in (folder / "curve.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", ["html", "md", "json"])
def test_a_report_is_written(suffix, tmp_path):
    page = f"{NAME}.{suffix}"
    run("report", f"{NAME}.h5", f"{NAME}2.h5", *FEW, "--sections", "curve,alignment", "-o", page)
    text = (tmp_path / page).read_text(encoding="utf-8")
    assert "udce9" in text
    if suffix == "md":
        assert "](<caf%E9_figures/01.svg>)" in text


@pytest.mark.parametrize("suffix", ["h5", "json"])
@pytest.mark.parametrize(
    "arguments",
    [("geometry", f"{NAME}.h5"), ("align", f"{NAME}.h5", f"{NAME}2.h5", "--bootstrap", "2")],
    ids=lambda arguments: arguments[0],
)
def test_results_load_from_such_a_name(arguments, suffix):
    output = f"{NAME}.out.{suffix}"
    run(*arguments, "-o", output)
    assert ib.load_result(output) is not None


def test_what_is_wrong_with_such_a_file_is_one_line():
    done = CliRunner().invoke(main, ["inspect", f"{NAME}.none"])
    assert done.exit_code == 2
    assert done.stderr == "Error: caf\\udce9.none: no such feature file\n"
