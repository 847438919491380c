"""The directive `command-help`: what `ibcollapse <name> --help` says, from the command itself."""

from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from ibcollapse_cli.main import main

_WIDTH = 88


class CommandHelp(Directive):
    """Literal block with the help of the command named by the argument."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Node of the help text."""
        name = self.arguments[0]
        parent = click.Context(main, info_name="ibcollapse")
        command = main.get_command(parent, name)
        if command is None:
            raise self.error(f"ibcollapse has no command {name!r}")
        context = click.Context(
            command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH
        )
        text = command.get_help(context)
        block = nodes.literal_block(text, text)
        block["language"] = "text"
        return [block]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
