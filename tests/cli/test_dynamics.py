import json

import pytest
from click.testing import CliRunner
from trajectory.runs import write_run

import ibcollapse as ib
from ibcollapse_cli.main import main

QUICK = (
    *("--bootstrap", "0", "--resamples", "2", "--epochs", "0,4"),
    *("--max-clusters", "3", "--max-rows", "20", "-q"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [str(write_run(folder / f"{letter}.h5", i)) for i, letter in enumerate("ab")]


def test_writes_result_pictures_and_table(files, tmp_path):
    ran = CliRunner().invoke(main, ["dynamics", *files, *QUICK, "-o", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    assert "pair: all 2 transitions" in ran.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"dynamics.h5", "dynamics.png", "dynamics.svg", "last_checkpoint.png"}
    assert ib.load_result(tmp_path / "out" / "dynamics.h5").epochs.tolist() == [0, 4]


def test_json_alone_goes_to_standard_output_and_writes_nothing(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(main, ["dynamics", files[0], *QUICK, "--json", "-"])
    assert ran.exit_code == 0, ran.output
    result = json.loads(ran.stdout)
    assert result["schema"] == "ibcollapse/dynamics"
    assert result["columns"]["epoch"] == [0, 4]
    assert result["columns"]["pair_beta_last"] == [None, None]
    assert {s["bottleneck"] for s in result["statements"]} == {"labels", "discrete"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["--epoch", "1"], ["--epochs", "1,x"], ["--beta", "1"], ["b.h5", "c.h5"]]
)
def test_wrong_usage_ends_with_two(files, arguments):
    assert CliRunner().invoke(main, ["dynamics", files[0], *arguments]).exit_code == 2
