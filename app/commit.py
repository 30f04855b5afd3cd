"""The one statement that commits a batch, built once for each set of tables it writes."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from msgspec import Raw
from msgspec.json import Encoder
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    LargeBinary,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.expression import CTE, TableValuedAlias

from app.chain import Sealed
from app.draft import Draft
from app.query import Query
from domain.events import EVENT_NAME, EVENT_TYPE
from projections import EVENT_TABLES, PROJECTIONS, idempotency_keys, tenant_heads
from projections.events import EVENT_COLUMNS
from projections.idempotency_keys import KeyRecord

_ENCODER: Final = Encoder(decimal_format="number")

# The database fills in when a row was written.
_APPENDED: Final = {
    **{table: [c for c in EVENT_COLUMNS if c != "created_at"] for table in EVENT_TABLES.values()},
    idempotency_keys: ["tenant_id", *KeyRecord.__struct_fields__],
}
_FOLDED: Final = {
    projection.table: ["tenant_id", *projection.row_type.__struct_fields__]
    for projection in PROJECTIONS
}
_MOVED: Final = ("position", "hash", "last_timestamp")


@lru_cache(maxsize=64)
def statement(tables: frozenset[str]) -> Query:
    """The statement for batches that write exactly `tables`, beside the heads.

    Its first part locks each head that is where it is expected, in tenant order so that two
    batches cannot wait for each other; every other part joins it, so that a tenant whose head
    somebody else moved writes nothing. Returns the tenants that committed, among them those
    whose decisions leave nothing to write: they rest on the head all the same.

    One parameter a table, named after it: the rows as a JSON array. Against an array for
    each column that costs PostgreSQL a little and saves the driver, which looks at every
    element, far more (docs/decisions/0003-rows-as-json.md).
    """
    held = _held()
    appended = [
        _appended(table, names, held) for table, names in _APPENDED.items() if table.name in tables
    ]
    folded = [
        _folded(table, names, held) for table, names in _FOLDED.items() if table.name in tables
    ]
    return Query(select(held.c.tenant_id).add_cte(_moved(held), *appended, *folded))


def rows(drafts: Sequence[Draft]) -> dict[str, str]:
    """What `drafts` write: for each table that they touch its rows as a JSON array."""
    written: dict[str, list[bytes]] = {}
    for draft in drafts:
        for table, encoded in _rows_of(draft):
            written.setdefault(table, []).append(encoded)
    return {table: f"[{b','.join(encoded).decode()}]" for table, encoded in written.items()}


def _rows_of(draft: Draft) -> Iterator[tuple[str, bytes]]:
    # The tenant is the first member of every row; the rest is encoded as it is.
    tenant = b'{"tenant_id":%d,' % draft.state.tenant.id
    yield tenant_heads.name, tenant + _head(draft)[1:]
    for stream, sealed in draft.events.items():
        for event in sealed:
            yield EVENT_TABLES[stream].name, tenant + _event(event)[1:]
    for table, changed in draft.rows.items():
        for row in changed.values():
            yield table, tenant + _ENCODER.encode(row)[1:]
    for claim in draft.claims.values():
        yield idempotency_keys.name, tenant + _ENCODER.encode(claim)[1:]


def _head(draft: Draft) -> bytes:
    before, after = draft.state.head, draft.head
    return _ENCODER.encode(
        {
            "position": after.position,
            "hash": after.hash.hex(),
            "last_timestamp": after.last_timestamp,
            "expected_position": before.position,
            "expected_revision": before.revision,
            "expected_hash": before.hash.hex(),
        }
    )


def _event(sealed: Sealed) -> bytes:
    recorded = sealed.recorded
    event_type = EVENT_TYPE[type(recorded.event)]
    return _ENCODER.encode(
        {
            "position": recorded.position,
            "id": recorded.id,
            "aggregate_id": recorded.aggregate_id,
            "version": recorded.version,
            "event_type": event_type,
            "event_name": EVENT_NAME[event_type],
            "event_data": Raw(sealed.data),
            "timestamp": recorded.timestamp,
            "idempotency_key": recorded.idempotency_key,
            "metadata": recorded.metadata,
            "hash": sealed.hash.hex(),
        }
    )


def _held() -> CTE:
    heads = tenant_heads.c
    expected = [
        column("expected_position", BigInteger),
        column("expected_revision", BigInteger),
        column("expected_hash", Text),
    ]
    to = _sent(tenant_heads, ("tenant_id", *_MOVED), *expected)
    return (
        select(heads.tenant_id, *(_stored(to, tenant_heads, name).label(name) for name in _MOVED))
        .join_from(tenant_heads, to, heads.tenant_id == to.c.tenant_id)
        .where(
            heads.position == to.c.expected_position,
            heads.revision == to.c.expected_revision,
            # After a restore or a failover the same position may hold another event.
            heads.hash == func.decode(to.c.expected_hash, literal_column("'hex'")),
        )
        .order_by(heads.tenant_id)
        .with_for_update(of=tenant_heads)
        .cte("held")
    )


def _moved(held: CTE) -> CTE:
    heads = tenant_heads.c
    return (
        update(tenant_heads)
        .values({name: held.c[name] for name in _MOVED})
        .where(heads.tenant_id == held.c.tenant_id, heads.position < held.c.position)
        .cte("moved")
    )


def _appended(table: Table, names: Sequence[str], held: CTE) -> CTE:
    return insert(table).from_select(names, _of_held(table, names, held)).cte(f"to_{table.name}")


def _folded(table: Table, names: Sequence[str], held: CTE) -> CTE:
    key = [key_column.name for key_column in table.primary_key]
    new = upsert(table).from_select(names, _of_held(table, names, held))
    return new.on_conflict_do_update(
        index_elements=key,
        set_={name: new.excluded[name] for name in names if name not in key},
    ).cte(f"to_{table.name}")


def _of_held(table: Table, names: Sequence[str], held: CTE) -> Select[*tuple[Any, ...]]:
    source = _sent(table, names)
    tenants = cast(select(func.array_agg(held.c.tenant_id)).scalar_subquery(), ARRAY(BigInteger))
    return select(*(_stored(source, table, name) for name in names)).where(
        source.c.tenant_id == any_(tenants)
    )


def _sent(table: Table, names: Iterable[str], *others: Any) -> TableValuedAlias:
    """The rows in the table's parameter, with the types of its columns; bytes as text."""
    typed = [
        column(name, Text() if isinstance(table.c[name].type, LargeBinary) else table.c[name].type)
        for name in names
    ]
    document = cast(bindparam(table.name, type_=Text), JSON)
    return (
        func.json_to_recordset(document)
        .table_valued(*typed, *others)
        .render_derived(name=f"new_{table.name}", with_types=True)
    )


def _stored(source: TableValuedAlias, table: Table, name: str) -> Any:
    if isinstance(table.c[name].type, LargeBinary):
        return func.decode(source.c[name], literal_column("'hex'"))
    return source.c[name]
