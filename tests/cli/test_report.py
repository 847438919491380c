import contextlib
import json
import shutil

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import ibcollapse as ib
from ibcollapse_cli.main import main

QUICK = ("--points", "4", "--max-loss", "0.2", "--fraction", "0.3")


@pytest.fixture
def features(tmp_path):
    """Three classes in four dimensions, 30 rows each."""
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    return write(tmp_path / "a.h5", 2.0 * np.eye(3, 4)[y] + rng.normal(size=(90, 4)), y)


def write(path, x, y):
    with h5py.File(path, "w") as file:
        file["features"], file["labels"] = x, y
    return path


def run(*arguments, where):
    with contextlib.chdir(where):
        return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_one_file_becomes_one_page(features, tmp_path):
    result = run(features.name, *QUICK, where=tmp_path)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "ibcollapse_a.html").read_text(encoding="utf-8")
    analysis = ib.curve(features, n_points=4, max_loss=0.2, fraction=0.3)
    assert analysis.provenance.fingerprint in page
    assert "one file was given" in page.lower()
    assert page.count("<section ") == 8
    assert "<h1>ibcollapse: a.h5</h1>" in page
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "ibcollapse_a.html"]


def test_a_pair_is_aligned_and_the_json_holds_the_measurements(features, tmp_path):
    rng = np.random.default_rng(1)
    with h5py.File(features) as file:
        x, y = file["features"][:], file["labels"][:]
    (tmp_path / "other").mkdir()
    twin = write(tmp_path / "other" / "a.h5", x @ rng.normal(size=(4, 4)), y)
    chosen = ("--sections", "alignment,geometry,information", "--seed", "3")
    result = run(features, twin, *chosen, "--json", "-", "-q", where=tmp_path)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["schema"] == "ibcollapse/report"
    assert found["results"]["curve"] is None
    assert [s["title"] for s in found["sections"]] == [
        "Collapse geometry",
        "Alignment of the networks",
        "Matrix information",
    ]
    aligned = ib.align(features, twin, seed=3)
    assert found["results"]["alignment"]["whole"]["cka"]["value"] == aligned.whole.cka.value
    names = list(found["results"]["geometry"])
    assert len(names) == 2
    assert names[1] == "other/a.h5"
    etf = ib.collapse_geometry(features).etf_distance
    assert found["results"]["geometry"][names[0]]["etf_distance"] == etf
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize("name", ["page.md", "page.json", "page.html"])
def test_the_suffix_says_the_format(features, tmp_path, name):
    result = run(features, "--sections", "geometry", "-o", name, where=tmp_path)
    assert result.exit_code == 0, result.output
    text = (tmp_path / name).read_text(encoding="utf-8")
    start = {"page.md": "# ", "page.json": "{", "page.html": "<!DOCTYPE"}[name]
    assert text.startswith(start)
    assert "Collapse geometry" in text
    assert (tmp_path / "page_figures").is_dir() == (name == "page.md")


def test_a_section_that_fails_says_why_and_the_exit_code_is_1(features, tmp_path):
    other = write(
        tmp_path / "b.h5", np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    )
    result = run(features, other, "--sections", "geometry,alignment", where=tmp_path)
    assert result.exit_code == 1, result.output
    page = (tmp_path / "ibcollapse_a.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="samples") as reason:
        ib.align(features, other)
    assert str(reason.value)[1:40] in page
    assert "Collapse geometry" in page
    assert str(reason.value) in result.stderr


def test_more_features_than_samples_still_give_a_page(tmp_path):
    rng = np.random.default_rng(0)
    files = [write(tmp_path / n, rng.normal(size=(24, 40)), np.arange(24) % 2) for n in "ab"]
    files = [shutil.move(file, f"{file}.h5") for file in files]
    result = run(*files, *QUICK, where=tmp_path)
    assert result.exit_code == 1, result.output
    page = (tmp_path / "ibcollapse_a.html").read_text(encoding="utf-8")
    assert "set both ridge and shrinkage" in page


def test_a_joint_table_has_a_curve_and_reasons_for_the_rest(tmp_path):
    np.save(tmp_path / "joint.npy", np.array([[0.45, 0.05], [0.05, 0.45]]))
    result = run("joint.npy", where=tmp_path)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "ibcollapse_joint.html").read_text(encoding="utf-8")
    # The binary symmetric channel: beta_c = (1 − 2 delta)^−2.
    assert "β = 1.5625" in page
    assert page.count("A joint table holds no features") >= 3


