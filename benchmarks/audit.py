"""The engine on a zoo of channels, against everything that must hold.

`python -m benchmarks.audit [--members N] [--seed S] [--families A,B] [--only NAME,NAME]
[--out FILE.jsonl] [--hours H] [--processes P] [--quick] [--markdown]`

audits N members (default 2000) of `tests/bottleneck/zoo.py`: see `benchmarks.audit_checks` for
what, docs/reliability.md for the words. A line of JSON a member goes to FILE; members that are
there already are not audited again, so a run that was ended goes on. A member that takes more than
`KILLED` seconds is ended with its process and counts as a time-out. At the end a table, a row a
family; exit code 1 when anything failed.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from bottleneck import zoo

from benchmarks.audit_checks import FAILURES
from benchmarks.audit_member import QUICK, THOROUGH, audit

# Seconds for one member, in which nothing but a hung call or a slow machine ends.
KILLED = 150.0
# Compiling kernels is no part of a member's time.
WARM_UP = 600.0
SHOWN = 3
COLUMNS = ("crash", "nan", "false", "broken", "open", "time")
HEADINGS = ("crashes", "NaN", "false", "broken", "not converged", "time-outs")

Record = dict[str, Any]


def audited(name: str, quick: bool) -> Record:
    """The record of one member: what `audit` found, and how long it took."""
    member = zoo.member(name)
    start = time.perf_counter()
    findings = audit(member, QUICK if quick else THOROUGH)
    return {
        "name": name,
        "family": member.family,
        "size": list(member.size),
        "audit": member.audit,
        "seconds": round(time.perf_counter() - start, 3),
        "findings": [[f.kind, f.what] for f in findings],
    }


def ended(name: str, kind: str, what: str, seconds: float) -> Record:
    member = zoo.member(name)
    return {
        "name": name,
        "family": member.family,
        "size": list(member.size),
        "audit": member.audit,
        "seconds": round(seconds, 3),
        "findings": [[kind, what]],
    }


def work(pipe: Connection, quick: bool) -> None:
    """A worker: names come in, records go out, until the pipe closes."""
    audited("dirichlet/4x3/0", True)
    pipe.send(None)
    while True:
        try:
            name = pipe.recv()
        except EOFError:
            return
        pipe.send(audited(name, quick))


class Worker:
    """A process that audits one member after another, and can be ended."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.start()

    def start(self) -> None:
        # A fresh interpreter: nothing that a killed one held is inherited.
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, self.quick), daemon=True)
        self.process.start()
        other.close()
        self.name: str | None = None
        self.since, self.limit = time.monotonic(), WARM_UP
        self.is_ready = False

    def give(self, name: str) -> None:
        self.name, self.since, self.limit = name, time.monotonic(), KILLED
        self.pipe.send(name)

    def take(self) -> Record | None:
        """What has arrived; a dead process gives the record of its end and is replaced."""
        try:
            record: Record | None = self.pipe.recv()
        except EOFError:
            self.process.join()
            record = self._replace("crash", f"the process died with code {self.process.exitcode}")
            return record
        self.is_ready, self.name = True, None
        return record

    def too_late(self) -> Record | None:
        """The record of a member whose time is over, its process ended and replaced."""
        if time.monotonic() - self.since <= self.limit:
            return None
        self.process.kill()
        self.process.join()
        return self._replace("time", f"ended after {self.limit:.0f} s")

    def _replace(self, kind: str, what: str) -> Record | None:
        if self.name is None:
            raise RuntimeError(f"a worker ended before its first member: {what}")
        record = ended(self.name, kind, what, time.monotonic() - self.since)
        self.pipe.close()
        self.start()
        return record

    def stop(self) -> None:
        self.pipe.close()
        self.process.join(1.0)
        if self.process.is_alive():
            self.process.kill()


def read(path: Path) -> list[Record]:
    """Records of an earlier run; a last line that was cut off is left out."""
    if not path.exists():
        return []
    records = []
    for line in path.read_text().splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


