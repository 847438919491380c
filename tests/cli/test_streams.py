"""Standard streams that are closed, full, abandoned or of another encoding."""

import os
import subprocess
import sys
import textwrap

import pytest

# A command that writes a file, says something on both streams, and ends.
PROGRAM = """
import sys, types, click
from pathlib import Path
from ibcollapse_cli import main as entry
from ibcollapse_cli.console import remark
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json, write_line, write_table
module = sys.modules["ibcollapse_cli.commands.probe"] = types.ModuleType("probe")
entry.COMMANDS["probe"] = "Probe."
def body():
    {body}
module.probe = click.command("probe")(body)
entry.main(["probe"])
"""
HANDING_OVER = """
    remark("β of caf\\udce9.h5")
    deliver(
        [lambda: Path("result").write_text("whole")],
        json_path=None,
        write=lambda path: None,
        show=lambda: write_table(("Σ", "b"), [("–", 1), ("plain", 2)], title="caf\\udce9 →"),
    )
"""


@pytest.fixture
def run_shell(tmp_path):
    """Run a command whose body is given, redirected by the shell, in an empty folder."""

    def run(redirection="", body=HANDING_OVER, **environment):
        program = tmp_path / "program.py"
        program.write_text(
            PROGRAM.format(body=textwrap.dedent(body).strip().replace("\n", "\n    "))
        )
        return subprocess.run(
            ["bash", "-c", f'"$0" "$1" {redirection}', sys.executable, str(program)],
            cwd=tmp_path,
            capture_output=True,
            env={**os.environ, **environment},
            timeout=60,
        )

    return run


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_what_the_encoding_cannot_hold_is_escaped_and_columns_stay_flush(run_shell, encoding):
    done = run_shell(PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr

    def shown(text):
        return text.encode(encoding, "backslashreplace").decode(encoding)

    # A title is one line that moves no cursor; the bytes of a name are an escape in all encodings.
    title, head, *rows = done.stdout.decode(encoding).splitlines()
    assert title == shown("caf\\udce9 →")
    assert head.split() == [shown("Σ"), "b"]
    assert [row.split() for row in rows] == [[shown("–"), "1"], ["plain", "2"]]
    assert {row.rstrip()[-1] for row in rows} == {"1", "2"}
    assert len({len(row.rstrip()) for row in (head, *rows)}) == 1
    assert done.stderr.decode(encoding) == shown("β of caf\\udce9.h5") + "\n"


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
def test_output_that_cannot_be_written_is_one_error_after_the_files(
    run_shell, tmp_path, redirection, reason
):
    done = run_shell(redirection)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[1:] == [
        f"Error: cannot write to standard output: {reason}"
    ]
    assert (tmp_path / "result").read_text() == "whole"


def test_a_reader_that_left_is_141_after_the_files_and_says_nothing(run_shell, tmp_path):
    done = run_shell("| true; exit ${PIPESTATUS[0]}")
    assert done.returncode == 141
    assert done.stderr.decode().splitlines() == ["β of caf\\udce9.h5"]
    assert (tmp_path / "result").read_text() == "whole"


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full", "<&- 2>&-"])
def test_remarks_that_cannot_be_written_cost_no_result(run_shell, tmp_path, redirection):
    done = run_shell(redirection)
    assert done.returncode == 0
    assert done.stdout == run_shell().stdout
    assert (tmp_path / "result").read_text() == "whole"


def test_remarks_that_nobody_reads_cost_no_result(run_shell, tmp_path):
    done = run_shell("> printed 2> >(true); wait; echo $?")
    assert done.stdout.split()[-1] == b"0"
    assert (tmp_path / "printed").read_bytes() == run_shell().stdout


def test_a_file_never_takes_the_place_of_a_closed_stream(run_shell):
    body = """
        import os
        with open("result", "w") as file:
            os.write(2, str(file.fileno() > 2).encode())
    """
    assert run_shell("<&- >&-", body).stderr == b"True"


def test_a_pipe_that_broke_elsewhere_is_no_closed_output(run_shell):
    done = run_shell(body='raise BrokenPipeError(32, "Broken pipe")')
    assert done.returncode == 2
    assert done.stderr == b"Error: Broken pipe\n"


@pytest.mark.parametrize(
    ("redirection", "code"),
    [("> /dev/full", 2), (">&-", 2), ("| true; exit ${PIPESTATUS[0]}", 141)],
)
@pytest.mark.parametrize("arguments", ["--help", "--version", "curve --help"])
def test_help_meets_the_same_ends(arguments, redirection, code):
    line = f'"{sys.executable}" -m ibcollapse {arguments} {redirection}'
    done = subprocess.run(["bash", "-c", line], capture_output=True, timeout=60)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_an_error_of_the_command_is_told_before_one_of_the_output(run_shell):
    body = """
        def fail():
            raise FileNotFoundError(2, "No such file or directory", "result")
        deliver([fail], json_path=None, write=lambda path: None, show=lambda: write_line("table"))
    """
    done = run_shell("> /dev/full", body)
    assert done.returncode == 2
    assert done.stderr.decode() == (
        "Error: result: No such file or directory; "
        "also: cannot write to standard output: No space left on device\n"
    )
