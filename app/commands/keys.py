"""The commands about idempotency keys."""

import asyncio
from datetime import timedelta

import click

from app import pruning, schema
from app.address import database_url
from app.database import open_pool
from app.durations import Duration
from app.logs import configure
from app.settings import Settings


@click.group("keys")
def command() -> None:
    """Idempotency keys."""


@command.command()
@click.option("--older-than", type=Duration(), default="48h", show_default=True)
def prune(older_than: timedelta) -> None:
    """Forget idempotency keys that were taken long ago; events stay as they are."""
    settings = Settings.from_environment()
    configure(settings)

    async def run(url: str) -> int:
        await schema.check(url)
        async with await open_pool(url, settings) as pool:
            return await pruning.prune(pool, older_than)

    with database_url(settings) as url:
        click.echo(f"{asyncio.run(run(url))} keys forgotten.")
