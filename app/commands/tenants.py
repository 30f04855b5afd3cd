"""The commands about tenants."""

import asyncio
from typing import get_args

import click

from app import schema, tenants
from app.address import database_url
from app.database import connect
from app.settings import Settings
from domain.tenant import Wallet


@click.group("tenants")
def command() -> None:
    """Tenants."""


@command.command()
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
        await schema.check(url)
        connection = await connect(url)
        try:
            await tenants.create(connection, tenant_id, name, slug, wallet)
        finally:
            await connection.close()

    with database_url(Settings.from_environment()) as url:
        asyncio.run(run(url))
        click.echo(f"Tenant {tenant_id} is there.")
