import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from ibcollapse_cli.main import main

X = np.random.default_rng(10).normal(size=(40, 3))
Y = np.arange(40) % 2


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "f.h5"
    with h5py.File(target, "w") as file:
        for split in ("train", "test"):
            file[f"{split}/feats"], file[f"{split}/labels"] = X, Y
    return target


def run(*arguments):
    return CliRunner().invoke(main, ["inspect", *map(str, arguments)])


def test_the_table_says_what_would_be_used(path):
    result = run(path, "--split", "test")
    assert result.exit_code == 0
    assert "train/feats" in result.stdout
    assert "Would be used: features from test/feats" in result.stdout
    assert "2 classes: 0 (20), 1 (20)" in result.stdout
    assert "Nothing looks wrong." in result.stdout


def test_an_open_choice_lists_the_options(path):
    result = run(path)
    assert result.exit_code == 0
    assert "Nothing would be used." in result.stdout
    assert "--split train" in result.stdout


def test_json_on_stdout_is_one_object_and_nothing_else(path):
    result = run(path, "--split", "test", "--json", "-")
    fields = json.loads(result.stdout)
    assert fields["schema"] == "ibcollapse/inspection"
    assert fields["chosen"]["class_counts"] == [20, 20]
    assert fields["contents"]["splits"] == ["test", "train"]
    assert fields["arrays"][0] == {
        "key": "test/feats",
        "shape": [40, 3],
        "dtype": "float64",
        "problem": "",
    }


@pytest.mark.parametrize(
    ("name", "words"), [("none.h5", "no such feature file"), ("text.h5", "not an HDF5 file")]
)
def test_bad_input_is_one_line_and_exit_code_two(tmp_path, name, words):
    (tmp_path / "text.h5").write_text("text")
    result = run(tmp_path / name, "--quiet")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert result.stdout == ""


def test_names_in_the_file_cannot_write_to_the_terminal(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["\x1b[2Jfeats"], file["labels"] = X, Y
    assert "\x1b" not in run(tmp_path / "f.h5").stdout


def test_help_loads_no_numerics():
    code = (
        "import sys; sys.argv = ['ibcollapse', 'inspect', '--help']\n"
        "from ibcollapse_cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('numpy', 'h5py', 'torch', 'numba') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
