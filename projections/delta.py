"""What a change adds to the totals that the analytical tables keep."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, assert_never, get_args

from msgspec import Struct

from domain import balance
from domain.bet import BetCancelled, BetConfirmed, BetPlaced, BetSettled, BetStatus
from domain.payment import (
    DepositCompleted,
    DepositCreated,
    DepositFailed,
    PaymentStatus,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
)
from projections.change import BalanceChange, BetChange, Change, PaymentChange

Total: TypeAlias = Literal[
    "bets",
    "bets_placed",
    "bets_confirmed",
    "bets_settled",
    "bets_cancelled",
    "staked",
    "won",
    "lost",
    "revenue",
    "payments_created",
    "payments_completed",
    "payments_failed",
    "deposited",
    "withdrawn",
    "balances",
]
Additions: TypeAlias = dict[Total, int | Decimal]

_BETS_IN: Final[dict[BetStatus, Total]] = {
    "placed": "bets_placed",
    "confirmed": "bets_confirmed",
    "settled": "bets_settled",
    "cancelled": "bets_cancelled",
}
_PAYMENTS_IN: Final[dict[PaymentStatus, Total]] = {
    "created": "payments_created",
    "completed": "payments_completed",
    "failed": "payments_failed",
}


class Totals:
    """The totals that a row keeps, under the names of its fields.

    Every total that `row_type` has a field for, and those in `renamed`, total by field.
    """

    def __init__(self, row_type: type[Struct], renamed: Mapping[str, Total] | None = None) -> None:
        fields = row_type.__struct_fields__
        same: dict[Total, str] = {total: total for total in get_args(Total) if total in fields}
        self._fields: Final = same | {total: field for field, total in (renamed or {}).items()}

    def after(self, row: Struct, change: Change) -> dict[str, Any]:
        """The fields of `row` that `change` adds to, with their new values."""
        fields, after = self._fields, dict[str, Any]()
        for total, amount in _additions(change).items():
            if (field := fields.get(total)) is not None:
                after[field] = getattr(row, field) + amount
        return after


def _additions(change: Change) -> Additions:
    match change:
        case BetChange():
            return _of_bet(change)
        case PaymentChange():
            return _of_payment(change)
        case BalanceChange():
            return {"balances": balance.signed(change.recorded.event)}
        case _:
            assert_never(change)


def _of_bet(change: BetChange) -> Additions:
    """A cancelled bet takes back what placing it added; revenue counts settled bets."""
    event, stake = change.recorded.event, change.after.stake
    if change.before is None:
        return {"bets_placed": 1, "bets": 1, "staked": stake}
    moved: Additions = {_BETS_IN[change.before.status]: -1, _BETS_IN[change.after.status]: 1}
    match event:
        case BetPlaced() | BetConfirmed():
            return moved
        case BetSettled(result="win", payout=payout):
            return {**moved, "won": payout, "revenue": stake - payout}
        case BetSettled():
            return {**moved, "lost": stake, "revenue": stake}
        case BetCancelled():
            return {**moved, "bets": -1, "staked": -stake}
        case _:
            assert_never(event)


def _of_payment(change: PaymentChange) -> Additions:
    """Money counts once the payment is completed."""
    event = change.recorded.event
    if change.before is None:
        return {"payments_created": 1}
    moved: Additions = {
        _PAYMENTS_IN[change.before.status]: -1,
        _PAYMENTS_IN[change.after.status]: 1,
    }
    match event:
        case DepositCompleted(amount=amount):
            return {**moved, "deposited": amount}
        case WithdrawalCompleted(amount=amount):
            return {**moved, "withdrawn": amount}
        case DepositCreated() | DepositFailed() | WithdrawalCreated() | WithdrawalFailed():
            return moved
        case _:
            assert_never(event)
