"""Wall and CPU time of the first and the second run of a command, the cache empty at first.

`python -m benchmarks.compilation` runs `ibcollapse curve data/digits_supcon_a.h5` twice with an
empty folder as Numba's cache; the difference is what compiling costs. It names the kernels that
were compiled.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run_once(cache: str, results: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one run of the main command."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "cli"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": paths}
    features = str(ROOT / "data" / "digits_supcon_a.h5")
    command = [sys.executable, "-m", "ibcollapse_cli.main", "curve", features, "--quiet"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [*command, "-o", str(results)],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        for name in ("first", "second"):
            wall, cpu = run_once(str(cache), Path(folder) / name)
            print(f"{name:<8}{wall:8.2f} s wall{cpu:8.2f} s CPU", flush=True)
        for compiled in sorted(cache.rglob("*.nbc")):
            print(f"{compiled.name:<50}{compiled.stat().st_size:>10} bytes")


if __name__ == "__main__":
    main()
