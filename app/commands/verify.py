"""The command `verify`."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from pathlib import Path

import click

from app import schema, tenants, verification
from app.address import database_url
from app.database import batch_connection
from app.fault import Fault
from app.file_verification import verify_file
from app.garbage import collect_rarely
from app.progress import progress
from app.settings import Settings
from app.verification import Verified


@click.command("verify")
@click.option("--tenant", "tenant_ids", type=int, multiple=True, help="This tenant alone.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="An exported file in place of the database.",
)
def command(tenant_ids: tuple[int, ...], file: Path | None) -> None:
    """Prove that the log is whole and that the views are what it makes of them.

    Exit status 1 if not, with the first fault of each tenant.
    """
    if file is not None and tenant_ids:
        raise click.UsageError("--file checks the tenant in the file: leave --tenant out.")
    if file is not None:
        whole = _verify_file(file)
    else:
        with database_url(Settings.from_environment()) as url:
            whole = asyncio.run(_verify(url, tenant_ids))
    if not whole:
        raise click.exceptions.Exit(1)


def _verify_file(file: Path) -> bool:
    found = verify_file(file)
    if found.last < found.first and found.fault is None:
        click.echo(f"tenant {found.tenant_id}: there is no event in the file")
    else:
        _say(found.fault, f"tenant {found.tenant_id}: events {found.first} to {found.last}")
    return found.fault is None


async def _verify(url: str, tenant_ids: Collection[int]) -> bool:
    collect_rarely()
    await schema.check(url)
    whole = True
    async for each in _verified(url, tenant_ids):
        _say(each.fault, f"tenant {each.tenant_id}: {each.events} events and their views")
        whole = whole and each.fault is None
    return whole


async def _verified(url: str, tenant_ids: Collection[int]) -> AsyncGenerator[Verified]:
    async with batch_connection(url, "verify") as connection:
        events = await tenants.events_of(connection, tenant_ids)
        with progress("reading the log", sum(events.values())) as advance:
            for tenant_id in events:
                yield await verification.verify(connection, tenant_id, advance)


def _say(fault: Fault | None, checked: str) -> None:
    click.echo(f"{checked} are as they should be" if fault is None else str(fault))
