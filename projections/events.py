"""The three event tables: the truth that all other tables are folded from."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.sql import func

from domain.events import Stream
from projections.tables import metadata, of_tenant, tenant_id


def _event_table(name: str) -> Table:
    table = Table(
        name,
        metadata,
        tenant_id(),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("id", UUID(as_uuid=True), nullable=False),
        Column("aggregate_id", Text, nullable=False),
        Column("event_type", Text, nullable=False),
        Column("event_name", Text, nullable=False),
        Column("event_data", JSONB, nullable=False),
        Column("timestamp", BigInteger, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("metadata", JSONB, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=func.now()),
        Column("idempotency_key", Text, nullable=False),
        UniqueConstraint("tenant_id", "aggregate_id", "version", name=f"ux_{name}_version"),
    )
    Index(f"ix_{name}_timestamp", table.c.tenant_id, table.c.timestamp)
    return table


bet_events: Final = _event_table("bet_events")
payment_events: Final = _event_table("payment_events")
balance_events: Final = _event_table("balance_events")

EVENT_TABLES: Final[dict[Stream, Table]] = {
    "bet": bet_events,
    "payment": payment_events,
    "balance": balance_events,
}

_LIMIT: Final = bindparam("limit", type_=Integer)

EVENT_COLUMNS: Final = (
    "id",
    "tenant_id",
    "position",
    "aggregate_id",
    "version",
    "event_type",
    "event_name",
    "event_data",
    "timestamp",
    "idempotency_key",
    "metadata",
    "hash",
    "created_at",
)


def _columns(table: Table) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in EVENT_COLUMNS]


def of_aggregate(stream: Stream) -> Select[*tuple[Any, ...]]:
    """An aggregate's events after a version, in version order.

    Parameters `tenant_id`, `aggregate_id`, `after_version`, `limit`.
    """
    table = EVENT_TABLES[stream]
    return (
        select(*_columns(table))
        .where(
            of_tenant(table.c.tenant_id),
            table.c.aggregate_id == bindparam("aggregate_id"),
            table.c.version > bindparam("after_version", type_=BigInteger),
        )
        .order_by(table.c.version)
        .limit(_LIMIT)
    )


def log(streams: tuple[Stream, ...], *, period: bool) -> Select[*tuple[Any, ...]]:
    """The events of `streams` after a position, merged in position order, oldest first.

    With `period` only those of a period, found by the index on the timestamp: as event times
    never go back within a tenant, the order by time and position is the order by position.

    Parameters `tenant_id`, `after` (a position), `limit`, and for a period `start_time` and
    `end_time` (milliseconds, both included). Each table hands over at most `limit` rows, so
    the merge reads no more than three times what it returns.
    """
    merged = union_all(
        *(_part(EVENT_TABLES[stream], period=period) for stream in streams)
    ).subquery()
    return select(*merged.c).order_by(merged.c.position).limit(_LIMIT)


def _part(table: Table, *, period: bool) -> Select[*tuple[Any, ...]]:
    rows = select(*_columns(table)).where(
        of_tenant(table.c.tenant_id),
        table.c.position > bindparam("after", type_=BigInteger),
    )
    if period:
        rows = rows.where(
            table.c.timestamp >= bindparam("start_time", type_=BigInteger),
            table.c.timestamp <= bindparam("end_time", type_=BigInteger),
        ).order_by(table.c.timestamp, table.c.position)
    else:
        rows = rows.order_by(table.c.position)
    return select(*rows.limit(_LIMIT).subquery().c)
