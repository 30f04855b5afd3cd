"""The command `explain`."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import click

from app import explanation, schema, tenants
from app.address import database_url
from app.complaint import Complaint
from app.database import batch_connection
from app.explanation import VIEWS, Cause, Explanation
from app.fault import FaultFound
from app.settings import Settings
from domain.recorded import instant

_TITLES: Final = ("column", "value", "position", "event type", "time")


@click.command("explain")
@click.argument("view", type=click.Choice(list(VIEWS)))
@click.argument("key", default="")
@click.option("--tenant", "tenant_id", type=int, required=True)
@click.option(
    "--last",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help="How many events of each column, the last ones.",
)
def command(view: str, key: str, tenant_id: int, last: int) -> None:
    """Say which events made each column of the row KEY of VIEW.

    KEY is the id of the bet, payment or user; the tenant's summary has none. Exit status 1 if
    the row is not what its events make.
    """
    with database_url(Settings.from_environment()) as url:
        explained = asyncio.run(_explain(url, view, key, tenant_id, last))
    if explained.made is None and explained.stored is None:
        raise Complaint(f"Tenant {tenant_id} has no row {key!r} in {view}, and no event of it.")
    click.echo("\n".join(_table(list(_lines(explained)))))
    for column, (made, stored) in explained.wrong.items():
        click.echo(f"{column} is stored as {_text(stored)}, its events make {_text(made)}")
    if explained.wrong:
        raise click.exceptions.Exit(1)


async def _explain(url: str, view: str, key: str, tenant_id: int, last: int) -> Explanation:
    await schema.check(url)
    async with batch_connection(url, "explain") as connection:
        await tenants.events_of(connection, [tenant_id])
        try:
            return await explanation.explain(connection, tenant_id, view, key, last)
        except FaultFound as found:
            raise Complaint(f"The log is not whole: {found.fault}.") from found


def _lines(explained: Explanation) -> Iterator[tuple[str, ...]]:
    yield _TITLES
    for column, causes in explained.causes.items():
        if earlier := explained.earlier.get(column):
            yield column, f"({earlier} earlier)", "", "", ""
        for cause in causes:
            yield _line(cause)


def _line(cause: Cause) -> tuple[str, ...]:
    time = instant(cause.timestamp).isoformat(timespec="milliseconds")
    return cause.column, _text(cause.value), str(cause.position), cause.event_type, time


def _table(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return "-" if value is None else str(value)
