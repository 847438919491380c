"""Every command that writes ends with one line and leaves nothing, on read-only and full disks."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from faults.killing import ROOT
from trajectory.runs import write_run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# One process for all commands: each first writes where it may, so that everything that is cached on
# disk is there, then into a folder without permission, then where no file grows beyond 64 bytes,
# as on a full disk.
PROGRAM = """
import ctypes, json, os, pathlib, resource, sys
from click.testing import CliRunner
from ibcollapse_cli.main import main

def run(arguments):
    done = CliRunner().invoke(main, arguments)
    left = sorted(str(p) for f in folders for p in pathlib.Path(f).rglob("*") if p.is_file())
    return [done.exit_code, done.stderr, left]

commands, folders = json.loads(sys.argv[1]), ("read_only", "full")
allowed = {name: run([*given, "well/" + path])[:2] for name, (given, path) in commands.items()}
# Without its capabilities root, too, may only write where the permissions say so.
libc = ctypes.CDLL(None, use_errno=True)
header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capset(header, none) == 0, os.strerror(ctypes.get_errno())
refused = {name: run([*given, "read_only/" + path]) for name, (given, path) in commands.items()}
resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
full = {name: run([*given, "full/" + path]) for name, (given, path) in commands.items()}
sys.__stdout__.write(json.dumps({"allowed": allowed, "read-only": refused, "full": full}))
"""

FEW = ["--max-rows", "10", "--max-clusters", "2"]
CURVE = [*FEW, "--points", "5"]
FOLLOW = [*FEW, "--bootstrap", "0", "--resamples", "0", "--epochs", "1"]
COUNTS = ["--counts", "9,9,3", "--temperature", "0.5"]
TRAIN = ["--data", "mixture.npz", "--network", "mlp", "--epochs", "1", "--batch-size", "20"]
# Name → arguments up to the output, the output. Quiet: only what went wrong is said.
COMMANDS = {
    "inspect": (["inspect", "a.h5", "-q", "--json"], "found.json"),
    "curve": (["curve", "a.h5", *CURVE, "-q", "-o"], "curve"),
    "align": (["align", "a.h5", "b.h5", "-q", "-o"], "alignment.h5"),
    "geometry": (["geometry", "a.h5", "-q", "-o"], "geometry.json"),
    "information": (["information", "a.h5", "-q", "--json"], "information.json"),
    "dynamics": (["dynamics", "a.h5", *FOLLOW, "-q", "-o"], "followed"),
    "predict": (["predict", "--loss", "supcon", *COUNTS, "-q", "-o"], "gram.h5"),
    "report": (["report", "a.h5", "--sections", "geometry", "-q", "-o"], "page.html"),
    "report_md": (["report", "a.h5", "--sections", "geometry", "-q", "-o"], "page.md"),
    "train": (["train", *TRAIN, "-q", "-o"], "run.h5"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unwritable")
    for letter, seed in (("a", 0), ("b", 1)):
        write_run(folder / f"{letter}.h5", seed, epochs=(0, 1))
    y = np.arange(60) % 3
    x = 3.0 * np.eye(3, 5)[y] + np.random.default_rng(0).normal(size=(60, 5))
    np.savez(folder / "mixture.npz", x_train=x, y_train=y, x_test=x[:15], y_test=y[:15])
    for name in ("well", "read_only", "full"):
        (folder / name).mkdir()
    (folder / "read_only").chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(COMMANDS)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cli")]),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_where_it_may_the_command_writes(ended, name):
    code, errors = ended["allowed"][name]
    assert code == 0, errors


@pytest.mark.parametrize("disk", ["read-only", "full"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_disk_that_takes_nothing_is_one_line_and_exit_2(ended, name, disk):
    code, errors, left = ended[disk][name]
    assert code == 2, errors
    assert errors.startswith("Error: ")
    assert len(errors.splitlines()) == 1, errors
    # The figures of page.md are in page_figures.
    path = f"{disk.replace('-', '_')}/{COMMANDS[name][1].partition('.')[0]}"
    assert path in errors
    assert left == []
