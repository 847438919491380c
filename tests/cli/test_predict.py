import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from ibcollapse.landscape import selfsupervised, seli_geometry, supcon_geometry
from ibcollapse.serialize import load_result
from ibcollapse_cli.main import main


def run(*arguments):
    return CliRunner().invoke(main, ["predict", *map(str, arguments)])


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(400, 3)) * [3.0, 1.0, 0.2]
    path = tmp_path / "pairs.npz"
    np.savez(path, **{f"view_{v}": signal + rng.normal(size=(400, 3)) for v in "ab"})
    return path


def test_supcon_json_holds_the_librarys_numbers():
    result = run(
        "--loss", "supcon", "--counts", "500,500,50,50", "--temperature", 0.1, "--json", "-"
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    expected = supcon_geometry([500, 500, 50, 50], 0.1)
    assert found["schema"] == "ibcollapse/prediction"
    assert (found["prediction"], found["units"]) == ("supcon", "nats")
    assert found["gram"] == expected.gram.tolist()
    assert (found["loss"], found["gap"], found["rank"]) == (
        expected.loss,
        expected.gap,
        expected.rank,
    )


def test_cross_entropy_json_has_both_grams():
    result = run("--loss", "ce", "--counts", "70,70,10,10", "--ridge", 0.01, "--json", "-")
    found = json.loads(result.stdout)
    expected = seli_geometry([70, 70, 10, 10], ridge=0.01)
    assert found["gram"] == expected.gram.tolist()
    assert found["classifier_gram"] == expected.classifier_gram.tolist()


def test_tables_name_what_they_hold():
    table = run("--loss", "supcon", "--counts", "20,20,2,2", "--temperature", 1).stdout
    assert "3.100532667" in table
    assert "-0.893848" in table
    table = run("--loss", "ce", "--counts", "10,10,1,1").stdout
    assert "classifier norm^2" in table
    many = run("--loss", "supcon", "--counts", ",".join(map(str, range(2, 30))), "--temperature", 1)
    assert "largest cosine" in many.stdout


def test_lone_classes_have_no_inside():
    table = run("--loss", "supcon", "--counts", "9,3", "--temperature", 1).stdout
    assert "–" in table


@pytest.mark.parametrize(
    ("loss", "options", "keywords"),
    [
        ("spectral", ["--bias"], {"bias": True}),
        ("infonce-distance", ["--temperature", "0.5"], {"temperature": 0.5}),
        ("vicreg", ["--alignment", "3"], {"alignment": 3.0}),
        ("infonce-dot", ["--normalised", "0.1"], {"normalised": 0.1}),
    ],
)
def test_self_supervised_losses_read_pairs(pairs, loss, options, keywords):
    from ibcollapse.landscape import covariances_from_pairs, load_pairs

    result = run("--loss", loss, "--pairs", pairs, "--n-outputs", 3, "--json", "-", *options)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    moments = covariances_from_pairs(*load_pairs(pairs))
    expected = selfsupervised(moments.a0, moments.c, loss=loss, n_outputs=3, **keywords)
    assert found["feature_variances"] == expected.feature_variances.tolist()
    assert "400 pairs" in result.stderr


def test_the_path_along_augmentation_strength_is_drawn_and_in_the_json(pairs, tmp_path):
    from ibcollapse.landscape import augmentation_path, covariances_from_pairs, load_pairs

    plot, written = tmp_path / "path.svg", tmp_path / "path.json"
    options = ("--loss", "vicreg", "--alignment", 3, "--pairs", pairs, "--n-outputs", 3)
    drawing = ("--plot", plot, "--strengths", 0.1, 10, "--json", written, "-q")
    result = run(*options, *drawing)
    assert result.exit_code == 0, result.output
    found = json.loads(written.read_text())["augmentation_path"]
    moments = covariances_from_pairs(*load_pairs(pairs))
    expected = augmentation_path(
        moments.a0, moments.c, found["strengths"], loss="vicreg", n_outputs=3, alignment=3.0
    )
    assert found["strengths"][0] == 0.1
    assert found["strengths"][-1] == pytest.approx(10.0, rel=1e-12)
    assert found["feature_variances"] == expected.feature_variances.tolist()
    assert "augmentation strength" in plot.read_text(encoding="utf-8")


def test_a_table_says_what_collapsed(pairs):
    result = run("--loss", "vicreg", "--alignment", 3, "--pairs", pairs, "--n-outputs", 3, "-q")
    assert "dimensional collapse" in result.stdout
    assert result.stderr == ""
    learned = [line.split()[-1] for line in result.stdout.splitlines()[2:]]
    assert f"{learned.count('yes')} directions learned" in result.stdout


def test_a_direction_for_which_outputs_are_missing_is_not_called_collapsed(pairs):
    result = run("--loss", "spectral", "--pairs", pairs, "--n-outputs", 1, "-q")
    first, header, *rows = result.stdout.splitlines()
    assert "1 directions learned, no collapse" in first
    assert "collapsed" not in header
    # Numbered from 1, as in the figure of --plot.
    numbered = [(row.split()[0], row.split()[-1]) for row in rows]
    assert numbered == [("1", "yes"), ("2", "no"), ("3", "no")]


def test_results_are_written_where_asked(tmp_path):
    out, written = tmp_path / "geometry.h5", tmp_path / "geometry.json"
    result = run("--loss", "ce", "--counts", "5,3", "-o", out, "--json", written)
    assert result.exit_code == 0, result.output
    assert load_result(out).counts.tolist() == [5, 3]
    assert json.loads(written.read_text())["counts"] == [5, 3]
    assert "Cosines" in result.stdout


def test_an_unreached_tolerance_is_exit_code_one():
    result = run(
        "--loss", "supcon", "--counts", "37,11,5,3,2", "--temperature", 0.02, "--tol", 1e-30
    )
    assert result.exit_code == 1
    assert "raise tol" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--loss", "supcon", "--counts", "5,5"], "needs --temperature"),
        (["--loss", "supcon", "--temperature", "1"], "needs --counts"),
        (["--loss", "ce", "--counts", "5,x"], "whole numbers"),
        (["--loss", "ce", "--counts", "5,0"], "class 1 has 0"),
        (["--loss", "supcon", "--counts", "5,1", "--temperature", "1"], "class 1 has 1"),
        (["--loss", "supcon", "--counts", "5,5", "--temperature", "0"], "temperature is"),
        (["--loss", "ce", "--counts", "5,5", "--temperature", "1"], "does not apply"),
        (
            ["--loss", "spectral", "--pairs", "absent.npz", "--n-outputs", "2"],
            "no such feature",
        ),
        (["--loss", "spectral", "--pairs", "absent.npz"], "needs --n-outputs"),
        (["--loss", "hinge"], "hinge"),
        (["--loss", "ce", "--counts", "5,5", "--plot", "a.png"], "does not apply"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_two(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strengths", "1", "2"], "give --plot"),
        (["--plot", "a.png", "--strengths", "2", "1"], "0 < FROM < TO"),
        (["--plot", "a.gif"], ".png, .svg or .pdf"),
    ],
)
def test_mistakes_about_the_plot_are_told(pairs, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("--loss", "spectral", "--pairs", pairs, "--n-outputs", 2, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_help_loads_no_numerics():
    code = (
        "import sys; from ibcollapse_cli.commands.predict import predict; "
        "print([m for m in ('numpy', 'scipy', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
