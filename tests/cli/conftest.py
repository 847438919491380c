"""A command made for the tests, entered beside the real ones."""

import sys
import types

import click
import pytest
from click.testing import CliRunner

from ibcollapse_cli import main as entry


@pytest.fixture
def run_command(monkeypatch, tmp_path):
    """Run `body` as the command `probe`, with the given decorators and arguments.

    In a folder of its own, where an internal error leaves its traceback.
    """
    monkeypatch.chdir(tmp_path)

    def run(body, *arguments, decorators=(), before=()):
        command = body
        for decorate in reversed(decorators):
            command = decorate(command)
        module = types.ModuleType("ibcollapse_cli.commands.probe")
        module.probe = click.command("probe")(command)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(entry.COMMANDS, "probe", "Probe.")
        return CliRunner().invoke(entry.main, [*before, "probe", *arguments])

    return run
