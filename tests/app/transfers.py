"""Moving a tenant between two databases, and comparing what both hold of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from app import exporting, importing
from app.database import PLANNER, connect
from app.event_log import Logged
from app.export_file import AT_ONCE, ExportedTenant, ExportReader, ExportWriter, Heading
from app.reading_ahead import reading_ahead
from app.row_window import MOST_ROWS
from projections import metadata
from tests.app.ledger import Connection
from tests.conftest import DEFAULT_TENANT

Edit: TypeAlias = Callable[[list[Logged]], list[Logged]]

# What an import cannot know: when rows were first written, and what fingerprints requests had.
_UNKNOWN_COLUMNS = {"created_at"}
_UNKNOWN_TABLES = {"idempotency_keys"}

_DEFAULT = ExportedTenant(
    id=DEFAULT_TENANT,
    name="Default Tenant",
    slug="default",
    status="active",
    plan="basic",
    wallet="external",
)


async def write(url: str, tenant: int, file: Path, after: int = 0) -> Heading:
    """Export a tenant to a file."""
    connection = await connect(url, PLANNER)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            heading = await exporting.heading(connection, tenant, after)
            with file.open("wb") as opened:
                await exporting.export(connection, heading, opened, int)
    finally:
        await connection.close()
    return heading


async def bring_in(
    url: str, file: Path, *, at_once: int = AT_ONCE, most_rows: int = MOST_ROWS
) -> None:
    """Import a file."""
    connection = await connect(url, PLANNER)
    try:
        with reading_ahead(file, at_once) as reader:
            await importing.import_(connection, reader, int, most_rows=most_rows)
    finally:
        await connection.close()


def read(file: Path) -> list[Logged]:
    """All events of a file."""
    with file.open("rb") as opened:
        return [logged for chunk in ExportReader(opened).chunks() for logged in chunk]


def make(file: Path, log: Sequence[Logged], edit: Edit = list) -> None:
    """Export the log of the default tenant, edited after the heading was written."""
    with file.open("wb") as opened:
        writer = ExportWriter(opened, Heading(tenant=_DEFAULT, after=0, to=len(log)))
        writer.write(edit(list(log)))


async def held(connection: Connection, tenant: int) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tenant in every table, by table."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, table in metadata.tables.items():
        if name not in _UNKNOWN_TABLES:
            column = "id" if name == "tenants" else "tenant_id"
            key = ", ".join(each.name for each in table.primary_key)
            query = f"SELECT * FROM {name} WHERE {column} = $1 ORDER BY {key}"  # noqa: S608
            found = await connection.fetch(query, tenant)
            rows[name] = [
                {k: v for k, v in row.items() if k not in _UNKNOWN_COLUMNS} for row in found
            ]
    return rows
