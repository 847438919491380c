"""The same input, options and threads give the same bits; other numbers of threads, 1e-9."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from faults.killing import ROOT

COMMAND = [
    sys.executable, "-m", "ibcollapse_cli.main", "curve", "data/digits_supcon_a.h5",
    "--max-rows", "30", "--max-clusters", "3", "--points", "10", "--json", "-", "-q",
]  # fmt: skip


def numbers(threads, workers=()):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cli")]),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), threads),
    }
    ended = subprocess.run(
        [*COMMAND, *workers], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return ended.stdout


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