def run(names: Iterable[str], out: Path, hours: float, processes: int, quick: bool) -> None:
    """Audit every member, and append a line each to `out`."""
    until = time.monotonic() + 3600 * hours
    waiting = iter(names)
    workers = [Worker(quick) for _ in range(processes)]
    n_done = 0
    with out.open("a") as file:
        if file.tell() and not out.read_bytes().endswith(b"\n"):
            file.write("\n")
        while workers:
            ready = wait([w.pipe for w in workers], timeout=1.0)
            for worker in list(workers):
                record = worker.take() if worker.pipe in ready else worker.too_late()
                if record is not None:
                    file.write(json.dumps(record) + "\n")
                    file.flush()
                    n_done += 1
                    _say(record, n_done)
                if worker.name is None and worker.is_ready:
                    name = next(waiting, None) if time.monotonic() < until else None
                    if name is None:
                        worker.stop()
                        workers.remove(worker)
                    else:
                        worker.give(name)


def _say(record: Record, n_done: int) -> None:
    failures = [f"{kind}: {what}" for kind, what in record["findings"] if kind in FAILURES]
    for line in failures[:SHOWN]:
        print(f"{record['name']} {line}", flush=True)
    if len(failures) > SHOWN:
        print(f"{record['name']} … and {len(failures) - SHOWN} more", flush=True)
    if n_done % 50 == 0:
        print(f"{n_done} members", file=sys.stderr, flush=True)


def has_failed(record: Record) -> bool:
    return any(kind in FAILURES for kind, _ in record["findings"])


def table(records: list[Record]) -> list[list[str]]:
    """Rows a family and one for all: members with at least one finding of each kind, seconds."""
    rows = [["family", "members", *HEADINGS, "median s"]]
    families = [f for f in zoo.FAMILIES if any(r["family"] == f for r in records)]
    for family in [*families, "all"]:
        chosen = [r for r in records if family in (r["family"], "all")]
        kinds = [{kind for kind, _ in r["findings"]} for r in chosen]
        counts = [sum(column in found for found in kinds) for column in COLUMNS]
        median = float(np.median([r["seconds"] for r in chosen])) if chosen else 0.0
        rows.append([family, str(len(chosen)), *map(str, counts), f"{median:.1f}"])
    return rows


def print_table(rows: list[list[str]], markdown: bool) -> None:
    if markdown:
        rows = [rows[0], ["---", *["--:"] * (len(rows[0]) - 1)], *rows[1:]]
        for row in rows:
            print("| " + " | ".join(row) + " |")
        return
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
        ]
        print("  ".join(cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of the members")
    parser.add_argument("--families", help="comma-separated; all by default")
    parser.add_argument("--only", help="comma-separated names of members")
    parser.add_argument(
        "--out", type=Path, default=Path("audit.jsonl"), help="resumed if it exists"
    )
    parser.add_argument("--hours", type=float, default=2.0, help="no member begins later")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="the effort of continuous integration")
    parser.add_argument("--most-cells", type=float, default=float("inf"), help="largest table")
    parser.add_argument("--markdown", action="store_true", help="the table for the documentation")
    given = parser.parse_args()
    families = given.families.split(",") if given.families else None
    unknown = set(families or ()) - set(zoo.FAMILIES)
    if unknown:
        parser.error(f"no family {', '.join(sorted(unknown))}; there are {', '.join(zoo.FAMILIES)}")
    names = list(
        given.only.split(",")
        if given.only
        else zoo.names(
            given.members, seed=given.seed, families=families, most_cells=given.most_cells
        )
    )
    known = {record["name"] for record in read(given.out)}
    left = [name for name in names if name not in known]
    if left:
        run(left, given.out, given.hours, given.processes, given.quick)
    asked = set(names)
    records = [record for record in read(given.out) if record["name"] in asked]
    print_table(table(records), given.markdown)
    sys.exit(1 if any(map(has_failed, records)) else 0)


if __name__ == "__main__":
    main()
