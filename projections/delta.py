"""What a change adds to the sums that the analytical tables keep."""

from decimal import Decimal
from typing import NamedTuple, assert_never

from domain.bet import BetCancelled, BetConfirmed, BetPlaced, BetSettled, BetStatus
from domain.money import ZERO
from domain.payment import (
    DepositCompleted,
    DepositCreated,
    DepositFailed,
    PaymentStatus,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
)
from projections.change import BetChange, PaymentChange


class BetDelta(NamedTuple):
    """Additions of one bet event; a cancelled bet takes back what placing it added."""

    bets: int = 0
    staked: Decimal = ZERO
    settled_stake: Decimal = ZERO
    won: Decimal = ZERO
    lost: Decimal = ZERO


class PaymentDelta(NamedTuple):
    """Additions of one payment event; money counts once the payment is completed."""

    deposited: Decimal = ZERO
    withdrawn: Decimal = ZERO


def of_bet(change: BetChange) -> BetDelta:
    """What the bet's event adds."""
    event, stake = change.recorded.event, change.after.stake
    match event:
        case BetPlaced():
            return BetDelta(bets=1, staked=stake)
        case BetConfirmed():
            return BetDelta()
        case BetSettled(result="win", payout=payout):
            return BetDelta(settled_stake=stake, won=payout)
        case BetSettled():
            return BetDelta(settled_stake=stake, lost=stake)
        case BetCancelled():
            return BetDelta(bets=-1, staked=-stake)
        case _:
            assert_never(event)


def of_payment(change: PaymentChange) -> PaymentDelta:
    """What the payment's event adds."""
    event = change.recorded.event
    match event:
        case DepositCompleted(amount=amount):
            return PaymentDelta(deposited=amount)
        case WithdrawalCompleted(amount=amount):
            return PaymentDelta(withdrawn=amount)
        case DepositCreated() | DepositFailed() | WithdrawalCreated() | WithdrawalFailed():
            return PaymentDelta()
        case _:
            assert_never(event)


def bets_in(status: BetStatus, change: BetChange) -> int:
    """How many bets the change brings into `status`: 1, 0 or -1."""
    return (change.after.status == status) - _was(status, change)


def payments_in(status: PaymentStatus, change: PaymentChange) -> int:
    """How many payments the change brings into `status`: 1, 0 or -1."""
    return (change.after.status == status) - _was(status, change)


def _was(status: BetStatus | PaymentStatus, change: BetChange | PaymentChange) -> bool:
    return change.before is not None and change.before.status == status
