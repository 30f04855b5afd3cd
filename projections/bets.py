"""`bets_view`: the present state of every bet."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ColumnElement, Index, Select, Table, Text, select

from domain.bet import Bet, BetStatus
from projections.change import BetChange, Projection
from projections.page import page_of_user, total_of
from projections.tables import INSTANT, MONEY, key, metadata, row_columns, tenant_id
from projections.user_activity import user_activity_view

bets_view: Final = Table(
    "bets_view",
    metadata,
    tenant_id(),
    key("bet_id"),
    Column("user_id", Text, nullable=False),
    Column("stake", MONEY, nullable=False),
    Column("odds", MONEY, nullable=False),
    Column("fixture_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("result", Text),
    Column("payout", MONEY),
    Column("version", BigInteger, nullable=False),
    Column("last_updated_at", INSTANT, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("idempotency_key", Text),
)
Index(
    "ux_bets_view_idempotency",
    bets_view.c.tenant_id,
    bets_view.c.idempotency_key,
    unique=True,
    postgresql_where=bets_view.c.idempotency_key.is_not(None),
)
Index(
    "ix_bets_view_user",
    bets_view.c.tenant_id,
    bets_view.c.user_id,
    bets_view.c.last_position.desc(),
)

projection: Final = Projection[Bet, BetChange](
    table=bets_view,
    row_type=Bet,
    changes=(BetChange,),
    key=lambda change: change.after.bet_id,
    fold=lambda _, change: change.after,
)

_COLUMNS: Final = row_columns(bets_view, Bet)


def of_user(status: BetStatus | None) -> Select[*tuple[Any, ...]]:
    """A page of a user's bets, newest change first, with the total.

    Parameters `tenant_id`, `user_id`, `before` (a position), `limit`. The total is exact and
    costs no count: it is the user's own row of `user_activity_view`.
    """
    rows = select(*_COLUMNS)
    if status:
        rows = rows.where(bets_view.c.status == status)
    return page_of_user(rows, bets_view, total(status))


def total(status: BetStatus | None) -> ColumnElement[int]:
    """How many bets the user of a row of `user_activity_view` has, as SQL."""
    counts = user_activity_view.c
    by_status = {
        "placed": counts.bets_placed,
        "confirmed": counts.bets_confirmed,
        "settled": counts.bets_settled,
        "cancelled": counts.bets_cancelled,
    }
    return by_status[status] if status else total_of(by_status.values())
