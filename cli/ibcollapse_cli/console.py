"""What a command says while it works: progress and remarks, all on standard error."""

import contextlib
import resource
import sys
import time
from collections.abc import Iterator

from ibcollapse.printable import printable
from ibcollapse.progress import SILENT, Progress

# Without a terminal, a running stage reports at most this often (seconds).
_REPORT_EVERY = 15.0


@contextlib.contextmanager
def show_progress(*, quiet: bool) -> Iterator[Progress]:
    """Progress for one command: a live bar on a terminal, plain lines elsewhere, none if `quiet`.

    Each stage ends with one line: what was done, how long it took, and the peak memory so far.
    """
    if quiet:
        yield SILENT
        return
    progress = BarProgress() if sys.stderr.isatty() else LineProgress()
    try:
        yield progress
    except BaseException:
        progress.abandon()
        raise
    progress.finish()


def remark(text: str, *, quiet: bool = False) -> None:
    """Write one line to standard error, unless `quiet`."""
    if not quiet:
        sys.stderr.write(f"{printable(text)}\n")


def peak_memory() -> float:
    """Largest resident size of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def format_duration(seconds: float) -> str:
    """`seconds` as "4.2 s", "3 min 05 s" or "2 h 07 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class LineProgress:
    """A `Progress` in plain lines, for logs: at the end of a stage, and now and then inside one."""

    def __init__(self) -> None:
        self._description: str | None = None
        self._total: float | None = None
        self._done = 0.0
        self._began = self._reported = 0.0

    def start(self, description: str, total: float | None = None) -> None:
        """Begin a stage of `total` steps, ending the one before."""
        self.finish()
        self._description, self._total, self._done = description, total, 0.0
        self._began = self._reported = time.monotonic()

    def advance(self, steps: float = 1.0) -> None:
        """Record `steps` more steps as done."""
        self._done += steps
        now = time.monotonic()
        if self._total and now - self._reported >= _REPORT_EVERY:
            self._reported = now
            share = min(self._done / self._total, 1.0)
            left = (now - self._began) * (1.0 - share) / share if share else 0.0
            remark(f"{self._description}: {share:.0%}, about {format_duration(left)} left")

    def note(self, text: str) -> None:
        """Write one line about the current stage."""
        remark(text)

    def finish(self) -> None:
        """End the current stage with its line, if there is one."""
        if self._description is not None:
            remark(_summary(self._description, time.monotonic() - self._began))
            self._description = None

    def abandon(self) -> None:
        """Forget the current stage: it did not end well and gets no line."""
        self._description = None


class BarProgress:
    """A `Progress` as a live bar with elapsed and remaining time, for terminals."""

    def __init__(self) -> None:
        # Here: these imports take longer than a quiet command may want to wait.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bars

        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", style="dim"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._stage: tuple[str, float] | None = None

    def start(self, description: str, total: float | None = None) -> None:
        """Begin a stage of `total` steps, ending the one before."""
        self.finish()
        self._bars.add_task(printable(description), total=total, left="left" if total else "")
        self._bars.start()
        self._stage = description, time.monotonic()

    def advance(self, steps: float = 1.0) -> None:
        """Record `steps` more steps as done."""
        if self._stage is not None:
            self._bars.advance(self._bars.task_ids[-1], steps)

    def note(self, text: str) -> None:
        """Write one line above the bar."""
        self._bars.console.print(printable(text), markup=False, highlight=False)

    def finish(self) -> None:
        """Replace the bar of the current stage by its line, if there is one."""
        if self._stage is not None:
            description, began = self._stage
            self.abandon()
            remark(_summary(description, time.monotonic() - began))

    def abandon(self) -> None:
        """Remove the bar of the current stage: it did not end well and gets no line."""
        self._bars.stop()
        for task in self._bars.task_ids:
            self._bars.remove_task(task)
        self._stage = None


def _summary(description: str, seconds: float) -> str:
    return f"{description}: {format_duration(seconds)}, peak memory {peak_memory():.0f} MiB"
