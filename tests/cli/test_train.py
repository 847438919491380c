import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from ibcollapse_cli.commands.train import train
from ibcollapse_cli.main import main

SMALL = ["--network", "mlp", "--feature-dim", "8", "--head-dim", "4", "--batch-size", "20"]


@pytest.fixture
def mixture(tmp_path):
    """Three Gaussian classes in five dimensions, as an .npz file."""
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    inputs = 3.0 * np.eye(3, 5)[labels] + generator.normal(size=(60, 5))
    path = tmp_path / "mixture.npz"
    np.savez(path, x_train=inputs, y_train=labels, x_test=inputs[:15], y_test=labels[:15])
    return str(path)


def test_loading_the_command_loads_no_torch():
    program = (
        "import sys, ibcollapse_cli.commands.train\n"
        "print(sorted({'torch', 'numpy', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.torch
def test_defaults_are_those_of_the_library():
    pytest.importorskip("torch")
    from ibcollapse.nn import TrainingPlan

    plan = TrainingPlan()
    defaults = {option.name: option.default for option in train.params}
    for name, value in plan.provenance().items():
        if name not in ("seed", "checkpoints"):
            assert defaults[name] == value, name
    assert defaults["seeds"] == str(plan.seed)


@pytest.mark.torch
def test_one_file_a_seed(mixture, tmp_path):
    pytest.importorskip("torch")
    output = tmp_path / "run.h5"
    arguments = ["--data", mixture, "--epochs", "2", "--checkpoints", "0,2", "--seeds", "0,3"]
    command = ["train", "-o", str(output), *arguments, *SMALL, "--quiet", "--json", "-"]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["schema"] == "ibcollapse/training"
    assert [run["path"] for run in result["runs"]] == [
        str(tmp_path / f"run_seed{seed}.h5") for seed in (0, 3)
    ]
    for run, seed in zip(result["runs"], (0, 3), strict=True):
        assert run["epochs"] == [0, 2]
        assert run["loss"][0] is None
        with h5py.File(run["path"]) as file:
            assert file.attrs["made_seed"] == seed
            assert run["test_accuracy"][1] == file["epochs/000002"].attrs["test_accuracy"]


@pytest.mark.torch
def test_table_lists_the_checkpoints(mixture, tmp_path):
    pytest.importorskip("torch")
    command = ["train", "-o", str(tmp_path / "run.h5"), "--data", mixture, "--epochs", "1", *SMALL]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == str(tmp_path / "run.h5")
    assert lines[1].split() == ["epoch", "loss", "train", "accuracy", "test", "accuracy"]
    assert [line.split()[0] for line in lines[2:]] == ["0", "1"]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the file to make with -o"),
        (["-o", "run.h5", "--seeds", "one"], "'one' is no list of whole numbers"),
        (["-o", "run.h5", "--temperature", "0"], "temperature is 0.0; it must be above 0"),
        (["-o", "run.h5", "--data", "absent.npz"], "absent.npz: no such data"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(arguments, message, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["train", *arguments])
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.torch
def test_steps_to_fit_are_told(mixture, tmp_path):
    pytest.importorskip("torch")
    arguments = ["--data", mixture, "--epochs", "30", "--learning-rate", "0.01", *SMALL]
    arguments += ["--fit-every", "1", "--stop-at-fit"]
    command = ["train", "-o", str(tmp_path / "run.h5"), *arguments, "--json", "-", "--quiet"]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    (found,) = json.loads(done.stdout)["runs"]
    assert 1 < found["steps_to_fit"] <= found["steps"][-1] < 90
    assert found["attainable_accuracy"] == 1.0
    table = CliRunner().invoke(main, command[:-3], catch_exceptions=False).stdout
    assert table.splitlines()[-1] == f"steps to fit: {found['steps_to_fit']}"
