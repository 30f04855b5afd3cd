"""COPY into tables under row-level security, which takes no COPY: by way of a temporary table."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Column, Dialect, MetaData, Table, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from app.query import Query
from projections.tables import of_tenant

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[Any]

_PREFIX: Final = "copied_"
_DIALECT: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]  # untyped there


class _Way(NamedTuple):
    through: str
    open: str
    move: Query
    empty: str


async def copied(
    connection: "Connection",
    tenant_id: int,
    into: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Add a tenant's `rows`, which have values for these `columns`, within a transaction.

    Raises what asyncpg raises for a row that the table does not take.
    """
    way = _way(into, tuple(columns))
    await connection.execute(way.open)
    await connection.copy_records_to_table(way.through, columns=columns, records=rows)
    await connection.execute(way.move.text, *way.move.arguments(tenant_id=tenant_id))
    await connection.execute(way.empty)


@cache
def _way(into: Table, columns: tuple[str, ...]) -> _Way:
    typed = (Column(name, into.c[name].type) for name in columns)
    through = Table(_PREFIX + into.name, MetaData(), *typed, prefixes=["TEMPORARY"])
    rows = select(*through.c).where(of_tenant(through.c.tenant_id))
    return _Way(
        through=through.name,
        open=str(CreateTable(through, if_not_exists=True).compile(dialect=_DIALECT)),
        move=Query(insert(into).from_select(columns, rows)),
        empty=f"TRUNCATE {through.name}",
    )
