"""`user_activity_view`: what each user has staked, won, lost and moved; for rankings."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import BigInteger, Column, Integer, Select, Table, bindparam, select

from domain import money
from projections.change import BalanceChange, BetChange, Change, PaymentChange, Projection
from projections.delta import Totals
from projections.tables import INSTANT, TOTAL, key, metadata, of_tenant, row_columns, tenant_id

Ranking: TypeAlias = Literal["staked", "won", "lost", "deposited", "withdrawn", "bets"]


class UserActivity(Struct, frozen=True, kw_only=True):
    """One user's row.

    `bets` and `staked` count bets that were not cancelled; `bets_<status>` and
    `payments_<status>` count by present status, so they also are the totals of the lists.
    `lost` sums the stakes of lost bets; `deposited` and `withdrawn` count completed payments.
    """

    user_id: str
    bets: int = 0
    bets_placed: int = 0
    bets_confirmed: int = 0
    bets_settled: int = 0
    bets_cancelled: int = 0
    staked: Decimal = money.ZERO
    won: Decimal = money.ZERO
    lost: Decimal = money.ZERO
    payments_created: int = 0
    payments_completed: int = 0
    payments_failed: int = 0
    deposited: Decimal = money.ZERO
    withdrawn: Decimal = money.ZERO
    last_active_at: datetime | None = None
    last_position: int = 0


user_activity_view: Final = Table(
    "user_activity_view",
    metadata,
    tenant_id(),
    key("user_id"),
    Column("bets", BigInteger, nullable=False),
    Column("bets_placed", BigInteger, nullable=False),
    Column("bets_confirmed", BigInteger, nullable=False),
    Column("bets_settled", BigInteger, nullable=False),
    Column("bets_cancelled", BigInteger, nullable=False),
    Column("staked", TOTAL, nullable=False),
    Column("won", TOTAL, nullable=False),
    Column("lost", TOTAL, nullable=False),
    Column("payments_created", BigInteger, nullable=False),
    Column("payments_completed", BigInteger, nullable=False),
    Column("payments_failed", BigInteger, nullable=False),
    Column("deposited", TOTAL, nullable=False),
    Column("withdrawn", TOTAL, nullable=False),
    Column("last_active_at", INSTANT, nullable=False),
    Column("last_position", BigInteger, nullable=False),
)


_TOTALS: Final = Totals(UserActivity)


def fold(row: UserActivity | None, change: Change) -> UserActivity:
    """The user's row after `change`."""
    before = row or UserActivity(user_id=change.after.user_id)
    return replace(
        before,
        **_TOTALS.after(before, change),
        last_active_at=change.recorded.occurred_at,
        last_position=change.recorded.position,
    )


projection: Final = Projection[UserActivity, Change](
    table=user_activity_view,
    row_type=UserActivity,
    changes=(BetChange, PaymentChange, BalanceChange),
    key=lambda change: change.after.user_id,
    fold=fold,
)

_columns = row_columns(user_activity_view, UserActivity)


def top(by: Ranking) -> Select[*tuple[Any, ...]]:
    """The users with most of `by`, first the largest; parameters `tenant_id`, `limit`."""
    return (
        select(*_columns)
        .where(of_tenant(user_activity_view.c.tenant_id))
        .order_by(user_activity_view.c[by].desc(), user_activity_view.c.user_id)
        .limit(bindparam("limit", type_=Integer))
    )
