"""A user's balance: increased and decreased by payments and, in internal wallets, by bets."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias, assert_never

from msgspec import Struct

from domain import money
from domain.errors import InsufficientFunds, LimitExceeded
from domain.recorded import Recorded

PREFIX: Final = "balance-"


class BalanceIncreased(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="V1_BALANCES_BALANCE_INCREASED",
    tag_field="event_type",
):
    user_id: str
    amount: Decimal
    payment_id: str | None = None
    bet_id: str | None = None


class BalanceDecreased(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="V1_BALANCES_BALANCE_DECREASED",
    tag_field="event_type",
):
    user_id: str
    amount: Decimal
    payment_id: str | None = None
    bet_id: str | None = None


BalanceEvent: TypeAlias = BalanceIncreased | BalanceDecreased


class IncreaseBalance(Struct, frozen=True, kw_only=True):
    """Credit a user; exactly one of `payment_id` and `bet_id` says what for."""

    user_id: str
    amount: Decimal
    payment_id: str | None = None
    bet_id: str | None = None


class DecreaseBalance(Struct, frozen=True, kw_only=True):
    """Debit a user; exactly one of `payment_id` and `bet_id` says what for."""

    user_id: str
    amount: Decimal
    payment_id: str | None = None
    bet_id: str | None = None


BalanceCommand: TypeAlias = IncreaseBalance | DecreaseBalance


class Balance(Struct, frozen=True, kw_only=True):
    """The present state of a user's balance, which is its row in `user_balances_view`."""

    user_id: str
    balance: Decimal
    transaction_count: int
    last_transaction_at: datetime
    version: int
    last_position: int


def decide(command: BalanceCommand, balance: Balance | None) -> Sequence[BalanceEvent]:
    """The events that `command` brings about; `balance` is None for a user unknown so far.

    Raises `InsufficientFunds`, `LimitExceeded`.
    """
    available = balance.balance if balance else money.ZERO
    match command:
        case IncreaseBalance():
            if available + command.amount > money.LIMIT:
                raise LimitExceeded("balance", money.LIMIT)
            return [
                BalanceIncreased(
                    user_id=command.user_id,
                    amount=command.amount,
                    payment_id=command.payment_id,
                    bet_id=command.bet_id,
                )
            ]
        case DecreaseBalance():
            if command.amount > available:
                raise InsufficientFunds(available, command.amount)
            return [
                BalanceDecreased(
                    user_id=command.user_id,
                    amount=command.amount,
                    payment_id=command.payment_id,
                    bet_id=command.bet_id,
                )
            ]
        case _:
            assert_never(command)


def evolve(balance: Balance | None, recorded: Recorded[BalanceEvent]) -> Balance:
    """The balance after `recorded`; `balance` is None before its first event."""
    event = recorded.event
    before = balance.balance if balance else money.ZERO
    return Balance(
        user_id=event.user_id,
        balance=before + signed(event),
        transaction_count=recorded.version,
        last_transaction_at=recorded.occurred_at,
        version=recorded.version,
        last_position=recorded.position,
    )


def signed(event: BalanceEvent) -> Decimal:
    """What the event adds to the balance."""
    match event:
        case BalanceIncreased(amount=amount):
            return amount
        case BalanceDecreased(amount=amount):
            return -amount
        case _:
            assert_never(event)
