"""Odd but plausible files: the answer of the plain one, or one line that says what to do."""

import json

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from ibcollapse_cli.main import main

Y = np.arange(60) % 3
X = 2.0 * np.eye(3, 5)[Y] + np.random.default_rng(0).normal(size=(60, 5))
# No points are merged: rounding would decide which.
FEW = ["--points", "3", "--max-loss", "0", "--max-clusters", "3", "--fraction", "0.3"]
COMMANDS = {"geometry": [], "information": ["--permutations", "2"], "transitions": FEW}
# Figures of each command that neither units nor names of classes can change.
FIGURES = {
    "geometry": lambda found: [found["nc1"], found["etf_distance"], found["cdnv"]],
    "information": lambda found: [found["mir"], found["hdr"]],
    "transitions": lambda found: [t["beta"] for t in found["transitions"]],
}
# In the order of their codes, which decides about the folds.
NAMED = np.array(["\x1b[31mred", "a\nb", "猫 <b>"])[Y]

# Name → features, labels, relative tolerance.
ALIKE = {
    "float32": (X.astype(np.float32), Y, 1e-5),
    "float16": (X.astype(np.float16), Y, 0.05),
    "huge": (1e20 * X, Y, 1e-9),
    "tiny": (1e-20 * X, Y, 1e-9),
    "huge float32": ((1e20 * X).astype(np.float32), Y, 1e-5),
    "tiny float32": ((1e-20 * X).astype(np.float32), Y, 1e-5),
    "one-based labels": (X, Y + 1, 1e-12),
    "float labels": (X, Y.astype(float), 1e-12),
    "labels far apart": (X, np.array([0, 7, 10**12])[Y], 1e-12),
    "labels in a column": (X, Y[:, None], 1e-12),
    "one-hot labels": (X, np.eye(3, dtype=int)[Y], 1e-12),
    "strings": (X, np.array(["ant", "bee", "cow"])[Y], 1e-12),
    "hostile names": (X, NAMED, 1e-9),
    "a trailing axis": (X[:, :, None], Y, 1e-12),
}
# Name → features, labels, words of the refusal.
REFUSED = {
    "values without squares": (1e160 * X, Y, "multiply all features"),
    "values whose squares vanish": (1e-170 * X, Y, "multiply all features"),
    "a NaN row": (np.where(np.arange(60)[:, None] == 7, np.nan, X), Y, "--drop-nonfinite"),
    "negative labels": (X, Y - 5, "expected 0 or more"),
    "labels of a regression": (X, X[:, 0], "no whole numbers"),
    "a class of one sample": (X, np.where(np.arange(60) == 5, 3, Y), "only one sample"),
    "a class for each sample": (X, np.arange(60), "only one sample"),
    "one class": (X, 0 * Y, "at least two classes"),
    "a label missing": (X, Y[1:], "another length"),
    "no samples": (X[:0], Y[:0], "empty"),
    "no features": (X[:, :0], Y, "empty"),
    "complex features": (X + 1j, Y, "complex"),
    "equal features": (np.ones_like(X), Y, ""),
}


def write(folder, x, y):
    with h5py.File(folder / "odd.h5", "w") as file:
        file["features"] = x
        file["labels"] = y.astype(object) if y.dtype.kind == "U" else y
    return str(folder / "odd.h5")


def run(command, file):
    done = CliRunner().invoke(main, [command, file, *COMMANDS[command], "-q", "--json", "-"])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    file = write(tmp_path_factory.mktemp("plain"), X, Y)
    return {name: FIGURES[name](json.loads(run(name, file)[1])) for name in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ALIKE)
def test_what_is_only_written_otherwise_gives_the_same(tmp_path, plain, command, name):
    x, y, tolerance = ALIKE[name]
    code, output, errors = run(command, write(tmp_path, x, y))
    assert code == 0, errors
    assert plain[command]
    assert FIGURES[command](json.loads(output)) == pytest.approx(plain[command], rel=tolerance)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_ends_with_one_line(tmp_path, command, name):
    x, y, words = REFUSED[name]
    code, output, errors = run(command, write(tmp_path, x, y))
    assert code == 2, errors
    assert output == ""
    assert len(errors.splitlines()) == 1
    assert words in errors
