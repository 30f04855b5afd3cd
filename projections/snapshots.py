"""`snapshots`: rows as they were at some positions, so that none has to be folded from far back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Select, Table, Text, bindparam, cast, select
from sqlalchemy.dialects.postgresql import JSONB

from projections import tenants_summary, user_balances
from projections.change import BalanceChange, Change, Projection
from projections.tables import ONE, key, metadata, of_tenant, tenant_id

EVERY: Final = 1_000
"""The events that a row of the past is folded from at most, if all its snapshots are there."""

_SUMMARY: Final[Projection[Any, Any]] = tenants_summary.projection
_BALANCES: Final[Projection[Any, Any]] = user_balances.projection

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
            columns.position <= bindparam("to", type_=BigInteger),
        )
        .order_by(columns.position.desc())
        .limit(ONE)
    )
