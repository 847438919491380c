"""An error that nobody foresaw ends a command with 70, after what was finished is handed over."""

import dataclasses
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import ibcollapse as ib
from ibcollapse.analysis import questions, running
from ibcollapse.bottleneck.deadline import INTERNAL_ERROR
from ibcollapse_cli.main import main

FEW = ("--points", "3", "--fraction", "0.3", "--max-loss", "0.2")


@pytest.fixture(autouse=True)
def features(tmp_path, monkeypatch):
    """Three classes in four dimensions, 30 rows each, in the current folder."""
    monkeypatch.chdir(tmp_path)
    y = np.arange(90) % 3
    x = 2.0 * np.eye(3, 4)[y] + np.random.default_rng(0).normal(size=(90, 4))
    with h5py.File("a.h5", "w") as file:
        file["features"], file["labels"] = x, y


def fail(*_arguments, **_options):
    raise ZeroDivisionError("probe")


@pytest.fixture
def stopped_curve(monkeypatch):
    """Every curve is one that an internal error stopped."""
    trace = running.trace_curve

    def stop(*arguments, **options):
        traced = trace(*arguments, **options)
        status = f"{INTERNAL_ERROR} the curve at beta = 2: ZeroDivisionError"
        return dataclasses.replace(traced, status=status)

    monkeypatch.setattr(running, "trace_curve", stop)


def run(*arguments):
    done = CliRunner().invoke(main, [*arguments, "--quiet"])
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.exit_code == 70, done.output
    assert done.stderr.splitlines() == errors
    assert len(errors) == 1
    return done, errors[0]


def test_a_curve_that_one_stopped_is_written_and_drawn(stopped_curve, tmp_path):
    done, error = run("curve", "a.h5", *FEW, "-o", "out", "--json", "a.json")
    assert error.startswith(f"Error: {INTERNAL_ERROR} the curve at beta = 2: ZeroDivisionError;")
    assert "Phase transitions" in done.stdout
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written >= {"curve.h5", "curve.png", "curve.svg", "tree.png", "tree.svg"}
    assert ib.load_result("out/curve.h5").curve.status.startswith(INTERNAL_ERROR)
    assert json.loads((tmp_path / "a.json").read_text())["status"].startswith(INTERNAL_ERROR)


@pytest.mark.usefixtures("stopped_curve")
def test_what_a_curve_that_one_stopped_may_go_on_from_stays(tmp_path):
    (tmp_path / "out").mkdir()
    stored = ib.trace_curve(ib.Channel.from_joint([[0.45, 0.05], [0.05, 0.45]]))
    stored.save("out/curve.unfinished.h5")
    run("curve", "a.h5", *FEW, "-o", "out")
    assert (tmp_path / "out" / "curve.unfinished.h5").exists()


@pytest.mark.usefixtures("stopped_curve")
def test_transitions_before_it_are_listed():
    done, _ = run("transitions", "a.h5", *FEW)
    assert "Phase transitions" in done.stdout


@pytest.mark.parametrize("name", ["bootstrap_curve", "trace_hysteresis"])
def test_one_in_what_was_asked_about_a_curve_costs_no_curve(name, monkeypatch, tmp_path):
    monkeypatch.setattr(questions, name, fail)
    monkeypatch.setattr(questions, "tells_ways_apart", lambda _transition: True)
    asked = ("--hysteresis", "--bootstrap", "2", "--workers", "1")
    _, error = run("curve", "a.h5", *FEW, *asked, "-o", "out")
    assert error.startswith(f"Error: {INTERNAL_ERROR} what was asked about the curve: ZeroDivision")
    assert ib.load_result("out/curve.h5").curve.status == "converged"
    (kept,) = tmp_path.glob("ibcollapse-error-*.txt")
    assert str(kept) in error
    assert "in fail" in kept.read_text()


def test_one_in_a_picture_costs_no_result(monkeypatch, tmp_path):
    monkeypatch.setattr("ibcollapse.report.curve_figure", fail)
    done, _ = run("curve", "a.h5", *FEW, "-o", "out", "--json", "a.json")
    assert ib.load_result("out/curve.h5").curve.status == "converged"
    assert (tmp_path / "a.json").exists()
    assert "Phase transitions" in done.stdout


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("ibcollapse.report.sections.geometry.collapse_geometry", "geometry"),
        ("ibcollapse.report.sections.information.matrix_information", "information"),
    ],
)
def test_one_in_a_section_of_a_report_costs_the_others_nothing(
    name, section, monkeypatch, tmp_path
):
    monkeypatch.setattr(name, fail)
    run("report", "a.h5", *FEW, "-o", "page.html", "--json", "page.json")
    assert "n internal error: ZeroDivisionError: probe" in (tmp_path / "page.html").read_text()
    results = json.loads((tmp_path / "page.json").read_text())["results"]
    assert results["curve"]["status"] == "converged"
    reason = {"reason": "an internal error: ZeroDivisionError: probe"}
    assert list(results[section].values()) == [reason]


@pytest.mark.usefixtures("stopped_curve")
def test_a_report_of_a_curve_that_one_stopped_is_written(tmp_path):
    run("report", "a.h5", *FEW, "--sections", "curve", "-o", "page.html")
    assert INTERNAL_ERROR in (tmp_path / "page.html").read_text().lower()


@pytest.mark.parametrize(
    ("command", "name", "shown"),
    [
        ("geometry", "ibcollapse.landscape.network_bounds", "NC1"),
        ("information", "ibcollapse.matrix_information.effective_ranks", "HDR"),
    ],
)
def test_one_in_the_second_measure_costs_the_first_nothing(command, name, shown, monkeypatch):
    monkeypatch.setattr(name, fail)
    done, _ = run(command, "a.h5", "--json", "a.json")
    assert shown in done.stdout
    assert json.loads(Path("a.json").read_text())["schema"].startswith("ibcollapse/")


def test_one_in_the_plot_of_a_prediction_costs_no_prediction(monkeypatch):
    rng = np.random.default_rng(0)
    view = rng.normal(size=(40, 3))
    np.savez("pairs.npz", view_a=view, view_b=view + 0.1 * rng.normal(size=(40, 3)))
    monkeypatch.setattr("ibcollapse.landscape.augmentation_path", fail)
    wanted = ("--pairs", "pairs.npz", "--n-outputs", "2", "--plot", "p.png", "-o", "p.h5")
    done, _ = run("predict", "--loss", "spectral", *wanted)
    assert "direction" in done.stdout
    assert ib.load_result("p.h5").n_active >= 1


def test_a_missing_second_file_is_met_before_the_curve(monkeypatch):
    monkeypatch.setattr(running, "trace_curve", fail)
    done = CliRunner().invoke(main, ["report", "a.h5", "absent.h5", "-o", "page.html", "-q"])
    assert done.exit_code == 2
    assert "absent.h5" in done.stderr
