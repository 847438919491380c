"""A process that reads damaged files one after the other, and the guard that watches it.

HDF5 may bring an interpreter down or never return, so nothing is read in the process that counts.
"""

import collections
import dataclasses
import json
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
# Seconds of computing: on a busy machine a second of work may take minutes. A sound file takes
# milliseconds and a few MiB; the start, with the kernels that the sound files need, some 20 s.
TIME_LIMIT = 120.0
MEMORY_LIMIT = 1 << 30
# Seconds on the clock, for a process that waits for ever and computes nothing.
_SLEEP_LIMIT = 1800.0
_LOOK_EVERY = 5.0


@dataclasses.dataclass(frozen=True)
class Failure:
    """A damaged file that did not end as it must: its number, its damage and what happened."""

    number: int
    damage: str
    outcome: str


@dataclasses.dataclass
class Counts:
    """How many damaged files were read, refused by an error of the package, or failed."""

    outcomes: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    slowest: float = 0.0
    largest_mib: float = 0.0


def fuzz(seed: int, first: int, last: int, keep: Path | None = None) -> Counts:
    """Read the damaged files number `first` to `last` − 1 of `seed`; `keep` collects failures.

    File i depends on the seed and i alone.
    """
    counts = Counts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        at = first
        while at < last:
            at = _watch(seed, at, last, folder, counts, keep)
    return counts


def _watch(
    seed: int, first: int, last: int, folder: Path, counts: Counts, keep: Path | None
) -> int:
    """Let one process read until it ends or fails; the number of the next file."""
    command = [
        sys.executable,
        "-m",
        "faults.reading",
        str(seed),
        str(first),
        str(last),
        str(folder),
    ]
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "cli", "tests"))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    with (
        (folder / "stderr").open("wb") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=environment
        ) as process,
    ):
        assert process.stdout is not None
        at, damage, pending = first, "", b""
        while True:
            answers = _answers(process)
            fresh = os.read(process.stdout.fileno(), 1 << 16) if answers else b""
            if not fresh:
                break
            *lines, pending = (pending + fresh).split(b"\n")
            for line in lines:
                said = json.loads(line)
                if "damage" in said:
                    damage = said["damage"]
                else:
                    at += 1
                    _count(counts, said, damage, folder, keep)
        if at >= last:
            return at
        process.kill()
        code = process.wait()
    tail = (folder / "stderr").read_text(errors="replace")[-300:]
    outcome = f"crash ({code}) {tail}" if answers else "hang"
    if not damage:
        raise RuntimeError(f"the reading process did not start: {outcome}")
    _count(counts, {"number": at, "outcome": outcome}, damage, folder, keep)
    return at + 1


def _answers(process: subprocess.Popen[bytes]) -> bool:
    """Wait until the process says something or ends; False when it hangs instead."""
    began, spent = time.monotonic(), _computed(process.pid)
    while not select.select([process.stdout], [], [], _LOOK_EVERY)[0]:
        if _computed(process.pid) - spent > TIME_LIMIT or time.monotonic() - began > _SLEEP_LIMIT:
            return False
    return True


def _computed(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _count(counts: Counts, said: dict, damage: str, folder: Path, keep: Path | None) -> None:
    outcome = said["outcome"]
    counts.slowest = max(counts.slowest, said.get("seconds", 0.0))
    counts.largest_mib = max(counts.largest_mib, said.get("mib", 0.0))
    counts.outcomes[outcome.split()[0]] += 1
    damaged = folder / str(said["number"])
    if outcome not in ("read", "refused"):
        counts.failures.append(Failure(said["number"], damage, outcome))
        if keep is not None:
            shutil.copytree(damaged, keep / damaged.name, dirs_exist_ok=True)
    shutil.rmtree(damaged)


def _read(path: Path) -> str:
    """ "read", "refused", or what was raised that must not be."""
    from ibcollapse.errors import IBCollapseError
    from ibcollapse.features import inspect_features, open_features
    from ibcollapse.serialize import load_result

    try:
        if path.name.startswith("result"):
            load_result(path)
        else:
            # The labels of an .npy file are found beside its features.
            path = path.with_name(path.name.replace("_labels.npy", "_features.npy"))
            inspect_features(path)
            source = open_features(path)
            for block, labels in source.chunks():
                assert np.isfinite(block).all()
                assert len(labels) == len(block)
            for name in ("ids", "logits", "classifier", "fingerprint", "description"):
                getattr(source, name)
    except IBCollapseError as error:
        return "refused" if "\n" not in str(error) else f"lines {error!r}"
    except Exception as error:
        return f"traceback {type(error).__name__}: {str(error)[:200]}"
    return "read"


def _serve(seed: int, first: int, last: int, folder: Path) -> None:
    """Damage and read one file after the other, saying before each what it is and after it how."""
    from faults.good_files import make_good_files
    from faults.mutations import GoodFile, mutate

    good = folder / "good"
    paths = sorted(good.glob("*")) or make_good_files(good)
    files = [GoodFile.read(path) for path in paths]
    for path in paths:
        assert _read(path) == "read", f"{path}: {_read(path)}"
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_LIMIT,) * 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    warnings.simplefilter("error")
    for number in range(first, last):
        rng = np.random.default_rng([seed, number])
        path, damage = mutate(files, rng, folder / str(number))
        _say({"damage": damage})
        began = time.perf_counter()
        outcome = _read(path)
        seconds = time.perf_counter() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        _say({"number": number, "outcome": outcome, "seconds": seconds, "mib": grown})


def _say(fields: dict) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(*(int(text) for text in sys.argv[1:4]), Path(sys.argv[4]))
