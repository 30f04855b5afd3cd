"""The command `check`."""

import asyncio

import click

from app import schema
from app.access_settings import check_access
from app.address import database_url
from app.settings import Settings


@click.command("check")
def command() -> None:
    """Say whether the service could serve; if not, what to do, with exit status 1."""
    settings = Settings.from_environment()
    check_access(settings)
    if settings.auth == "jwt":
        from app.signing_keys import check_keys  # noqa: PLC0415 - as in app.factory

        check_keys(settings)
    with database_url(settings) as url:
        asyncio.run(schema.check(url))
        click.echo("The database can serve.")
