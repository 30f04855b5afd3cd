"""Totals: what the five views hold after any history, counted again from its events."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from hypothesis import given, settings
from msgspec import Struct

from domain.balance import BalanceDecreased, BalanceIncreased
from domain.bet import BetCancelled, BetConfirmed, BetPlaced, BetSettled
from domain.events import DomainEvent
from domain.payment import (
    DepositCompleted,
    DepositCreated,
    DepositFailed,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
)
from domain.recorded import Recorded
from projections import bets, payments, tenants_summary, user_activity, user_balances
from projections.change import Change, Projection
from projections.delta import Totals
from projections.tenants_summary import TenantSummary
from projections.user_activity import UserActivity
from tests.domain.examples import PLACED
from tests.domain.histories import History, histories
from tests.projections.changes import bet_change, changes_of

Row = TypeVar("Row", bound=Struct)
Changes = TypeVar("Changes", bound=Change)


class Count:
    """Figures of a log, without any state in between: each is one pass over the events."""

    def __init__(self, log: Sequence[Recorded[DomainEvent]]) -> None:
        self.events = [recorded.event for recorded in log]
        self.last_event = {recorded.aggregate_id: recorded.event for recorded in log}
        self.stakes = {
            recorded.aggregate_id: recorded.event.stake
            for recorded in log
            if isinstance(recorded.event, BetPlaced)
        }

    def now(self, *kinds: type[DomainEvent]) -> int:
        """How many aggregates have their last event of one of `kinds`."""
        return sum(isinstance(event, kinds) for event in self.last_event.values())

    def staked(self, *, without: type[DomainEvent]) -> Decimal:
        """The stakes of the bets whose last event is another one."""
        return total(
            stake
            for bet_id, stake in self.stakes.items()
            if not isinstance(self.last_event[bet_id], without)
        )

    def settled_stakes(self, *results: str) -> Decimal:
        """The stakes of the bets that ended so."""
        return total(
            self.stakes[bet_id]
            for bet_id, event in self.last_event.items()
            if isinstance(event, BetSettled) and event.result in results
        )

    def paid(self) -> Decimal:
        """What all settlements paid."""
        return total(event.payout for event in self.events if isinstance(event, BetSettled))

    def deposited(self) -> Decimal:
        """What came in."""
        return total(event.amount for event in self.events if isinstance(event, DepositCompleted))

    def withdrawn(self) -> Decimal:
        """What went out."""
        return total(
            event.amount for event in self.events if isinstance(event, WithdrawalCompleted)
        )

    def balances(self) -> Decimal:
        """What is owed to users."""
        increased = (e.amount for e in self.events if isinstance(e, BalanceIncreased))
        decreased = (e.amount for e in self.events if isinstance(e, BalanceDecreased))
        return total(increased) - total(decreased)


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def rows(projection: Projection[Row, Changes], history: History) -> dict[str, Row]:
    """The projection's table after the history's log, by key."""
    table: dict[str, Row] = {}
    for change in changes_of(history.log):
        if isinstance(change, projection.changes):
            key = projection.key(change)
            table[key] = projection.fold(table.get(key), change)
    return table


def log_of_users(history: History) -> dict[str, list[Recorded[DomainEvent]]]:
    """The log, divided by the user whom each event is about."""
    logs: dict[str, list[Recorded[DomainEvent]]] = {}
    placed_by: dict[str, str] = {}
    for recorded in history.log:
        event = recorded.event
        if isinstance(event, BetConfirmed | BetSettled | BetCancelled):
            user_id = placed_by[recorded.aggregate_id]
        else:
            user_id = placed_by[recorded.aggregate_id] = event.user_id
        logs.setdefault(user_id, []).append(recorded)
    return logs


@settings(deadline=None, max_examples=60)  # how long an example takes is not the subject
@given(histories)
def test_a_tenants_summary_counts_and_sums_its_log(history: History) -> None:
    if not history.log:
        assert rows(tenants_summary.projection, history) == {}
        return
    count = Count(history.log)
    assert rows(tenants_summary.projection, history)[""] == TenantSummary(
        bets_placed=count.now(BetPlaced),
        bets_confirmed=count.now(BetConfirmed),
        bets_settled=count.now(BetSettled),
        bets_cancelled=count.now(BetCancelled),
        turnover=count.staked(without=BetCancelled),
        payouts=count.paid(),
        gross_gaming_revenue=count.settled_stakes("win", "loss") - count.paid(),
        payments_created=count.now(DepositCreated, WithdrawalCreated),
        payments_completed=count.now(DepositCompleted, WithdrawalCompleted),
        payments_failed=count.now(DepositFailed, WithdrawalFailed),
        deposits=count.deposited(),
        withdrawals=count.withdrawn(),
        balances=count.balances(),
        last_updated_at=history.log[-1].occurred_at,
        last_position=len(history.log),
    )


@settings(deadline=None, max_examples=60)
@given(histories)
def test_a_users_activity_counts_and_sums_what_is_about_the_user(history: History) -> None:
    expected: dict[str, UserActivity] = {}
    for user_id, log in log_of_users(history).items():
        count = Count(log)
        expected[user_id] = UserActivity(
            user_id=user_id,
            bets=len(count.stakes) - count.now(BetCancelled),
            bets_placed=count.now(BetPlaced),
            bets_confirmed=count.now(BetConfirmed),
            bets_settled=count.now(BetSettled),
            bets_cancelled=count.now(BetCancelled),
            staked=count.staked(without=BetCancelled),
            won=count.paid(),
            lost=count.settled_stakes("loss"),
            payments_created=count.now(DepositCreated, WithdrawalCreated),
            payments_completed=count.now(DepositCompleted, WithdrawalCompleted),
            payments_failed=count.now(DepositFailed, WithdrawalFailed),
            deposited=count.deposited(),
            withdrawn=count.withdrawn(),
            last_active_at=log[-1].occurred_at,
            last_position=log[-1].position,
        )
    assert rows(user_activity.projection, history) == expected


@settings(deadline=None, max_examples=60)
@given(histories)
def test_counts_by_status_are_those_of_the_rows(history: History) -> None:
    by_user = rows(user_activity.projection, history)
    summary = rows(tenants_summary.projection, history).get("", TenantSummary())
    of_bets = Counter(f"bets_{bet.status}" for bet in rows(bets.projection, history).values())
    of_payments = Counter(
        f"payments_{payment.status}" for payment in rows(payments.projection, history).values()
    )
    for status in ("placed", "confirmed", "settled", "cancelled"):
        name = f"bets_{status}"
        assert getattr(summary, name) == of_bets[name]
        assert sum(getattr(row, name) for row in by_user.values()) == of_bets[name]
    for status in ("created", "completed", "failed"):
        name = f"payments_{status}"
        assert getattr(summary, name) == of_payments[name]
        assert sum(getattr(row, name) for row in by_user.values()) == of_payments[name]
    assert of_bets.total() == len(history.bets)
    assert of_payments.total() == len(history.payments)


@settings(deadline=None, max_examples=60)
@given(histories)
def test_the_aggregates_own_views_hold_the_state_on_which_commands_were_decided(
    history: History,
) -> None:
    assert rows(bets.projection, history) == history.bets
    assert rows(payments.projection, history) == history.payments
    assert rows(user_balances.projection, history) == history.balances


class Few(Struct, frozen=True):
    """A row with one total under its own name and one under another."""

    bets: int = 2
    turnover: Decimal = Decimal("5.0000")


def test_a_row_keeps_the_totals_that_it_has_fields_for_and_those_renamed() -> None:
    placed = bet_change(PLACED)
    assert Totals(Few, {"turnover": "staked"}).after(Few(), placed) == {
        "bets": 3,
        "turnover": Decimal("5.0000") + placed.after.stake,
    }
    assert Totals(Few).after(Few(), placed) == {"bets": 3}
