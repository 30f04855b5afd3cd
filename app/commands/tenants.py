"""The commands about tenants."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, get_args

import asyncpg
import click
import msgspec

from app import schema, tenants
from app.address import database_url
from app.bodies import reason_of
from app.complaint import Complaint
from app.database import batch_connection
from app.settings import Settings
from domain.tenant import (
    LARGEST_ID,
    ChangeTenant,
    CreateTenant,
    Name,
    Plan,
    Slug,
    TenantStatus,
    Wallet,
)

Work: TypeAlias = Callable[[asyncpg.Connection], Awaitable[object]]

_ID: Final = click.IntRange(1, LARGEST_ID)
_LISTED: Final = ("id", "status", "wallet", "plan", "slug", "name")
_AT_ONCE: Final = 200


class _Field(click.ParamType[str]):
    """A text that the field of a tenant may hold."""

    name = "text"

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value as it is, if it may be held."""
        try:
            return str(msgspec.convert(value, self._kind))
        except msgspec.ValidationError as error:
            self.fail(reason_of(str(error)), param, ctx)


@click.group("tenants")
def command() -> None:
    """Tenants."""


@command.command()
@click.argument("tenant_id", type=_ID)
@click.option("--name", required=True, type=_Field(Name), help="What people call the operator.")
@click.option(
    "--slug",
    required=True,
    type=_Field(Slug),
    help="A short name for machines; no other tenant has it.",
)
@click.option(
    "--plan",
    type=_Field(Plan),
    default="basic",
    show_default=True,
    help="What the operator pays for.",
)
@click.option(
    "--wallet",
    type=click.Choice(get_args(Wallet)),
    default="external",
    show_default=True,
    help="Whether bets move balances (internal) or stakes are held elsewhere.",
)
def create(tenant_id: int, name: str, slug: str, plan: str, wallet: Wallet) -> None:
    """Add the tenant TENANT_ID."""
    new = CreateTenant(id=tenant_id, name=name, slug=slug, plan=plan, wallet=wallet)
    _do(lambda connection: tenants.create(connection, new))
    click.echo(f"Tenant {tenant_id} is there.")


@command.command("list")
def list_all() -> None:
    """Print id, status, wallet, plan, slug and name of every tenant, with tabs between."""
    _do(_print_all)


@command.command()
@click.argument("tenant_id", type=_ID)
def suspend(tenant_id: int) -> None:
    """Take no more commands of the tenant TENANT_ID, who is still read."""
    _put(tenant_id, "suspended")


@command.command()
@click.argument("tenant_id", type=_ID)
def activate(tenant_id: int) -> None:
    """Take commands of the tenant TENANT_ID again."""
    _put(tenant_id, "active")


def _put(tenant_id: int, status: TenantStatus) -> None:
    _do(lambda connection: tenants.change(connection, tenant_id, ChangeTenant(status=status)))
    click.echo(f"Tenant {tenant_id} is {status}.")


def _do(work: Work) -> None:
    """Have `work` done on the database."""

    async def run(url: str) -> None:
        await schema.check(url)
        async with batch_connection(url, "tenants") as connection:
            try:
                await work(connection)
            except asyncpg.LockNotAvailableError as error:
                raise Complaint("Somebody holds the tenant: run it again after that.") from error

    with database_url(Settings.from_environment()) as url:
        asyncio.run(run(url))


async def _print_all(connection: asyncpg.Connection) -> None:
    listed, _ = await tenants.page(connection, 0, _AT_ONCE)
    while listed:
        for tenant in listed:
            click.echo("\t".join(str(getattr(tenant, name)) for name in _LISTED))
        listed, _ = await tenants.page(connection, listed[-1].id, _AT_ONCE)
