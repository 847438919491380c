import json

import numpy as np
import pytest
from click.testing import CliRunner

from ibcollapse import geometry as library
from ibcollapse.features import FeatureWriter
from ibcollapse.serialize import load_result
from ibcollapse_cli.main import main


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    means = library.simplex_vertices(3)
    with FeatureWriter(tmp_path / "a.h5", class_names=("cat", "dog", "[bold]")) as writer:
        writer.append(
            {"head": means[y] + 0.1 * rng.normal(size=(60, 2))}, y, epoch=2, split="train"
        )
        writer.classifier(means, layer="head", epoch=2)
    return tmp_path / "a.h5"


def run(*arguments):
    return CliRunner().invoke(main, ["geometry", *map(str, arguments)])


def test_table_and_result_file_are_the_librarys(file, tmp_path):
    result = run(file, "--output", tmp_path / "out.h5", "--weighting", "sample")
    assert result.exit_code == 0, result.output
    report = library.collapse_geometry(file, weighting="sample")
    assert f"{report.nc1:.6g}" in result.stdout
    assert "[bold]" in result.stdout
    assert load_result(tmp_path / "out.h5").nc1 == report.nc1


def test_a_sample_at_the_origin_leaves_the_geometry(tmp_path):
    y = np.arange(30) % 3
    x = np.eye(3)[y] + 0.1 * np.random.default_rng(0).normal(size=(30, 3))
    x[4] = 0
    np.savez(tmp_path / "a.npz", features=x, labels=y)
    result = run(tmp_path / "a.npz", "--json", "-")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["bounds"] is None
    assert found["nc1"] == library.collapse_geometry((x, y)).nc1
    assert "1 samples are zero" in result.stderr


def test_json_is_one_object(file):
    result = run(file, "--json", "-", "--quiet")
    found = json.loads(result.stdout)
    report = library.collapse_geometry(file)
    assert found["schema"] == "ibcollapse/geometry"
    assert found["nc3"] == report.nc3
    assert found["simplex_fit"]["class_deviation"] == report.simplex_fit.class_deviation.tolist()
    assert result.stderr == ""


def test_a_missing_file_is_one_line(tmp_path):
    result = run(tmp_path / "absent.h5")
    assert result.exit_code == 2
    assert "absent.h5" in result.stderr
    assert "Traceback" not in result.output
