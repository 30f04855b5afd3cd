"""The `stakebook` command."""

import asyncio
import os
import re
import secrets
import sys
import tempfile
from datetime import timedelta
from typing import Any, Final, get_args

import asyncpg
import click
import structlog

from app import database, embedded, pruning, server, tenants
from app.database import DatabaseUnusable
from app.logs import configure
from app.settings import InvalidSetting, Settings
from domain.tenant import Wallet

_log: Final = structlog.get_logger()

# What a person can mend: told in one line, without a traceback.
EXPECTED: Final = (
    InvalidSetting,
    embedded.EmbeddedUnavailable,
    DatabaseUnusable,
    server.PortTaken,
    tenants.TenantExists,
)
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_SECONDS: Final = 100 * 366 * 86_400


class Duration(click.ParamType[timedelta]):
    """A number with its unit: 90s, 30m, 48h, 7d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """Parse `value`."""
        if isinstance(value, timedelta):
            return value
        if not (parts := _DURATION.fullmatch(value)):
            self.fail(f"{value!r} is not a duration such as 90s, 30m, 48h or 7d", param, ctx)
        duration = float(parts[1]) * _SECONDS[parts[2]]
        if duration > _LONGEST_SECONDS:
            self.fail(f"{value!r} is longer than a century", param, ctx)
        return timedelta(seconds=duration)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """An event-sourced ledger for betting operators."""


@cli.command()
def serve() -> None:
    """Serve the API, on an embedded PostgreSQL unless DATABASE_URL is set."""
    settings = Settings.from_environment()
    configure(settings)
    server.check_port(settings.host, settings.port)
    with database.database_url(settings) as url:
        asyncio.run(database.make_ready(url, migrate_first=settings.database_url is None))
        os.environ["DATABASE_URL"] = url
        os.environ["CURSOR_SECRET"] = settings.cursor_secret or _cursor_secret(settings)
        with tempfile.TemporaryDirectory(prefix="stakebook-") as directory:
            if settings.workers > 1:
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
            _announce(settings)
            server.serve(settings)


@cli.command()
@click.argument("revision", default="head")
def migrate(revision: str) -> None:
    """Bring the schema to REVISION, by default to head (`base` takes everything down)."""
    with database.database_url(Settings.from_environment()) as url:
        asyncio.run(database.migrate(url, revision))
        click.echo(f"The schema is at {revision}.")


@cli.group()
def keys() -> None:
    """Idempotency keys."""


@keys.command()
@click.option("--older-than", type=Duration(), default="48h", show_default=True)
def prune(older_than: timedelta) -> None:
    """Forget idempotency keys that were taken long ago; events stay as they are."""
    settings = Settings.from_environment()
    configure(settings)

    async def run(url: str) -> int:
        await database.make_ready(url, migrate_first=False)
        async with await database.open_pool(url, settings) as pool:
            return await pruning.prune(pool, older_than)

    with database.database_url(settings) as url:
        click.echo(f"{asyncio.run(run(url))} keys forgotten.")


@cli.group("tenants")
def tenants_group() -> None:
    """Tenants."""


@tenants_group.command()
@click.argument("tenant_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--name", required=True, help="What people call the operator.")
@click.option("--slug", required=True, help="A short name for machines; no other tenant has it.")
@click.option(
    "--wallet",
    type=click.Choice(get_args(Wallet)),
    default="external",
    show_default=True,
    help="Whether bets move balances (internal) or stakes are held elsewhere.",
)
def create(tenant_id: int, name: str, slug: str, wallet: Wallet) -> None:
    """Add the tenant TENANT_ID."""

    async def run(url: str) -> None:
        await database.make_ready(url, migrate_first=False)
        connection = await asyncpg.connect(url)
        try:
            await tenants.create(connection, tenant_id, name, slug, wallet)
        finally:
            await connection.close()

    with database.database_url(Settings.from_environment()) as url:
        asyncio.run(run(url))
        click.echo(f"Tenant {tenant_id} is there.")


def _cursor_secret(settings: Settings) -> str:
    """A secret for cursors: kept beside the embedded server, or made anew for this start."""
    if settings.database_url is not None:
        _log.warning("CURSOR_SECRET is not set: cursors end with this start and at other replicas")
        return secrets.token_urlsafe(48)
    file = settings.data_dir / "cursor.secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text()


def _announce(settings: Settings) -> None:
    root = f"http://{settings.host}:{settings.port}"
    click.echo(f"Stakebook serves {root} (documentation {root}/schema, health {root}/readyz).")
    click.echo("Ctrl-C stops it.")


def main() -> None:
    """Run the command; what a person can mend is one line and exit status 1."""
    try:
        cli()
    except EXPECTED as error:
        click.echo(f"stakebook: {error}", err=True)
        sys.exit(1)
