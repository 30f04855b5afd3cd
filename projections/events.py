"""The three event tables: the truth that all other tables are folded from."""

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    ScalarSelect,
    Select,
    Table,
    Text,
    UniqueConstraint,
    any_,
    bindparam,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.sql import func

from domain.events import Stream
from projections.tables import ONE, metadata, of_tenant, tenant_id


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

END: Final = 2**63 - 1
"""A position that no event is behind."""

_LIMIT: Final = bindparam("limit", type_=Integer)
_TO: Final = bindparam("to", type_=BigInteger)

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
    """An aggregate's events after a version and up to a position, in version order.

    Parameters `tenant_id`, `aggregate_id`, `after_version`, `to` (a position), `limit`.
    """
    table = EVENT_TABLES[stream]
    return (
        select(*_columns(table))
        .where(
            of_tenant(table.c.tenant_id),
            table.c.aggregate_id == bindparam("aggregate_id"),
            table.c.version > bindparam("after_version", type_=BigInteger),
            table.c.position <= _TO,
        )
        .order_by(table.c.version)
        .limit(_LIMIT)
    )


def of_aggregates(stream: Stream) -> Select[*tuple[Any, ...]]:
    """All events of some aggregates up to a position, in no order.

    Parameters `tenant_id`, `aggregate_ids`, `to` (a position).
    """
    table = EVENT_TABLES[stream]
    return select(*_columns(table)).where(
        of_tenant(table.c.tenant_id),
        table.c.aggregate_id == any_(bindparam("aggregate_ids", type_=ARRAY(Text))),
        # An expression, which no index serves: a planner that knows nothing of a young table
        # takes the index on the position, and reads all of it.
        table.c.position + literal_column("0") <= _TO,
    )


def log(streams: tuple[Stream, ...], *, period: bool) -> Select[*tuple[Any, ...]]:
    """The events of `streams` after a position, merged in position order, oldest first.

    With `period` only those of a period. As event times never go back within a tenant, a
    period is a range of positions: its bounds are looked up first, by the index on the
    timestamp, so that a page that goes on after a position begins there.

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
        before_start = bindparam("start_time", type_=BigInteger) - 1
        # A subquery of its own: beside a policy only what cannot leak rows goes by an index.
        start = select(func.coalesce(last_position(table, before_start), 0)).scalar_subquery()
        rows = rows.where(
            table.c.position > start,
            table.c.position <= last_position(table, bindparam("end_time", type_=BigInteger)),
        )
    return select(*rows.order_by(table.c.position).limit(_LIMIT).subquery().c)


def last_position(table: Table, time: ColumnElement[int]) -> ScalarSelect[int]:
    """The position of the last event in `table` that is not later than `time`."""
    return (
        select(table.c.position)
        .where(of_tenant(table.c.tenant_id), table.c.timestamp <= time)
        .order_by(table.c.timestamp.desc(), table.c.position.desc())
        .limit(ONE)
        .scalar_subquery()
    )
