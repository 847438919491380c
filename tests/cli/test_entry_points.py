"""`python -m ibcollapse`, and completion as a real shell runs it."""

import os
import shutil
import subprocess
import sys

import pytest

BASH = shutil.which("bash")
COMPLETING = """
eval "$(_IBCOLLAPSE_COMPLETE=bash_source ibcollapse)"
complete -p ibcollapse
COMP_WORDS=({words}) COMP_CWORD={last}
_ibcollapse_completion ibcollapse "${{COMP_WORDS[$COMP_CWORD]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def test_the_package_runs_as_the_command():
    commands = [[sys.executable, "-m", name] for name in ("ibcollapse", "ibcollapse_cli.main")]
    shown = [
        subprocess.run([*command, "--help"], capture_output=True, check=True).stdout
        for command in commands
    ]
    assert shown[0] == shown[1]
    assert shown[0].startswith(b"Usage: ibcollapse ")


def test_importing_the_library_loads_no_command_line():
    program = "import ibcollapse, sys; print([m for m in sys.modules if 'cli' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert b"ibcollapse_cli" not in done.stdout


@pytest.fixture
def path_with_command(tmp_path):
    """A PATH on which `ibcollapse` is this package."""
    script = tmp_path / "ibcollapse"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m ibcollapse "$@"\n')
    script.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.skipif(BASH is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ibcollapse tr", ["transitions", "train"]),
        ("ibcollapse curve --hyst", ["--hysteresis"]),
        ("ibcollapse curve --covariance lo", ["low-rank"]),
    ],
)
def test_bash_completes_commands_options_and_choices(path_with_command, words, expected):
    program = COMPLETING.format(words=words, last=len(words.split()) - 1)
    environment = {**os.environ, "PATH": path_with_command}
    done = subprocess.run(
        [BASH, "--norc", "-c", program], env=environment, capture_output=True, check=True
    )
    registered, *offered = done.stdout.decode().split("\n")
    assert "_ibcollapse_completion ibcollapse" in registered
    assert [word for word in offered if word] == expected


@pytest.mark.parametrize(("shell", "word"), [("zsh", "compdef"), ("fish", "complete --no-files")])
def test_other_shells_get_their_scripts(shell, word):
    environment = {**os.environ, "_IBCOLLAPSE_COMPLETE": f"{shell}_source"}
    done = subprocess.run(
        [sys.executable, "-m", "ibcollapse"], env=environment, capture_output=True
    )
    assert word in done.stdout.decode()
    assert "ibcollapse" in done.stdout.decode()
