"""The `stakebook` command."""

import sys
from importlib import import_module

import click

from app.complaint import Complaint

_COMMANDS = (
    "check",
    "events",
    "explain",
    "keys",
    "migrate",
    "projections",
    "serve",
    "tenants",
    "verify",
)


class Commands(click.Group):
    """The commands by name, each imported when it is called: what serves stays small."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every name."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command of this name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"app.commands.{cmd_name}").command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """An event-sourced ledger for betting operators."""


def main() -> None:
    """Run the command; what a person can mend is one line and exit status 1."""
    try:
        cli()
    except Complaint as error:
        click.echo(f"stakebook: {error}", err=True)
        sys.exit(1)
