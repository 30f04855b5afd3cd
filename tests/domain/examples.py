"""The events in the lives of one user's bet, deposit, withdrawal and balance."""

from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID

from domain.balance import BalanceDecreased, BalanceIncreased
from domain.bet import BetCancelled, BetConfirmed, BetPlaced, BetSettled
from domain.payment import (
    DepositCompleted,
    DepositCreated,
    DepositFailed,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
)
from domain.recorded import Metadata, Recorded

EventT = TypeVar("EventT")

USER: Final = "user-1"
BET: Final = "bet-1"
DEPOSIT: Final = "payment-1"
WITHDRAWAL: Final = "payment-2"
BALANCE: Final = "balance-user-1"

NOON: Final = 1_767_268_800_000  # 2026-01-01 12:00 UTC
POSITION: Final = 100

STAKE: Final = Decimal("10.0000")
PAYOUT: Final = Decimal("25.0000")
PAID_IN: Final = Decimal("40.0000")
PAID_OUT: Final = Decimal("15.0000")

PLACED: Final = BetPlaced(user_id=USER, stake=STAKE, odds=Decimal("2.5000"), fixture_id="fixture-7")
CONFIRMED: Final = BetConfirmed()
WON: Final = BetSettled(result="win", payout=PAYOUT)
LOST: Final = BetSettled(result="loss", payout=Decimal("0.0000"))
CANCELLED: Final = BetCancelled(reason="abandoned")

DEPOSIT_CREATED: Final = DepositCreated(user_id=USER, amount=PAID_IN, payment_id=DEPOSIT)
DEPOSIT_COMPLETED: Final = DepositCompleted(user_id=USER, amount=PAID_IN, payment_id=DEPOSIT)
DEPOSIT_FAILED: Final = DepositFailed(
    user_id=USER, amount=PAID_IN, payment_id=DEPOSIT, reason="card declined"
)
WITHDRAWAL_CREATED: Final = WithdrawalCreated(user_id=USER, amount=PAID_OUT, payment_id=WITHDRAWAL)
WITHDRAWAL_COMPLETED: Final = WithdrawalCompleted(
    user_id=USER, amount=PAID_OUT, payment_id=WITHDRAWAL
)
WITHDRAWAL_FAILED: Final = WithdrawalFailed(
    user_id=USER, amount=PAID_OUT, payment_id=WITHDRAWAL, reason="no such account"
)

INCREASED: Final = BalanceIncreased(user_id=USER, amount=PAID_IN, payment_id=DEPOSIT)
DECREASED: Final = BalanceDecreased(user_id=USER, amount=STAKE, bet_id=BET)


def recorded(event: EventT, aggregate_id: str, version: int = 1) -> Recorded[EventT]:
    """`event` as the log holds it, `version` positions and milliseconds after a fixed point."""
    return Recorded(
        tenant_id=10001,
        position=POSITION + version,
        id=str(UUID(int=version)),
        aggregate_id=aggregate_id,
        version=version,
        timestamp=NOON + version,
        idempotency_key=f"key-{version}",
        metadata=Metadata(),
        event=event,
    )
