"""What one command changes, over all the aggregates that it touches."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias, assert_never

from msgspec import Struct

from domain import balance, bet, payment
from domain.balance import PREFIX, Balance, BalanceCommand, DecreaseBalance, IncreaseBalance
from domain.bet import (
    Bet,
    BetCancelled,
    BetCommand,
    BetConfirmed,
    BetEvent,
    BetPlaced,
    BetSettled,
)
from domain.events import DomainEvent
from domain.payment import (
    DepositCompleted,
    DepositCreated,
    DepositFailed,
    Payment,
    PaymentCommand,
    PaymentEvent,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
)
from domain.tenant import Wallet

Command: TypeAlias = BetCommand | PaymentCommand


class Ledger(Protocol):
    """The present state of one tenant, on which its commands are decided."""

    def bet(self, bet_id: str, /) -> Bet | None: ...
    def payment(self, payment_id: str, /) -> Payment | None: ...
    def balance(self, user_id: str, /) -> Balance | None: ...


class Fact(Struct, frozen=True):
    """An event that was decided for an aggregate and is not recorded yet.

    `related_to` names the aggregate whose event brought it about.
    """

    aggregate_id: str
    event: DomainEvent
    related_to: str | None = None


def decide(command: Command, aggregate_id: str, ledger: Ledger, wallet: Wallet) -> list[Fact]:
    """The facts that `command` brings about for `aggregate_id`, a bet or a payment, in order.

    Either all of them are recorded in one unit of work or none is. Raises a `Refusal`.
    """
    events: Sequence[BetEvent | PaymentEvent]
    if isinstance(command, BetCommand):
        before = ledger.bet(aggregate_id)
        events = bet.decide(command, before, aggregate_id)
        movements = [movement_of_bet(event, before, aggregate_id, wallet) for event in events]
    else:
        events = payment.decide(command, ledger.payment(aggregate_id), aggregate_id)
        movements = [movement_of_payment(event) for event in events]
    facts = [Fact(aggregate_id, event) for event in events]
    for movement in movements:
        if movement is not None:
            moved = balance.decide(movement, ledger.balance(movement.user_id))
            facts += [Fact(PREFIX + movement.user_id, event, aggregate_id) for event in moved]
    return facts


def movement_of_bet(
    event: BetEvent, before: Bet | None, bet_id: str, wallet: Wallet
) -> BalanceCommand | None:
    """How a bet's event moves the user's balance; never with an external wallet."""
    if wallet == "external":
        return None
    if isinstance(event, BetPlaced):
        return DecreaseBalance(user_id=event.user_id, amount=event.stake, bet_id=bet_id)
    if isinstance(event, BetConfirmed) or before is None:
        return None
    match event:
        case BetSettled(payout=payout):
            won = IncreaseBalance(user_id=before.user_id, amount=payout, bet_id=bet_id)
            return won if payout > 0 else None
        case BetCancelled():
            return IncreaseBalance(user_id=before.user_id, amount=before.stake, bet_id=bet_id)
        case _:
            assert_never(event)


def movement_of_payment(event: PaymentEvent) -> BalanceCommand | None:
    """How a payment's event moves the user's balance.

    A deposit counts once it is completed; a withdrawal takes the money when it is created
    and gives it back when it fails.
    """
    match event:
        case DepositCompleted() | WithdrawalFailed():
            return IncreaseBalance(
                user_id=event.user_id, amount=event.amount, payment_id=event.payment_id
            )
        case WithdrawalCreated():
            return DecreaseBalance(
                user_id=event.user_id, amount=event.amount, payment_id=event.payment_id
            )
        case DepositCreated() | DepositFailed() | WithdrawalCompleted():
            return None
        case _:
            assert_never(event)
