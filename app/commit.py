"""The one statement that commits a batch, built once for each set of tables it writes."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final

from msgspec import Struct
from msgspec.json import Encoder
from msgspec.structs import astuple
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Numeric,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.expression import CTE, TableValuedAlias
from sqlalchemy.types import TypeEngine

from app.chain import Sealed
from app.draft import Draft
from app.query import Query
from domain.events import EVENT_NAME, EVENT_TYPE
from projections import EVENT_TABLES, PROJECTIONS, idempotency_keys, tenant_heads

_ENCODER: Final = Encoder(decimal_format="number")
_NO_METADATA: Final = "{}"

_HEAD_PARAMETERS: Final = ("tenant_id", "position", "hash", "last_timestamp")
_EXPECTED_PARAMETERS: Final = ("expected_position", "expected_revision")
_EVENT_PARAMETERS: Final = (
    "tenant_id",
    "position",
    "id",
    "aggregate_id",
    "event_type",
    "event_name",
    "event_data",
    "timestamp",
    "version",
    "metadata",
    "hash",
    "idempotency_key",
)
_KEY_PARAMETERS: Final = (
    "tenant_id",
    "idempotency_key",
    "operation",
    "fingerprint",
    "resource_id",
    "command_id",
    "status",
    "problem",
)
_ROW_PARAMETERS: Final = {
    projection.table.name: ("tenant_id", *projection.row_type.__struct_fields__)
    for projection in PROJECTIONS
    if "tenant_id" not in projection.row_type.__struct_fields__
}

Arguments = dict[str, Sequence[object]]


@lru_cache(maxsize=64)
def statement(tables: frozenset[str]) -> Query:
    """The statement for batches that write exactly `tables`.

    Its first part moves each head from the expected to the new position, in tenant order so
    that two batches cannot wait for each other; every other part joins it, so that a tenant
    whose head somebody else moved writes nothing. Returns the tenants that committed.
    """
    moved = _moved()
    writes: list[CTE] = []
    for table in EVENT_TABLES.values():
        if table.name in tables:
            writes.append(_appended(table, _EVENT_PARAMETERS, moved))
    for projection in PROJECTIONS:
        if projection.table.name in tables:
            writes.append(_folded(projection.table, moved))
    if idempotency_keys.name in tables:
        writes.append(_appended(idempotency_keys, _KEY_PARAMETERS, moved))
    return Query(select(moved.c.tenant_id).add_cte(*writes))


def written(drafts: Iterable[Draft]) -> frozenset[str]:
    """The names of the tables that `drafts` write."""
    tables: set[str] = set()
    for draft in drafts:
        tables.update(EVENT_TABLES[stream].name for stream, sealed in draft.events.items() if sealed)
        tables.update(draft.rows)
        if draft.claims:
            tables.add(idempotency_keys.name)
    return frozenset(tables)


def arguments(drafts: Sequence[Draft], tables: frozenset[str]) -> Arguments:
    """The values of the statement's parameters, an array for each column."""
    values = _heads(drafts)
    for stream, table in EVENT_TABLES.items():
        if table.name in tables:
            rows = [_event_row(sealed) for draft in drafts for sealed in draft.events[stream]]
            values |= _columns(table, _EVENT_PARAMETERS, rows)
    for projection in PROJECTIONS:
        if (table := projection.table).name in tables:
            values |= _columns(table, _ROW_PARAMETERS[table.name], _rows(drafts, table.name))
    if idempotency_keys.name in tables:
        values |= _columns(idempotency_keys, _KEY_PARAMETERS, _claims(drafts))
    return values


def _moved() -> CTE:
    heads = tenant_heads.c
    names = (*_HEAD_PARAMETERS, *_EXPECTED_PARAMETERS)
    types: list[TypeEngine[Any]] = [heads[name].type for name in _HEAD_PARAMETERS]
    to = _unnested("tenant_heads", names, [*types, BigInteger(), BigInteger()])
    expected = (
        heads.tenant_id == to.c.tenant_id,
        heads.position == to.c.expected_position,
        heads.revision == to.c.expected_revision,
    )
    held = (
        select(heads.tenant_id)
        .join_from(tenant_heads, to, expected[0])
        .where(*expected[1:])
        .order_by(heads.tenant_id)
        .with_for_update(of=tenant_heads)
        .cte("held")
    )
    return (
        update(tenant_heads)
        .values({name: to.c[name] for name in _HEAD_PARAMETERS[1:]})
        .where(*expected, heads.tenant_id == held.c.tenant_id)
        .returning(heads.tenant_id)
        .cte("moved")
    )


