import importlib
import os
import pkgutil
import signal
import subprocess
import sys
import textwrap
import time

import click
import pytest
from click.testing import CliRunner

import ibcollapse_cli.commands
from ibcollapse.errors import FeatureFileError
from ibcollapse_cli.main import COMMANDS, main
from ibcollapse_cli.outcome import ExitCode

EXISTING = sorted(m.name for m in pkgutil.iter_modules(ibcollapse_cli.commands.__path__))
HEAVY = ("numba", "torch", "matplotlib", "sklearn", "scipy", "numpy", "h5py", "rich", "jinja2")
PROBE = """
import sys, types, click
from ibcollapse_cli import main as entry
module = sys.modules["ibcollapse_cli.commands.probe"] = types.ModuleType("probe")
entry.COMMANDS["probe"] = "Probe."
def body():
    {body}
module.probe = click.command("probe")(body)
entry.main(["probe"])
"""


def start_python(code, **kwargs):
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, **kwargs)


def probe_program(body):
    return PROBE.format(body=textwrap.indent(textwrap.dedent(body), "    ").strip())


def test_help_loads_nothing_heavy():
    program = f"""
import sys
from ibcollapse_cli.main import main
main(["--help"], standalone_mode=False)
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "[]"


def test_help_comes_within_its_time():
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "ibcollapse_cli.main", "--help"], check=True, capture_output=True
        )
        times.append(time.perf_counter() - start)
    assert min(times) < 0.6


def test_help_lists_every_command():
    shown = CliRunner().invoke(main, ["-h"]).output
    assert all(f"  {name}" in shown and COMMANDS[name] in shown for name in COMMANDS)


@pytest.mark.parametrize("name", EXISTING)
def test_the_table_agrees_with_the_command(name):
    command = getattr(importlib.import_module(f"ibcollapse_cli.commands.{name}"), name)
    assert command.name == name
    assert COMMANDS[name] == command.get_short_help_str(limit=100)


def test_version_is_one_line():
    done = CliRunner().invoke(main, ["--version"])
    assert done.exit_code == 0
    assert done.output.startswith("ibcollapse ")
    assert done.output.count("\n") == 1


def test_completion_offers_names_without_importing_them():
    environment = {
        **os.environ,
        "_IBCOLLAPSE_COMPLETE": "bash_complete",
        "COMP_WORDS": "ibcollapse tr",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "ibcollapse_cli.main"], env=environment, capture_output=True
    )
    assert done.stdout.decode().split() == ["plain,transitions", "plain,train"]


def test_an_unknown_command_is_wrong_usage():
    done = CliRunner().invoke(main, ["curvy"])
    assert done.exit_code == 2
    assert "No such command 'curvy'" in done.stderr


def test_an_exit_code_returned_by_the_command_is_the_exit_code(run_command):
    assert run_command(lambda: ExitCode.UNFINISHED).exit_code == 1
    assert run_command(lambda: None).exit_code == 0


def fails_with(error):
    def body():
        raise error

    return body


def test_a_foreseen_error_is_one_line_on_stderr(run_command):
    done = run_command(fails_with(FeatureFileError("a.h5: no labels; use --labels-key")))
    assert done.exit_code == 2
    assert done.stderr == "Error: a.h5: no labels; use --labels-key\n"
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionError(13, "Permission denied", "x.h5"), "x.h5: Permission denied"),
        (MemoryError("Unable to allocate 2 TiB"), "not enough memory (Unable to allocate 2 TiB)"),
        (click.FileError("x.h5", "gone"), "gone"),
    ],
)
def test_trouble_with_the_machine_is_bad_input(run_command, error, text):
    done = run_command(fails_with(error))
    assert done.exit_code == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_defect_asks_for_a_report_and_hides_its_traceback(run_command):
    done = run_command(fails_with(ZeroDivisionError("division by zero")))
    assert done.exit_code == 70
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "--debug" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(run_command):
    done = run_command(fails_with(ZeroDivisionError("division by zero")), before=["--debug"])
    assert done.exit_code == 70
    assert "Traceback" in done.stderr


def test_an_interrupt_ends_with_130_and_a_message():
    body = """
        import time
        print("ready", flush=True)
        time.sleep(60)
    """
    process = start_python(probe_program(body), stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stderr.decode().startswith("Error: interrupted")
    assert b"Traceback" not in stderr


def test_a_closed_pipe_ends_quietly():
    # More than a pipe holds, so that writing goes on after the reader has left.
    body = """
        for _ in range(100_000):
            click.echo("x" * 20)
    """
    process = start_python(probe_program(body), stdout=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=20) == 141
    assert stderr == b""
