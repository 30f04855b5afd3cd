"""The commands about projections."""

import asyncio
from collections.abc import Collection

import click

from app import rebuild as rebuilding
from app import schema, tenants
from app.address import database_url
from app.complaint import Complaint
from app.database import batch_connection
from app.fault import FaultFound
from app.garbage import collect_rarely
from app.progress import progress
from app.rebuild import NAMES, Rebuilt
from app.settings import Settings


@click.group("projections")
def command() -> None:
    """The views that reads are answered from."""


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice(NAMES))
@click.option("--tenant", "tenant_ids", type=int, multiple=True, help="Of this tenant alone.")
def rebuild(names: tuple[str, ...], tenant_ids: tuple[int, ...]) -> None:
    """Make the views NAME, or all, what the log says, while the service goes on."""
    with database_url(Settings.from_environment()) as url:
        asyncio.run(_rebuild(url, names or NAMES, tenant_ids))


async def _rebuild(url: str, views: Collection[str], tenant_ids: Collection[int]) -> None:
    collect_rarely()
    await schema.check(url)
    async with batch_connection(url, "rebuild") as connection:
        events = await tenants.events_of(connection, tenant_ids)
        with progress("reading the log", sum(events.values())) as advance:
            for tenant_id in events:
                try:
                    done = await rebuilding.rebuild(connection, tenant_id, views, advance)
                except FaultFound as found:
                    raise Complaint(
                        f"The log is not whole, nothing more is rebuilt: {found.fault}."
                    ) from found
                click.echo(_said(done))


def _said(done: Rebuilt) -> str:
    rows = ", ".join(f"{number} of {view}" for view, number in done.rows.items())
    said = f"tenant {done.tenant_id}: {done.events} events, rows set: {rows or 'none'}"
    if left := ", ".join(f"{number} of {view}" for view, number in done.left.items()):
        said += f"; wrong as well: {left}"
    return said
