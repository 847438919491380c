"""A run that was killed goes on where it was, and ends with the same file, byte for byte."""

import numpy as np
import pytest
from faults.killing import run_with_kills, start


@pytest.fixture
def table(tmp_path):
    """A joint table whose curve has about forty points and several transitions."""
    rows = np.random.default_rng(2).dirichlet(np.full(120, 0.5)).reshape(30, 4)
    np.save(tmp_path / "joint.npy", rows)
    return tmp_path


# On a busy machine a run may end before its kill comes: then there is another one.
TRIES = 5


def assert_same_curve(folder, kills):
    killed = 0
    for seed in range(kills + TRIES):
        for old in (folder / "out", folder / "wholeout"):
            for path in old.glob("*"):
                path.unlink()
        killed += run_with_kills(
            ["curve", "joint.npy", "--points", "25", "-q", "-o", "out"], folder, kills, seed
        )
        one, other = folder / "out", folder / "wholeout"
        assert (one / "curve.h5").read_bytes() == (other / "curve.h5").read_bytes()
        assert sorted(p.name for p in one.iterdir()) == sorted(
            ["curve.h5", "curve.png", "curve.svg", "tree.png", "tree.svg"]
        )
        if killed >= kills:
            return
    assert killed >= kills


def test_a_killed_curve_ends_with_the_same_bytes(table):
    assert_same_curve(table, 1)


@pytest.mark.slow
def test_a_curve_killed_fifty_times_ends_with_the_same_bytes(table):
    assert_same_curve(table, 50)


@pytest.mark.slow
def test_a_killed_bootstrap_ends_with_the_same_bytes(tmp_path):
    rows = np.random.default_rng(2).dirichlet(np.full(24, 0.5)).reshape(8, 3)
    np.save(tmp_path / "joint.npy", rows)
    given = ["--points", "5", "--bootstrap", "12", "--samples", "40", "-q", "-o", "out"]
    assert run_with_kills(["curve", "joint.npy", *given], tmp_path, 2, 0) >= 1
    one, other = (tmp_path / name for name in ("out", "wholeout"))
    for name in ("curve.h5", "resamples.h5"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert sorted(p.name for p in one.iterdir()) == sorted(p.name for p in other.iterdir())


def train_with_kills(folder, kills, epochs=6):
    pytest.importorskip("torch")
    sizes = ["--epochs", str(epochs), "--batch-size", "64"]
    arguments = ["train", "--network", "mlp", *sizes, "-q"]
    killed = 0
    for seed in range(kills + TRIES):
        for path in folder.glob("*run.h5"):
            path.unlink()
        killed += run_with_kills([*arguments, "-o", "run.h5"], folder, kills, seed)
        assert (folder / "run.h5").read_bytes() == (folder / "wholerun.h5").read_bytes()
        assert {path.name for path in folder.iterdir()} == {"run.h5", "wholerun.h5"}
        if killed >= kills:
            return
    assert killed >= kills


@pytest.mark.torch
def test_a_killed_training_ends_with_the_same_bytes(tmp_path):
    train_with_kills(tmp_path, 1, epochs=2)


@pytest.mark.slow
@pytest.mark.torch
def test_a_training_killed_fifty_times_ends_with_the_same_bytes(tmp_path):
    train_with_kills(tmp_path, 50)


def test_two_curves_into_one_folder_refuse_each_other(table):
    first = start(["curve", "joint.npy", "--points", "2000", "-o", "out"], table)
    try:
        for line in first.stderr:
            if b"reducing" in line:
                break
        second = start(["curve", "joint.npy", "-q", "-o", "out"], table)
        _, errors = second.communicate()
        assert second.returncode == 2
        assert f"process {first.pid}".encode() in errors
        assert len(errors.splitlines()) == 1
    finally:
        first.kill()
        first.communicate()