def test_nothing_measured_is_an_error_and_leaves_no_page(features, tmp_path):
    with h5py.File(features, "a") as file:
        file["features"][3, 1] = np.nan
    result = run(features, *QUICK, "-q", where=tmp_path)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "--drop-nonfinite" in result.stderr
    assert list(tmp_path.iterdir()) == [features]


def test_a_broken_joint_table_is_told_as_one(tmp_path):
    (tmp_path / "joint.csv").write_text("0.5,-0.1\n0.3,0.3\n")
    result = run("joint.csv", "-q", where=tmp_path)
    assert result.exit_code == 2
    assert "joint table has 1 negative" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sections", "curve,nonsense"], "'nonsense'; choose from"),
        (["--format", "pdf"], "'pdf' is not one of"),
        (["--loss-temperature", "0"], "0.0 is not in the range"),
        (["-o", "no/such/folder.html"], "No such file or directory"),
        (["-o", "."], "is a folder"),
    ],
)
def test_bad_options_end_before_the_work(features, tmp_path, arguments, message):
    result = run(features, *arguments, where=tmp_path)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == [features]


def test_a_defect_is_not_swallowed(features, tmp_path, monkeypatch):
    def broken(*_arguments, **_options):
        raise ZeroDivisionError("no reason")

    monkeypatch.setattr("ibcollapse.report.sections.geometry.collapse_geometry", broken)
    result = run(features, "--sections", "geometry", where=tmp_path)
    assert result.exit_code == 70
    assert "ZeroDivisionError" in result.stderr


def test_an_interrupted_curve_leaves_a_page_of_what_was_finished(features, tmp_path, monkeypatch):
    from ibcollapse.analysis import AnalysisInterrupted

    whole = ib.curve(features, n_points=4, max_loss=0.2, fraction=0.3)

    def stop(*_arguments, **_options):
        raise AnalysisInterrupted(whole)

    monkeypatch.setattr("ibcollapse.report.measuring.curve", stop)
    result = run(features, where=tmp_path)
    assert result.exit_code == 130
    page = (tmp_path / "ibcollapse_a.html").read_text(encoding="utf-8")
    assert f"{len(whole.curve.solutions)} solutions" in page
    assert "interrupted" in page


def test_a_report_that_is_stopped_after_the_curve_keeps_it(features, tmp_path, monkeypatch):
    def stop(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("ibcollapse.report.sections.information.matrix_information", stop)
    result = run(features, *QUICK, where=tmp_path)
    assert result.exit_code == 130
    page = (tmp_path / "ibcollapse_a.html").read_text(encoding="utf-8")
    assert "Information-bottleneck curve" in page
    assert "Collapse geometry" in page
    assert "The run was interrupted before this was measured" in page


def test_a_curve_that_takes_too_long_is_ended_and_the_rest_is_measured(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(600) % 6
    x = 1.5 * np.eye(6, 8)[y] + rng.normal(size=(600, 8))
    path = write(tmp_path / "slow.h5", x, y)
    chosen = ("--curve-time", "0.2", "--max-loss", "0", "--sections", "curve,geometry")
    result = run(path, *chosen, where=tmp_path)
    assert result.exit_code == 1, result.output
    assert "the curve was ended after 0.2 s" in result.stderr
    page = (tmp_path / "ibcollapse_slow.html").read_text(encoding="utf-8")
    assert "The time was up at beta" in page
    assert "Neural-collapse figures" in page
