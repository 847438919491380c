"""What the process that meets HDF5 files first costs: `ibcollapse inspect` with and without it.

`python -m benchmarks.hdf5_guard` makes a file of 50 000 × 2048 float32 features (410 MB) and a
small one, inspects each by turns with the guard, with the guard but no head start for it, and
without it, and prints minima and medians of wall and CPU seconds, those of the helper included.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ibcollapse.features import FeatureWriter

ROOT = Path(__file__).parent.parent
REPEATS = 7
_SIZES = {"small": (200, 2048), "large": (50_000, 2048)}
_BLOCK = 5000
_RUN = 'from ibcollapse_cli.main import main; main(["inspect", sys.argv[1], "-q"])'
_GUARD = "import sys, ibcollapse.storage.hdf5_guard as guard; "
WAYS = {
    "guarded": _GUARD + _RUN,
    "no head start": _GUARD + "guard.prepare = lambda path: None; " + _RUN,
    "unguarded": _GUARD + "guard.prepare = guard.find_danger = lambda path: ''; " + _RUN,
}


def make_file(path: Path, n_samples: int, n_features: int) -> None:
    """Labelled normal features."""
    rng = np.random.default_rng(0)
    with FeatureWriter(path, compression=None) as writer:
        for start in range(0, n_samples, _BLOCK):
            rows = min(_BLOCK, n_samples - start)
            x = rng.standard_normal((rows, n_features), dtype=np.float32)
            writer.append({"encoder": x}, np.arange(rows) % 10, epoch=0, split="train")


def inspect(program: str, path: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one inspection."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cli")])}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", program, str(path)]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for size, shape in _SIZES.items():
            path = Path(folder) / f"{size}.h5"
            make_file(path, *shape)
            taken: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
            for name, program in REPEATS * list(WAYS.items()):
                taken[name].append(inspect(program, path))
            for name, seconds in taken.items():
                wall, cpu = zip(*seconds, strict=True)
                print(
                    f"{size:<8}{name:<15}"
                    f"wall {min(wall):.2f} s, median {statistics.median(wall):.2f} s; "
                    f"CPU {min(cpu):.2f} s, median {statistics.median(cpu):.2f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
