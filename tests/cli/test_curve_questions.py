"""--hysteresis and --bootstrap of `curve` and `report`."""

import contextlib
import json
import re

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import ibcollapse as ib
from ibcollapse_cli.main import main

QUICK = ("--points", "4", "--max-loss", "0.2", "--fraction", "0.3")


@pytest.fixture
def symmetric(tmp_path):
    """W = I/2 + 1/6 of three classes: one jump at 3.898735, stable below until 1/a² = 4."""
    np.save(tmp_path / "joint.npy", (0.5 * np.eye(3) + 0.5 / 3) / 3)
    return tmp_path / "joint.npy"


@pytest.fixture
def features(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"], file["labels"] = 2.0 * np.eye(3, 4)[y] + rng.normal(size=(90, 4)), y
    return tmp_path / "a.h5"


def run(*arguments, where):
    with contextlib.chdir(where):
        return CliRunner().invoke(main, list(map(str, arguments)))


def test_hysteresis_is_drawn_stored_and_written_as_json(symmetric, tmp_path):
    result = run(
        "curve", symmetric, "--points", 4, "--hysteresis", "--json", "out.json", where=tmp_path
    )
    assert result.exit_code == 0, result.output
    folder = tmp_path / "ibcollapse_joint"
    (loop,) = json.loads((tmp_path / "out.json").read_text())["hysteresis"]
    assert loop["beta_up"] == pytest.approx(4.0, rel=1e-9)
    # Annealing up stays at nothing learned between the transition and its local limit.
    held = [i for b, i in zip(loop["up"]["beta"], loop["up"]["i_ty"], strict=True) if b < 3.999]
    assert max(held) == pytest.approx(0.0, abs=1e-12)
    assert ib.load_result(folder / "curve.h5").hysteresis[0].beta_up == loop["beta_up"]
    assert (folder / "hysteresis.png").stat().st_size > 10_000
    assert "annealing down" in (folder / "curve.svg").read_text(encoding="utf-8")


def test_the_tree_is_a_picture_and_text(symmetric, tmp_path):
    result = run("curve", symmetric, "--points", 4, "--json", "out.json", where=tmp_path)
    assert result.exit_code == 0, result.output
    tree = json.loads((tmp_path / "out.json").read_text())["tree"]
    (parting,) = tree["partings"]
    assert parting["parts"] == [["0"], ["1"], ["2"]]
    assert parting["beta"] == pytest.approx(3.898735, abs=1e-6)
    assert re.fullmatch(r"\('0':.*'2':.*;", tree["newick"])
    assert "<svg" in (tmp_path / "ibcollapse_joint" / "tree.svg").read_text(encoding="utf-8")


def test_the_bootstrap_is_shown_stored_and_resumed(features, tmp_path):
    command = ("curve", features, *QUICK, "--bootstrap", 3, "--workers", 1, "-o", "out")
    first = run(*command, "--json", "first.json", where=tmp_path)
    assert first.exit_code == 0, first.output
    assert "intervals from 3 resamples" in first.stdout
    found = json.loads((tmp_path / "first.json").read_text())["bootstrap"]
    stored = ib.load_result(tmp_path / "out" / "curve.h5").bootstrap
    assert found["i_xy_interval"] == stored.i_xy_interval.tolist()
    assert found["transitions"][0]["interval"] == stored.beta_intervals[0].tolist()
    assert "bootstrap band" in (tmp_path / "out" / "curve.svg").read_text(encoding="utf-8")
    kept = ib.load_result(tmp_path / "out" / "resamples.h5")
    assert kept.index.tolist() == [0, 1, 2]
    again = run(*command[:-4], "-o", "out", "--json", "-", where=tmp_path)
    assert json.loads(again.stdout)["bootstrap"] == found


def test_resamples_of_other_options_are_refused_with_a_way_out(features, tmp_path):
    command = ("curve", features, *QUICK, "--bootstrap", 2, "--workers", 1, "-o", "out")
    assert run(*command, where=tmp_path).exit_code == 0
    other = run(*command, "--tol", "1e-8", where=tmp_path)
    assert other.exit_code == 2
    assert "resamples.h5" in other.stderr
    assert "delete it" in other.stderr


def test_a_table_needs_its_number_of_observations(symmetric, tmp_path):
    refused = run("curve", symmetric, "--bootstrap", 2, where=tmp_path)
    assert refused.exit_code == 2
    assert "--samples" in refused.stderr
    options = ("--bootstrap", 2, "--samples", 500, "--workers", 1, "--points", 3)
    taken = run("curve", symmetric, *options, "--json", "-", where=tmp_path)
    assert json.loads(taken.stdout)["bootstrap"]["n_samples"] == 500


def test_the_report_has_both(features, tmp_path):
    options = ("--sections", "curve", "--hysteresis", "--bootstrap", 2, "--workers", 1)
    result = run("report", features, *QUICK, *options, where=tmp_path)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "ibcollapse_a.html").read_text(encoding="utf-8")
    assert "Hysteresis: the betas at which" in page
    assert "percentile intervals from resampling" in page
    assert (tmp_path / "ibcollapse_a_resamples.h5").is_file()
