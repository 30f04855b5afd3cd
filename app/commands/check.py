"""The command `check`."""

import asyncio

import click

from app import schema
from app.address import database_url
from app.settings import Settings


@click.command("check")
def command() -> None:
    """Say whether the database can serve; if not, what to do, with exit status 1."""
    with database_url(Settings.from_environment()) as url:
        asyncio.run(schema.check(url))
        click.echo("The database can serve.")
