import io
import re

import pytest
from rich.console import Console

from ibcollapse.progress import SILENT
from ibcollapse_cli import console
from ibcollapse_cli.console import BarProgress, LineProgress, format_duration, show_progress


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (4.21, "4.2 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
    ],
)
def test_durations(seconds, text):
    assert format_duration(seconds) == text


def test_quiet_is_silent():
    with show_progress(quiet=True) as progress:
        assert progress is SILENT


def test_without_a_terminal_each_stage_is_one_line(capsys):
    with show_progress(quiet=False) as progress:
        assert isinstance(progress, LineProgress)
        progress.start("reading", 3)
        progress.advance(3)
        progress.start("solving")
        progress.note("found a transition")
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"reading: \d+\.\d s, peak memory \d+ MiB\n"
        r"found a transition\n"
        r"solving: \d+\.\d s, peak memory \d+ MiB\n",
        err,
    )


def test_a_failed_stage_is_not_reported_as_done(capsys):
    def fail():
        with show_progress(quiet=False) as progress:
            progress.start("reading", 3)
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert capsys.readouterr().err == ""


def test_a_long_stage_says_what_is_left(capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])
    progress = LineProgress()
    progress.start("solving", 10)
    for _ in range(4):
        clock[0] += 10.0
        progress.advance()
    # After 20 s two of ten steps are done: eight more at 10 s each; again 20 s later.
    assert capsys.readouterr().err.splitlines() == [
        "solving: 20%, about 1 min 20 s left",
        "solving: 40%, about 1 min 00 s left",
    ]


def test_bars_leave_one_line_a_stage(capsys, monkeypatch):
    progress = BarProgress()
    screen = io.StringIO()
    progress._bars.live.console = Console(file=screen, force_terminal=True)
    progress.start("reading [bold]x[/bold].h5", 3)
    progress.advance(3)
    progress.finish()
    progress.finish()
    err = capsys.readouterr().err
    assert re.fullmatch(r"reading \[bold\]x\[/bold\]\.h5: \d+\.\d s, peak memory \d+ MiB\n", err)
    assert "reading [bold]x[/bold].h5" in screen.getvalue()


def test_peak_memory_counts_what_was_allocated():
    before = console.peak_memory()
    block = bytearray(64 * 2**20)
    block[:: 2**12] = b"x" * len(block[:: 2**12])
    assert console.peak_memory() >= max(before, 64.0)
