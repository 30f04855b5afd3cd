"""`user_balances_view`: the present balance of every user."""

from typing import Final

from sqlalchemy import BigInteger, Column, Table

from domain.balance import Balance
from projections.change import BalanceChange, Projection
from projections.tables import INSTANT, MONEY, key, metadata, tenant_id

user_balances_view: Final = Table(
    "user_balances_view",
    metadata,
    tenant_id(),
    key("user_id"),
    Column("balance", MONEY, nullable=False),
    Column("transaction_count", BigInteger, nullable=False),
    Column("last_transaction_at", INSTANT, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
)

projection: Final = Projection[Balance, BalanceChange](
    table=user_balances_view,
    row_type=Balance,
    changes=(BalanceChange,),
    key=lambda change: change.after.user_id,
    fold=lambda _, change: change.after,
)
