"""`snapshots`: rows as they were at some positions, so that none has to be folded from far back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Delete,
    Insert,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.expression import TableValuedAlias

from projections import tenants_summary, user_balances
from projections.change import BalanceChange, Change, Projection
from projections.tables import ONE, key, metadata, of_tenant, tenant_id

EVERY: Final = 1_000
"""The events that a row of the past is folded from at most, if all its snapshots are there."""

_SUMMARY: Final[Projection[Any, Any]] = tenants_summary.projection
_BALANCES: Final[Projection[Any, Any]] = user_balances.projection
PROJECTIONS: Final = (_SUMMARY, _BALANCES)
"""Of which snapshots are taken."""

_TO: Final = bindparam("to", type_=BigInteger)

snapshots: Final = Table(
    "snapshots",
    metadata,
    tenant_id(),
    key("projection"),
    key("key"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("document", JSONB, nullable=False),
)


class Snapshot(Struct, frozen=True, kw_only=True):
    """The row of a projection with this key, as the event at `position` left it."""

    projection: str
    key: str
    position: int
    document: Struct | None


def due(changed: Change) -> Sequence[Projection[Any, Any]]:
    """The projections of whose row, as `changed` leaves it, a snapshot is taken.

    A tenant's summary at every position that `EVERY` divides, a balance at every such version:
    rows that grow out of more events than a bet or a payment ever has.
    """
    at, version = changed.recorded.position % EVERY, changed.recorded.version % EVERY
    if at and version:
        return ()
    of_balance = [] if version or not isinstance(changed, BalanceChange) else [_BALANCES]
    return of_balance if at else [_SUMMARY, *of_balance]


def taken(changed: Change, rows: Mapping[str, Mapping[str, Struct | None]]) -> list[Snapshot]:
    """The snapshots that are due after `changed`, from the `rows` by table and key after it."""
    return [
        Snapshot(
            projection=str(projection.table.name),  # not SQLAlchemy's own kind of text
            key=projection.key(changed),
            position=changed.recorded.position,
            document=rows[projection.table.name][projection.key(changed)],
        )
        for projection in due(changed)
    ]


def newest() -> Select[*tuple[Any, ...]]:
    """The newest snapshot of a row at or before a position, as JSON.

    Parameters `tenant_id`, `projection`, `key`, `to` (a position).
    """
    columns = snapshots.c
    return (
        select(columns.position, cast(columns.document, Text).label("document"))
        .where(
            of_tenant(columns.tenant_id),
            columns.projection == bindparam("projection"),
            columns.key == bindparam("key"),
            columns.position <= _TO,
        )
        .order_by(columns.position.desc())
        .limit(ONE)
    )


def stored() -> Select[*tuple[Any, ...]]:
    """All snapshots of a tenant up to a position, as JSON, oldest first.

    Parameters `tenant_id`, `to` (a position).
    """
    columns = snapshots.c
    return (
        select(
            columns.projection,
            columns.key,
            columns.position,
            cast(columns.document, Text).label("document"),
        )
        .where(of_tenant(columns.tenant_id), columns.position <= _TO)
        .order_by(columns.position, columns.projection)
    )


def put() -> Insert:
    """Set snapshots of a tenant; parameters `tenant_id` and four arrays of one length.

    These are `projections`, `keys`, `positions` and `documents` (JSON).
    """
    given = _given(("document", Text))
    rows = select(
        bindparam("tenant_id", type_=BigInteger),
        given.c.projection,
        given.c.key,
        given.c.position,
        cast(given.c.document, JSONB),
    )
    names = ("tenant_id", "projection", "key", "position", "document")
    new = upsert(snapshots).from_select(names, rows)
    return new.on_conflict_do_update(
        index_elements=list(snapshots.primary_key),
        set_={"document": new.excluded.document},
    )


def remove() -> Delete:
    """Delete snapshots of a tenant; parameters as for `put`, without documents."""
    given, columns = _given(), snapshots.c
    return delete(snapshots).where(
        of_tenant(columns.tenant_id),
        columns.projection == given.c.projection,
        columns.key == given.c.key,
        columns.position == given.c.position,
    )


def _given(*others: tuple[str, type[Text]]) -> TableValuedAlias:
    arrays = (("projection", Text), ("key", Text), ("position", BigInteger), *others)
    return (
        func.unnest(*(bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in arrays))
        .table_valued(*(column(name, kind) for name, kind in arrays))
        .render_derived(name="given")
    )
