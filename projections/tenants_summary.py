"""`tenants_summary_view`: one row of totals a tenant, for dashboards and reports."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import BigInteger, Column, Table

from domain import money
from projections.change import (
    TENANT_KEY,
    BalanceChange,
    BetChange,
    Change,
    PaymentChange,
    Projection,
)
from projections.delta import Totals
from projections.tables import INSTANT, TOTAL, metadata, tenant_id


class TenantSummary(Struct, frozen=True, kw_only=True):
    """A tenant's totals.

    `bets_<status>` and `payments_<status>` count by present status. `turnover` sums the
    stakes of bets that were not cancelled, `payouts` what won bets paid,
    `gross_gaming_revenue` the stakes of settled bets less the payouts; `deposits` and
    `withdrawals` sum completed payments, `balances` what is owed to all users.
    """

    bets_placed: int = 0
    bets_confirmed: int = 0
    bets_settled: int = 0
    bets_cancelled: int = 0
    turnover: Decimal = money.ZERO
    payouts: Decimal = money.ZERO
    gross_gaming_revenue: Decimal = money.ZERO
    payments_created: int = 0
    payments_completed: int = 0
    payments_failed: int = 0
    deposits: Decimal = money.ZERO
    withdrawals: Decimal = money.ZERO
    balances: Decimal = money.ZERO
    last_updated_at: datetime | None = None
    last_position: int = 0


tenants_summary_view: Final = Table(
    "tenants_summary_view",
    metadata,
    tenant_id(),
    Column("bets_placed", BigInteger, nullable=False),
    Column("bets_confirmed", BigInteger, nullable=False),
    Column("bets_settled", BigInteger, nullable=False),
    Column("bets_cancelled", BigInteger, nullable=False),
    Column("turnover", TOTAL, nullable=False),
    Column("payouts", TOTAL, nullable=False),
    Column("gross_gaming_revenue", TOTAL, nullable=False),
    Column("payments_created", BigInteger, nullable=False),
    Column("payments_completed", BigInteger, nullable=False),
    Column("payments_failed", BigInteger, nullable=False),
    Column("deposits", TOTAL, nullable=False),
    Column("withdrawals", TOTAL, nullable=False),
    Column("balances", TOTAL, nullable=False),
    Column("last_updated_at", INSTANT, nullable=False),
    Column("last_position", BigInteger, nullable=False),
)


_TOTALS: Final = Totals(
    TenantSummary,
    {
        "turnover": "staked",
        "payouts": "won",
        "gross_gaming_revenue": "revenue",
        "deposits": "deposited",
        "withdrawals": "withdrawn",
    },
)


def fold(row: TenantSummary | None, change: Change) -> TenantSummary:
    """The tenant's row after `change`."""
    before = row or TenantSummary()
    return replace(
        before,
        **_TOTALS.after(before, change),
        last_updated_at=change.recorded.occurred_at,
        last_position=change.recorded.position,
    )


projection: Final = Projection[TenantSummary, Change](
    table=tenants_summary_view,
    row_type=TenantSummary,
    changes=(BetChange, PaymentChange, BalanceChange),
    key=lambda _: TENANT_KEY,
    fold=fold,
)
