"""Count what becomes of damaged feature and result files.

`PYTHONPATH=.:cli:tests python -m faults.fuzzing --files 20000` prints the counts and every failure.
"""

import argparse
import concurrent.futures
import itertools
import sys
from pathlib import Path

from faults.reading import Counts, fuzz


def count(seed: int, files: int, processes: int, keep: Path | None) -> Counts:
    """Counts of the files 0 to `files` − 1 of a seed, read by several processes."""
    edges = [files * i // processes for i in range(processes + 1)]
    total = Counts()
    with concurrent.futures.ThreadPoolExecutor(processes) as pool:
        parts = [
            pool.submit(fuzz, seed, first, last, keep) for first, last in itertools.pairwise(edges)
        ]
        for part in parts:
            counts = part.result()
            total.outcomes += counts.outcomes
            total.failures += counts.failures
            total.slowest = max(total.slowest, counts.slowest)
            total.largest_mib = max(total.largest_mib, counts.largest_mib)
    return total


def main() -> int:
    """Read what the command line asks for; 1 when a file failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="Folder for the files that failed.")
    options = parser.parse_args()
    counts = count(options.seed, options.files, options.processes, options.keep)
    for outcome, number in sorted(counts.outcomes.items()):
        sys.stdout.write(f"{outcome}: {number}\n")
    sys.stdout.write(f"slowest: {counts.slowest:.2f} s, grown by {counts.largest_mib:.0f} MiB\n")
    for failure in counts.failures:
        sys.stdout.write(f"{failure.number}: {failure.damage}: {failure.outcome}\n")
    return 1 if counts.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
