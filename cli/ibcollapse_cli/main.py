"""The `ibcollapse` command: finds its sub-commands by name and turns errors into exit codes.

The sub-command `name` is the click command object `name` in `ibcollapse_cli/commands/name.py`. It
is imported only when it is run or asked for its own help, so that `ibcollapse --help` is quick. A
sub-command returns None or an `ExitCode`.
"""

import gc
import importlib
import logging
import sys
import traceback
from typing import Any

import click
from click.shell_completion import CompletionItem

from ibcollapse_cli.outcome import ExitCode, failure_of
from ibcollapse_cli.streams import StandardOutputError, guard_streams
from ibcollapse_cli.tracebacks import watch_log

# Name → short help, which a test keeps equal to the command's own.
COMMANDS = {
    "inspect": "Say what is in a feature file and what would be used.",
    "curve": "Trace the information-bottleneck curve of stored features.",
    "transitions": "List the phase transitions of stored features.",
    "align": "Align the features of two or more networks.",
    "geometry": "Measure neural collapse and the class means' geometry.",
    "information": "Measure matrix entropies and matrix mutual information.",
    "dynamics": "Follow every measure along the stored checkpoints.",
    "predict": "Predict the feature geometry that a loss leads to.",
    "train": "Train a small network and record its features.",
    "report": "Write one self-contained page about feature files.",
}


# Objects in cycles, and collections of younger ones, before a garbage collection. What a command
# imports and compiles stays, and looking through it every 700 objects took a tenth of `curve`.
_RARE_COLLECTIONS = 100_000, 50, 50


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed and whose failures are one line."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line on streams whose failures lose nothing."""
        if not kwargs.get("standalone_mode", True):
            return super().main(*args, **kwargs)
        guard_streams()
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                # Here, so that a failure is met while it can still be handled.
                sys.stdout.flush()
        except StandardOutputError as error:
            failure = failure_of(error)
            failure.show()
            sys.exit(failure.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command `cmd_name`; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"ibcollapse_cli.commands.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name without importing any of them."""
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=COMMANDS[name]) for name in names]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and end with its `ExitCode` or with one line about what failed."""
        gc.set_threshold(*_RARE_COLLECTIONS)
        watch_log()
        try:
            result = super().invoke(ctx)
        except (click.exceptions.Exit, click.UsageError, StandardOutputError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if ctx.params["debug"]:
                traceback.print_exc()
            raise failure_of(error) from error
        if isinstance(result, ExitCode):
            ctx.exit(result)
        return result


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        try:
            version = metadata.version("ibcollapse")
        except metadata.PackageNotFoundError:
            version = "(not installed: run from its source tree)"
        click.echo(f"ibcollapse {version}")
        ctx.exit()


_EPILOG = """\b
Results go to standard output or to files, everything else to standard error.
Exit codes: 0 done; 1 done, but some points did not reach the tolerance;
2 wrong usage, input or output; 70 internal error; 130 interrupted;
141 the reader of standard output left.

\b
Shell completion, in ~/.bashrc:  eval "$(_IBCOLLAPSE_COMPLETE=bash_source ibcollapse)"
(zsh_source in ~/.zshrc; for fish: _IBCOLLAPSE_COMPLETE=fish_source ibcollapse | source)
"""


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.option("--debug", is_flag=True, help="Show the traceback of any error.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def main(debug: bool) -> None:
    """Information bottleneck, phase transitions and collapse geometry of stored features."""
    # matplotlib tells the log which fonts it does without: no user of a command can act on that.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


if __name__ == "__main__":
    main(prog_name="ibcollapse")
