"""What is counted and summed up of a user and of a tenant."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from tests.model.messages import Row

Changes: TypeAlias = Mapping[str, int | Decimal]

ZERO: Final = Decimal(0)
_COUNTS: Final = {
    **{f"bets_{status}": 0 for status in ("placed", "confirmed", "settled", "cancelled")},
    **{f"payments_{status}": 0 for status in ("created", "completed", "failed")},
}
_SUMS_OF_TENANT: Final = (
    *("turnover", "payouts", "gross_gaming_revenue", "deposits", "withdrawals", "balances"),
)
_SUMS_OF_USER: Final = ("staked", "won", "lost", "deposited", "withdrawn")
_NAMES_OF_TENANT: Final = {
    "staked": "turnover",
    "won": "payouts",
    "deposited": "deposits",
    "withdrawn": "withdrawals",
}

NO_SUMMARY: Final[Row] = {**_COUNTS, **dict.fromkeys(_SUMS_OF_TENANT, ZERO), "last_position": 0}
NO_ACTIVITY: Final[Row] = {
    "bets": 0,
    **_COUNTS,
    **dict.fromkeys(_SUMS_OF_USER, ZERO),
    "last_position": 0,
}


def of_tenant(changes: Changes) -> Changes:
    """The changes to a user's totals under the names that the tenant's have."""
    return {_NAMES_OF_TENANT.get(name, name): change for name, change in changes.items()}


def added(row: Row, changes: Changes, position: int) -> Row:
    """The row after the changes that it has a column for."""
    sums = {name: row[name] + change for name, change in changes.items() if name in row}
    return {**row, **sums, "last_position": position}
