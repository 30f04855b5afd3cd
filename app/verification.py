"""The proof that a tenant's log is whole, and that its views are what the log makes of it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Final, get_args

from msgspec import Struct

from app import fault, heads
from app.fault import Fault, FaultFound
from app.query import Query
from app.shadow import Shadow
from domain.events import Stream
from projections import EVENT_TABLES, PROJECTIONS, event_shape, oracle, shadow

if TYPE_CHECKING:
    from app.event_log import Connection, Row

_SHAPES: Final = {
    EVENT_TABLES[stream].name: Query(event_shape.misshapen(stream)) for stream in get_args(Stream)
}
_STRAY: Final = Query(event_shape.stray())
_DIFFERENCES: Final = {
    projection.table.name: Query(shadow.differences(projection, shadow.shadow_of(projection)))
    for projection in PROJECTIONS
}
_RULES: Final = tuple(Query(rule) for rule in oracle.RULES)


class Verified(Struct, frozen=True):
    """What was found: how many events are right, and the first thing that is not, if any."""

    tenant_id: int
    events: int
    fault: Fault | None


async def verify(
    connection: "Connection", tenant_id: int, progress: Callable[[int], object]
) -> Verified:
    """Check the tenant in one snapshot, so that commands may go on meanwhile.

    Positions, versions and times are dense and in order; the chain of hashes is computed
    anew; the head is where the log ends; each row of each view is what its events make it; and
    the sums of all money are the same by the events as by the views. `progress` is told how
    many events have been read, some at a time.
    """
    made = Shadow(connection, tenant_id)
    await made.open()
    async with connection.transaction(isolation="repeatable_read"):
        try:
            await _check_log(connection, made, progress)
            await _check_views(connection, made)
            await _check_money(connection, tenant_id)
        except FaultFound as found:
            return Verified(tenant_id, made.audit.position, found.fault)
    return Verified(tenant_id, made.audit.position, None)


async def _check_log(
    connection: "Connection", made: Shadow, progress: Callable[[int], object]
) -> None:
    found = [each async for each in _misshapen(connection, made.tenant_id)]
    try:
        await made.catch_up(progress)
        await heads.check(connection, made.audit)
    except FaultFound as broken:
        found.append(broken.fault)
    _raise_first(found)


async def _check_views(connection: "Connection", made: Shadow) -> None:
    await made.write()
    await made.analyze()
    found: list[Fault] = []
    for table, query in _DIFFERENCES.items():
        row = await _first(connection, query, tenant_id=made.tenant_id, limit=1)
        found += [] if row is None else [_difference(made.tenant_id, table, row)]
    if snapshot := await made.snapshots.fault(connection, made.audit.position):
        found.append(snapshot)
    _raise_first(found)


async def _check_money(connection: "Connection", tenant_id: int) -> None:
    for rule in _RULES:
        if row := await _first(connection, rule, tenant_id=tenant_id):
            raise FaultFound(fault.of_row(tenant_id, row))


async def _misshapen(connection: "Connection", tenant_id: int) -> AsyncGenerator[Fault]:
    for table, query in _SHAPES.items():
        if row := await _first(connection, query, tenant_id=tenant_id):
            yield Fault(
                tenant_id=tenant_id,
                table=table,
                column=row["column_name"],
                position=row["position"],
                expected="as a command writes it",
                found=row["found"],
            )
    if row := await _first(connection, _STRAY, tenant_id=tenant_id):
        yield Fault(
            tenant_id=tenant_id,
            table="events",
            column="position",
            position=row["position"],
            expected="one event's, and 1 or more",
            found=str(row["position"]),
        )


async def _first(connection: "Connection", query: Query, **values: object) -> "Row | None":
    return await connection.fetchrow(query.text, *query.arguments(**values))


def _difference(tenant_id: int, table: str, row: "Row") -> Fault:
    whole = row["is_made"] and row["is_found"]
    return Fault(
        tenant_id=tenant_id,
        table=table,
        column=row["column_name"] if whole else "the row",
        position=row["position"],
        key=row["key"],
        expected=(row["made"] if whole else "there") if row["is_made"] else None,
        found=(row["found"] if whole else "there") if row["is_found"] else None,
    )


def _raise_first(faults: Sequence[Fault]) -> None:
    if faults:
        raise FaultFound(min(faults, key=lambda each: each.position or 0))