def _appended(table: Table, names: Sequence[str], moved: CTE) -> CTE:
    return insert(table).from_select(names, _of_moved(table, names, moved)).cte(f"to_{table.name}")


def _folded(table: Table, moved: CTE) -> CTE:
    names = _ROW_PARAMETERS[table.name]
    key = [column.name for column in table.primary_key]
    rows = upsert(table).from_select(names, _of_moved(table, names, moved))
    return rows.on_conflict_do_update(
        index_elements=key,
        set_={name: rows.excluded[name] for name in names if name not in key},
    ).cte(f"to_{table.name}")


def _of_moved(table: Table, names: Sequence[str], moved: CTE) -> Select[Any]:
    source = _unnested(table.name, names, [_sent_as(table.c[name]) for name in names])
    tenants = cast(select(func.array_agg(moved.c.tenant_id)).scalar_subquery(), ARRAY(BigInteger))
    return select(*(_typed(source.c[name], table.c[name]) for name in names)).where(
        source.c.tenant_id == any_(tenants)
    )


def _unnested(
    prefix: str, names: Sequence[str], types: Sequence[TypeEngine[Any]]
) -> TableValuedAlias:
    arrays = [
        bindparam(f"{prefix}__{name}", type_=ARRAY(kind))
        for name, kind in zip(names, types, strict=True)
    ]
    return func.unnest(*arrays).table_valued(*names).render_derived(name=f"new_{prefix}")


def _sent_as(column: Column[Any]) -> TypeEngine[Any]:
    """Decimals and documents travel as text, which costs the driver a fraction."""
    return Text() if isinstance(column.type, Numeric | JSONB) else column.type


def _typed(value: Any, column: Column[Any]) -> Any:
    return cast(value, column.type) if isinstance(column.type, Numeric | JSONB) else value


def _heads(drafts: Sequence[Draft]) -> Arguments:
    heads = [(draft.state.tenant.id, draft.head, draft.state.head) for draft in drafts]
    return {
        "tenant_heads__tenant_id": [tenant_id for tenant_id, _, _ in heads],
        "tenant_heads__position": [after.position for _, after, _ in heads],
        "tenant_heads__hash": [after.hash for _, after, _ in heads],
        "tenant_heads__last_timestamp": [after.last_timestamp for _, after, _ in heads],
        "tenant_heads__expected_position": [before.position for _, _, before in heads],
        "tenant_heads__expected_revision": [before.revision for _, _, before in heads],
    }


def _event_row(sealed: Sealed) -> tuple[object, ...]:
    recorded = sealed.recorded
    event_type = EVENT_TYPE[type(recorded.event)]
    metadata = _ENCODER.encode(recorded.metadata).decode()
    return (
        recorded.tenant_id,
        recorded.position,
        recorded.id,
        recorded.aggregate_id,
        event_type,
        EVENT_NAME[event_type],
        sealed.data,
        recorded.timestamp,
        recorded.version,
        metadata,
        sealed.hash,
        recorded.idempotency_key,
    )


def _rows(drafts: Sequence[Draft], table: str) -> list[tuple[object, ...]]:
    return [
        (draft.state.tenant.id, *astuple(row))
        for draft in drafts
        for row in draft.rows.get(table, {}).values()
        if row is not None
    ]


def _claims(drafts: Sequence[Draft]) -> list[tuple[object, ...]]:
    return [
        (
            draft.state.tenant.id,
            claim.idempotency_key,
            claim.operation,
            _ENCODER.encode(claim.fingerprint).decode(),
            claim.resource_id,
            claim.command_id,
            claim.status,
            None if claim.problem is None else _ENCODER.encode(claim.problem).decode(),
        )
        for draft in drafts
        for claim in draft.claims.values()
    ]


def _columns(table: Table, names: Sequence[str], rows: Sequence[Sequence[object]]) -> Arguments:
    return {
        f"{table.name}__{name}": _as_text(column) if isinstance(table.c[name].type, Numeric) else column
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def _as_text(column: Sequence[object]) -> list[str | None]:
    return [None if value is None else str(value) for value in column]
