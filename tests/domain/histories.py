"""Histories of one tenant: what random commands decide, in plain dicts."""

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar, assert_never
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain import balance, bet, payment
from domain.balance import Balance
from domain.bet import Bet, BetCommand, BetEvent, CancelBet, ConfirmBet, PlaceBet, SettleBet
from domain.decision import Command, Fact, decide
from domain.errors import Refusal
from domain.events import DomainEvent
from domain.payment import (
    CompletePayment,
    FailPayment,
    MakePayment,
    Payment,
    PaymentCommand,
    PaymentEvent,
)
from domain.recorded import Metadata, Recorded
from domain.tenant import Wallet
from tests.domain.examples import NOON

EventT = TypeVar("EventT", bound=DomainEvent)
Step: TypeAlias = tuple[Command, str]

USERS: Final = ("user-1", "user-2")


class History:
    """A tenant's log, with the ledger on which its next command is decided."""

    def __init__(self, wallet: Wallet, steps: Iterable[Step] = ()) -> None:
        self.wallet: Final[Wallet] = wallet
        self.log: Final[list[Recorded[DomainEvent]]] = []
        self.bets: Final[dict[str, Bet]] = {}
        self.payments: Final[dict[str, Payment]] = {}
        self.balances: Final[dict[str, Balance]] = {}
        for command, aggregate_id in steps:
            self.take(command, aggregate_id)

    def bet(self, bet_id: str, /) -> Bet | None:
        return self.bets.get(bet_id)

    def payment(self, payment_id: str, /) -> Payment | None:
        return self.payments.get(payment_id)

    def balance(self, user_id: str, /) -> Balance | None:
        return self.balances.get(user_id)

    def take(self, command: Command, aggregate_id: str) -> None:
        """Decide a command and record its facts. Raises a `Refusal`, which records nothing."""
        for fact in decide(command, aggregate_id, self, self.wallet):
            self._record(fact)

    def _record(self, fact: Fact) -> None:
        event = fact.event
        if isinstance(event, BetEvent):
            placed = self.bet(fact.aggregate_id)
            of_bet = self._appended(fact, event, placed)
            self.bets[fact.aggregate_id] = bet.evolve(placed, of_bet)
        elif isinstance(event, PaymentEvent):
            made = self.payment(fact.aggregate_id)
            of_payment = self._appended(fact, event, made)
            self.payments[fact.aggregate_id] = payment.evolve(made, of_payment)
        else:
            held = self.balance(event.user_id)
            of_balance = self._appended(fact, event, held)
            self.balances[event.user_id] = balance.evolve(held, of_balance)

    def _appended(
        self, fact: Fact, event: EventT, before: Bet | Payment | Balance | None
    ) -> Recorded[EventT]:
        position = len(self.log) + 1
        recorded = Recorded(
            tenant_id=10001,
            position=position,
            id=str(UUID(int=position)),
            aggregate_id=fact.aggregate_id,
            version=before.version + 1 if before else 1,
            timestamp=NOON + position,
            idempotency_key=f"key-{position}",
            metadata=Metadata(related_to=fact.related_to),
            event=event,
        )
        self.log.append(recorded)
        return recorded


def amounts(most: int) -> SearchStrategy[Decimal]:
    """Amounts of up to `most` ten-thousandths."""
    return st.integers(1, most).map(lambda units: Decimal(units).scaleb(-4))


def bet_commands(users: SearchStrategy[str]) -> SearchStrategy[BetCommand]:
    """Any command on a bet, placed by one of `users`."""
    placing = st.builds(
        PlaceBet,
        user_id=users,
        stake=amounts(500_000),
        odds=amounts(90_000).map(lambda above_evens: 1 + above_evens),
        fixture_id=st.just("fixture-7"),
    )
    settlement = st.one_of(
        st.sampled_from([SettleBet(result="loss"), SettleBet(result="win")]),
        st.builds(SettleBet, result=st.just("win"), payout=amounts(900_000)),
    )
    return st.one_of(placing, st.just(ConfirmBet()), st.just(CancelBet()), settlement)


def payment_commands(users: SearchStrategy[str]) -> SearchStrategy[PaymentCommand]:
    """Any command on a payment, made by one of `users`."""
    modes = st.sampled_from([None, "instant", "deferred"])
    return st.one_of(
        st.builds(MakePayment, user_id=users, amount=amounts(2_000_000), mode=modes),
        st.builds(
            MakePayment,
            user_id=users,
            amount=amounts(200_000),
            type=st.just("withdrawal"),
            mode=modes,
        ),
        st.just(CompletePayment()),
        st.just(FailPayment()),
    )


def lived(wallet: Wallet, commands: Iterable[tuple[Command, int]]) -> History:
    """The history of commands, each with a number that picks the bet or the payment."""
    history = History(wallet)
    for command, number in commands:
        with suppress(Refusal):
            history.take(command, _aggregate_id(history, command, number))
    return history


def _aggregate_id(history: History, command: Command, number: int) -> str:
    match command:
        case PlaceBet():
            return f"bet-{len(history.bets)}"
        case MakePayment():
            return f"payment-{len(history.payments)}"
        case ConfirmBet() | SettleBet() | CancelBet():
            return f"bet-{number % max(len(history.bets), 1)}"
        case CompletePayment() | FailPayment():
            return f"payment-{number % max(len(history.payments), 1)}"
        case _:
            assert_never(command)


histories: Final = st.builds(
    lived,
    st.sampled_from(["external", "internal"]),
    st.lists(
        st.tuples(
            st.one_of(
                bet_commands(st.sampled_from(USERS)), payment_commands(st.sampled_from(USERS))
            ),
            st.integers(0, 9),
        ),
        min_size=15,
        max_size=60,
    ),
)
