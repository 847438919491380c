"""The main job on large synthetic feature files: time of every stage and peak memory.

`python -m benchmarks.pipeline --rows 1000000 --features 256 [options of curve]`
writes a float32 HDF5 file of ten Gaussian classes to a temporary folder and runs the command line
on it in a process of its own, so that the peak memory is that of the job alone.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

N_CLASSES = 10
# Length of the class means in units of the noise: about 1 nat of I(X;Y) short of H(Y).
SEPARATION = 3.2
_BLOCK = 50_000


def write_features(path: Path, n_samples: int, n_features: int, seed: int = 0) -> None:
    """Ten isotropic Gaussian classes around random means, written block by block."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(N_CLASSES, n_features)).astype(np.float32)
    means *= SEPARATION / np.linalg.norm(means, axis=1, keepdims=True)
    with h5py.File(path, "w") as file:
        rows = min(n_samples, 4096)
        features = file.create_dataset(
            "features", (n_samples, n_features), "f4", chunks=(rows, n_features)
        )
        labels = file.create_dataset("labels", (n_samples,), "i8")
        for first in range(0, n_samples, _BLOCK):
            size = min(_BLOCK, n_samples - first)
            y = rng.integers(N_CLASSES, size=size)
            noise = rng.standard_normal((size, n_features), dtype=np.float32)
            features[first : first + size] = means[y] + noise
            labels[first : first + size] = y


def run_curve(path: Path, folder: Path, *options: str) -> str:
    """Standard error of `ibcollapse curve`: a line a stage, and the job's peak memory in MiB."""
    command = [sys.executable, "-m", "ibcollapse_cli.main", "curve", str(path), "-o", str(folder)]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    stages = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    peak = usage.ru_maxrss / 2**10
    cpu = usage.ru_utime + usage.ru_stime
    return f"{stages}exit {os.waitstatus_to_exitcode(status)}, {cpu:.1f} CPU s, peak {peak:.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--features", type=int, default=512)
    arguments, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.h5"
        write_features(path, arguments.rows, arguments.features)
        print(f"{arguments.rows} x {arguments.features}, float32, {N_CLASSES} classes")
        print(run_curve(path, Path(folder) / "out", *options))


if __name__ == "__main__":
    main()
