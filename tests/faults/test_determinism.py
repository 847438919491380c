"""The same input, options and threads give the same bits; other numbers of threads, 1e-9."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from faults.killing import ROOT
from trajectory.runs import write_run

# Each command twice in one process.
PROGRAM = """
import json, sys
from click.testing import CliRunner
from ibcollapse_cli.main import main

found = {}
for name, arguments in json.loads(sys.argv[1]).items():
    runs = [CliRunner().invoke(main, [name, *arguments, "-q", "--json", "-"]) for _ in range(2)]
    assert [run.exit_code for run in runs] == [0, 0], runs[0].stderr
    assert runs[0].stdout == runs[1].stdout, name
    found[name] = json.loads(runs[0].stdout)
json.dump(found, sys.stdout)
"""
DYNAMICS = ["--bootstrap", "0", "--resamples", "2", "--max-clusters", "2", "--max-rows", "10"]
OTHERS = {
    "align": ["a.h5", "b.h5"],
    "geometry": ["a.h5"],
    "information": ["a.h5", "b.h5"],
    "dynamics": ["a.h5", "b.h5", "--epochs", "1", *DYNAMICS],
}

COMMAND = [
    sys.executable, "-m", "ibcollapse_cli.main", "curve", "data/digits_supcon_a.h5",
    "--max-rows", "30", "--max-clusters", "3", "--points", "10", "--json", "-", "-q",
]  # fmt: skip


def environment(threads):
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cli")]),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), threads),
    }


def output(command, folder, threads):
    ended = subprocess.run(
        command, cwd=folder, env=environment(threads), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def numbers(threads, workers=()):
    return output([*COMMAND, *workers], ROOT, threads)


def other_numbers(folder, threads):
    command = [sys.executable, "-c", PROGRAM, json.dumps(OTHERS)]
    return json.loads(output(command, folder, threads))


@pytest.fixture(scope="module")
def alone():
    return numbers("1")


def test_the_same_run_gives_the_same_bits(alone):
    assert numbers("1") == alone


@pytest.mark.parametrize("workers", [(), ("--workers", "1")])
def test_threads_change_nothing_beyond_rounding(alone, workers):
    one, two = json.loads(alone), json.loads(numbers("2", workers))
    for name in ("beta", "i_xt", "i_ty"):
        np.testing.assert_allclose(two["curve"][name], one["curve"][name], rtol=1e-9, atol=1e-9)
    assert two["curve"]["clusters"] == one["curve"]["clusters"]
    for first, second in zip(one["transitions"], two["transitions"], strict=True):
        assert second["beta"] == pytest.approx(first["beta"], rel=1e-9)
        assert second["order"] == first["order"]


def leaves(value, path=""):
    """Every number and text of nested objects and lists, by where it stands."""
    if isinstance(value, dict):
        return {k: v for key in value for k, v in leaves(value[key], f"{path}/{key}").items()}
    if isinstance(value, list):
        parts = [leaves(item, f"{path}/{i}") for i, item in enumerate(value)]
        return {key: leaf for part in parts for key, leaf in part.items()}
    return {path: value}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for letter, seed in (("a", 0), ("b", 1)):
        write_run(folder / f"{letter}.h5", seed, epochs=(0, 1))
    return folder


@pytest.fixture(scope="module")
def others_alone(runs):
    # Every command ran twice there, and gave the same bits.
    return other_numbers(runs, "1")


@pytest.fixture(scope="module")
def others_threaded(runs):
    return other_numbers(runs, "2")


@pytest.mark.parametrize("name", OTHERS)
def test_threads_change_no_other_measure_beyond_rounding(others_alone, others_threaded, name):
    one, two = leaves(others_alone[name]), leaves(others_threaded[name])
    assert one.keys() == two.keys()
    assert sum(isinstance(leaf, float) for leaf in one.values()) >= 10
    for path, leaf in one.items():
        if isinstance(leaf, float):
            assert two[path] == pytest.approx(leaf, rel=1e-9, abs=1e-9), path
        else:
            assert two[path] == leaf, path
