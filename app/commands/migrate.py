"""The command `migrate`."""

import asyncio

import click

from app import migrations
from app.address import database_url
from app.settings import Settings


@click.command("migrate")
@click.argument("revision", default="head")
def command(revision: str) -> None:
    """Bring the schema to REVISION, by default to head (`base` takes everything down)."""
    with database_url(Settings.from_environment()) as url:
        asyncio.run(migrations.migrate(url, revision))
        click.echo(f"The schema is at {revision}.")
