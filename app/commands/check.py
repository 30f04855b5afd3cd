"""The command `check`."""

import asyncio
from typing import Final

import click
import structlog

from app import schema
from app.access_settings import check_access
from app.address import database_url
from app.logs import configure
from app.settings import Settings

_log: Final = structlog.get_logger()


@click.command("check")
def command() -> None:
    """Say whether the service could serve; if not, what to do, with exit status 1."""
    settings = Settings.from_environment()
    configure(settings)
    check_access(settings)
    if settings.auth == "jwt":
        from app.signing_keys import check_keys  # noqa: PLC0415 - as in app.factory

        check_keys(settings)
    with database_url(settings) as url:
        asyncio.run(schema.check(url))
        if settings.database_url is not None and settings.cursor_secret is None:
            _log.warning("CURSOR_SECRET is not set: cursors end with each start of the service")
        if settings.stop_seconds <= settings.command_timeout_seconds:
            _log.warning(
                "STOP_SECONDS is not more than COMMAND_TIMEOUT_SECONDS: a stop may end a command"
                " before its answer"
            )
        click.echo("The database can serve.")
