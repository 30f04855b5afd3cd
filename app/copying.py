"""COPY into tables under row-level security, which takes no COPY: by way of a temporary table."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Table, column, insert, select, table

from app.query import Query

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[Any]

_PREFIX: Final = "copied_"


class _Way(NamedTuple):
    through: str
    open: str
    move: str
    empty: str


async def copied(
    connection: "Connection",
    into: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Add `rows`, which have values for these `columns`, to the table, within a transaction.

    Raises what asyncpg raises for a row that the table does not take.
    """
    way = _way(into, tuple(columns))
    await connection.execute(way.open)
    await connection.copy_records_to_table(way.through, columns=columns, records=rows)
    await connection.execute(way.move)
    await connection.execute(way.empty)


@cache
def _way(into: Table, columns: tuple[str, ...]) -> _Way:
    through = table(_PREFIX + into.name, *(column(name, into.c[name].type) for name in columns))
    like = Query(select(*(into.c[name] for name in columns)))
    move = Query(insert(into).from_select(columns, select(*through.c)))
    return _Way(
        through=through.name,
        open=f"CREATE TEMPORARY TABLE IF NOT EXISTS {through.name} AS {like.text} WITH NO DATA",
        move=move.text,
        empty=f"TRUNCATE {through.name}",
    )
