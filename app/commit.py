"""The one statement that commits a batch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    LargeBinary,
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
from sqlalchemy.sql.expression import CTE, TableValuedAlias

from app.chain import Sealed
from app.draft import Draft
from app.exact_json import ENCODER
from app.query import Query
from projections import EVENT_TABLES, PROJECTIONS, idempotency_keys, tenant_heads
from projections.bets import bets_view
from projections.events import bet_events
from projections.idempotency_keys import KeyRecord
from projections.row_security import named, of_many
from projections.snapshots import Snapshot, snapshots
from projections.tenants_summary import tenants_summary_view
from projections.user_activity import user_activity_view

_FOLDED: Final = {
    projection.table: ("tenant_id", *projection.row_type.__struct_fields__)
    for projection in PROJECTIONS
}
# Rows that are new for certain: nothing has to be looked up before they are inserted, as for
# those of which the process knows, by the head that the statement holds, that they are there.
# The database fills in when a row was written.
_APPENDED: Final = {
    **{table.name: (table, Sealed.__struct_fields__) for table in EVENT_TABLES.values()},
    idempotency_keys.name: (idempotency_keys, ("tenant_id", *KeyRecord.__struct_fields__)),
    snapshots.name: (snapshots, ("tenant_id", *Snapshot.__struct_fields__)),
    **{f"created_{view.name}": (view, names) for view, names in _FOLDED.items()},
}
_MOVED: Final = ("position", "hash", "last_timestamp")

# What most batches write, and what any can; a snapshot comes with few. A statement for every
# combination would have to be prepared again and again; a part without rows costs little.
_SHAPES: Final = (
    {tenant_heads.name, idempotency_keys.name},
    {
        tenant_heads.name,
        bet_events.name,
        idempotency_keys.name,
        f"created_{bets_view.name}",
        f"created_{user_activity_view.name}",
        user_activity_view.name,
        tenants_summary_view.name,
    },
    {tenant_heads.name, *_APPENDED, *(table.name for table in _FOLDED)},
)


def statement(tenant_ids: Iterable[int], rows: Mapping[str, str]) -> tuple[Query, list[object]]:
    """The statement that commits `rows` of these tenants, with its arguments.

    Its first part names the tenants, for row-level security, and locks each head that is
    where it is expected, in tenant order so that two
    batches cannot wait for each other; every other part joins it, so that a tenant whose head
    somebody else moved writes nothing. Returns the tenants that committed, among them those
    whose decisions leave nothing to write: they rest on the head all the same.

    One parameter a part: the rows as a JSON array. Against an array for each column that
    costs PostgreSQL a little and saves the driver, which looks at every element, far more
    (docs/decisions/0003-rows-as-json.md).
    """
    shape = next(index for index, parts in enumerate(_SHAPES) if rows.keys() <= parts)
    query = _statement(shape)
    sent = {name: rows.get(name, "[]") for name in _SHAPES[shape]}
    return query, query.arguments(tenants=list(tenant_ids), **sent)


@cache
def _statement(shape: int) -> Query:
    held, parts = _held(), _SHAPES[shape]
    appended = [_appended(part, held) for part in _APPENDED if part in parts]
    folded = [_folded(table, held) for table in _FOLDED if table.name in parts]
    return Query(select(held.c.tenant_id).add_cte(_moved(held), *appended, *folded))


def rows(drafts: Sequence[Draft]) -> dict[str, str]:
    """What `drafts` write: for each part of the statement its rows as a JSON array."""
    written: dict[str, list[bytes]] = {}
    for draft in drafts:
        for part, encoded in _rows_of(draft):
            written.setdefault(part, []).append(encoded)
    return {part: f"[{b','.join(encoded).decode()}]" for part, encoded in written.items()}


def _rows_of(draft: Draft) -> Iterator[tuple[str, bytes]]:
    # The tenant is the first member of every row; the rest is encoded as it is.
    tenant = b'{"tenant_id":%d,' % draft.state.tenant.id
    yield tenant_heads.name, tenant + _head(draft)[1:]
    for stream, sealed in draft.events.items():
        if sealed:
            yield EVENT_TABLES[stream].name, ENCODER.encode(sealed)[1:-1]
    for table, changed in draft.rows.items():
        before = draft.state.rows[table]
        for key, row in changed.items():
            part = table if before.get(key) else f"created_{table}"
            yield part, tenant + ENCODER.encode(row)[1:]
    for snapshot in draft.snapshots:
        yield snapshots.name, tenant + ENCODER.encode(snapshot)[1:]
    for claim in draft.claims.values():
        yield idempotency_keys.name, tenant + ENCODER.encode(claim)[1:]


def _head(draft: Draft) -> bytes:
    before, after = draft.state.head, draft.head
    return ENCODER.encode(
        {
            "position": after.position,
            "hash": after.hash,
            "last_timestamp": after.last_timestamp,
            "expected_position": before.position,
            "expected_revision": before.revision,
            "expected_hash": before.hash,
        }
    )


def _held() -> CTE:
    heads = tenant_heads.c
    expected = [
        column("expected_position", BigInteger),
        column("expected_revision", BigInteger),
        column("expected_hash", Text),
    ]
    to = _sent(tenant_heads.name, tenant_heads, ("tenant_id", *_MOVED), *expected)
    locked = (
        select(heads.tenant_id, *(_stored(to, tenant_heads, name).label(name) for name in _MOVED))
        .join_from(tenant_heads, to, heads.tenant_id == to.c.tenant_id)
        .where(
            heads.position == to.c.expected_position,
            heads.revision == to.c.expected_revision,
            # After a restore or a failover the same position may hold another event.
            heads.hash == func.decode(to.c.expected_hash, literal_column("'base64'")),
        )
        .order_by(heads.tenant_id)
        .with_for_update(of=tenant_heads)
    )
    return named(locked, of_many("tenants")).cte("held")


def _moved(held: CTE) -> CTE:
    heads = tenant_heads.c
    return (
        update(tenant_heads)
        .values({name: held.c[name] for name in _MOVED})
        .where(heads.tenant_id == held.c.tenant_id, heads.position < held.c.position)
        .cte("moved")
    )


def _appended(part: str, held: CTE) -> CTE:
    table, names = _APPENDED[part]
    source = _sent(part, table, names)
    new = select(*(_stored(source, table, name) for name in names)).where(_is_held(source, held))
    return insert(table).from_select(names, new).cte(f"to_{part}")


def _folded(table: Table, held: CTE) -> CTE:
    names = _FOLDED[table]
    key = [key_column.name for key_column in table.primary_key]
    to = _sent(table.name, table, names)
    return (
        update(table)
        .values({name: _stored(to, table, name) for name in names if name not in key})
        .where(*(table.c[name] == to.c[name] for name in key), _is_held(to, held))
        .cte(f"to_{table.name}")
    )


def _is_held(source: TableValuedAlias, held: CTE) -> ColumnElement[bool]:
    tenants = cast(select(func.array_agg(held.c.tenant_id)).scalar_subquery(), ARRAY(BigInteger))
    return source.c.tenant_id == any_(tenants)


def _sent(part: str, table: Table, names: Iterable[str], *others: Any) -> TableValuedAlias:
    """The rows in the part's parameter, with the types of the table's columns; bytes as text."""
    typed = [
        column(name, Text() if isinstance(table.c[name].type, LargeBinary) else table.c[name].type)
        for name in names
    ]
    document = cast(bindparam(part, type_=Text), JSON)
    return (
        func.json_to_recordset(document)
        .table_valued(*typed, *others)
        .render_derived(name=f"sent_{part}", with_types=True)
    )


def _stored(source: TableValuedAlias, table: Table, name: str) -> Any:
    if isinstance(table.c[name].type, LargeBinary):
        return func.decode(source.c[name], literal_column("'base64'"))
    return source.c[name]
