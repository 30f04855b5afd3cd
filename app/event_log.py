"""The log as it was written: a tenant's events in the order of their positions."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

from msgspec import Struct
from msgspec.json import Decoder

from app.query import Query
from domain.events import EVENT_TYPE, DomainEvent, Stream
from domain.recorded import Metadata, Recorded
from projections import events

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Row: TypeAlias = Mapping[str, Any] | asyncpg.Record
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

AT_ONCE: Final = 5_000
_LOG: Final = Query(events.log(get_args(Stream), period=False))
_EVENTS: Final = {name: Decoder(event_class) for event_class, name in EVENT_TYPE.items()}
_METADATA: Final = Decoder(Metadata)


class Logged(Struct, frozen=True):
    """An event of the log with its link of the chain; its hash covers the one before it."""

    recorded: Recorded[DomainEvent]
    hash: bytes


def logged(row: "Row") -> Logged:
    """The event in a row of an event table, whose JSON is text.

    Raises `KeyError` for an event type that this version does not know, and what msgspec raises
    for a payload that is none.
    """
    recorded = Recorded(
        tenant_id=row["tenant_id"],
        position=row["position"],
        id=str(row["id"]),
        aggregate_id=row["aggregate_id"],
        version=row["version"],
        timestamp=row["timestamp"],
        idempotency_key=row["idempotency_key"],
        metadata=_METADATA.decode(row["metadata"]),
        event=_EVENTS[row["event_type"]].decode(row["event_data"]),
    )
    return Logged(recorded, row["hash"])


async def rows(
    connection: "Connection", tenant_id: int, *, after: int, limit: int = AT_ONCE
) -> "Sequence[asyncpg.Record]":
    """A tenant's rows of the event tables after a position, in order: at most so many."""
    arguments = _LOG.arguments(tenant_id=tenant_id, after=after, limit=limit)
    return await connection.fetch(_LOG.text, *arguments)


async def read(
    connection: "Connection",
    tenant_id: int,
    *,
    after: int = 0,
    to: int | None = None,
    at_once: int = AT_ONCE,
) -> AsyncGenerator[list[Logged]]:
    """A tenant's events after one position, up to another or to the end, some at a time.

    Each read is a snapshot of its own unless the caller's transaction is one.
    """
    while to is None or after < to:
        limit = at_once if to is None else min(at_once, to - after)
        found = await rows(connection, tenant_id, after=after, limit=limit)
        if found:
            yield [logged(row) for row in found]
            after = found[-1]["position"]
        if len(found) < limit:
            return
