"""V2: the five views that reads are answered from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True, precision=3)
MONEY = sa.Numeric(20, 4)
TOTAL = sa.Numeric(38, 4)

# Percent: room on the page keeps an update that touches no indexed column off the index.
OFTEN_UPDATED = 50


def upgrade() -> None:
    _create_view(
        "bets_view",
        "bet_id",
        _text("user_id"),
        sa.Column("stake", MONEY, nullable=False),
        sa.Column("odds", MONEY, nullable=False),
        _text("fixture_id"),
        _text("status"),
        sa.Column("result", sa.Text),
        sa.Column("payout", MONEY),
        _count("version"),
        _instant("last_updated_at"),
    )
    _create_view(
        "payments_view",
        "payment_id",
        _text("type"),
        _text("user_id"),
        sa.Column("amount", MONEY, nullable=False),
        _text("status"),
        _count("version"),
        _instant("last_updated_at"),
    )
    _create_view(
        "user_balances_view",
        "user_id",
        sa.Column("balance", MONEY, nullable=False),
        _count("transaction_count"),
        _instant("last_transaction_at"),
        _count("version"),
        fillfactor=OFTEN_UPDATED,
    )
    _create_view(
        "tenants_summary_view",
        None,
        *map(_count, ("bets_placed", "bets_confirmed", "bets_settled", "bets_cancelled")),
        *map(_total, ("turnover", "payouts", "gross_gaming_revenue")),
        *map(_count, ("payments_created", "payments_completed", "payments_failed")),
        *map(_total, ("deposits", "withdrawals", "balances")),
        _instant("last_updated_at"),
        fillfactor=OFTEN_UPDATED,
    )
    _create_view(
        "user_activity_view",
        "user_id",
        *map(_count, ("bets", "bets_placed", "bets_confirmed", "bets_settled", "bets_cancelled")),
        *map(_total, ("staked", "won", "lost")),
        *map(_count, ("payments_created", "payments_completed", "payments_failed")),
        *map(_total, ("deposited", "withdrawn")),
        _instant("last_active_at"),
        fillfactor=OFTEN_UPDATED,
    )
    for table in ("bets_view", "payments_view"):
        op.create_index(
            f"ix_{table}_user", table, ["tenant_id", "user_id", sa.text("last_position DESC")]
        )


def _create_view(
    name: str, key: str | None, *columns: sa.Column[object], fillfactor: int = 100
) -> None:
    keys = ["tenant_id", *([key] if key else [])]
    op.create_table(
        name,
        sa.Column("tenant_id", sa.BigInteger, autoincrement=False),
        *([sa.Column(key, sa.Text)] if key else []),
        *columns,
        _count("last_position"),
        sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"),
        postgresql_with={"fillfactor": fillfactor},
    )


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=False)


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _total(name: str) -> sa.Column[object]:
    return sa.Column(name, TOTAL, nullable=False)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, INSTANT, nullable=False)


def downgrade() -> None:
    for table in (
        "user_activity_view",
        "tenants_summary_view",
        "user_balances_view",
        "payments_view",
        "bets_view",
    ):
        op.drop_table(table)
