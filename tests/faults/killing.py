"""Runs that are killed at random moments and started again until they end."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MOST_STARTS = 500
# A kill now and then comes before anything new was finished; so that every run ends, the time that
# a run is given grows with each.
_GROWTH = 1.15

# As the command line, but keeping a trace after every step: a kill is to find something to resume.
PROGRAM = """
import sys
from ibcollapse.bottleneck.tracing import checkpoint
checkpoint.SAVE_EVERY = checkpoint._LEAST_RATIO = 0.0
from ibcollapse_cli.main import main
main(sys.argv[1:], prog_name="ibcollapse")
"""


def start(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """The command line in `folder`, in a process group of its own."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cli")]),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def run_with_kills(arguments: list[str], folder: Path, kills: int, seed: int) -> int:
    """Start the command until it ends; SIGKILL it at most `kills` times. Returns the kills."""
    moments = random.Random(seed)
    began = time.monotonic()
    whole = start([*arguments[:-1], "whole" + arguments[-1]], folder)
    _, errors = whole.communicate()
    assert whole.returncode == 0, errors.decode()
    limit = time.monotonic() - began
    killed = 0
    for _ in range(_MOST_STARTS):
        process = start(arguments, folder)
        wait = moments.uniform(0.3, 1.0) * limit if killed < kills else None
        try:
            _, errors = process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            killed += 1
            limit *= _GROWTH if killed % 5 == 0 else 1.0
            continue
        assert process.returncode == 0, errors.decode()
        return killed
    raise AssertionError(f"the command did not end in {_MOST_STARTS} starts")
