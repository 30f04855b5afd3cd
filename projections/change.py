"""An event together with what it did to its aggregate: what projections fold."""

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar, cast

from msgspec import Struct
from sqlalchemy import Table

from domain import balance, bet, payment
from domain.balance import Balance, BalanceEvent
from domain.bet import Bet, BetEvent
from domain.decision import Ledger
from domain.events import DomainEvent
from domain.payment import Payment, PaymentEvent
from domain.recorded import Recorded

TENANT_KEY: Final = ""
"""The key of the one row of a tenant in a table that has no other."""

Aggregate: TypeAlias = Bet | Payment | Balance


class BetChange(NamedTuple):
    """An event of a bet, with the bet before and after it."""

    recorded: Recorded[BetEvent]
    before: Bet | None
    after: Bet


class PaymentChange(NamedTuple):
    """An event of a payment, with the payment before and after it."""

    recorded: Recorded[PaymentEvent]
    before: Payment | None
    after: Payment


class BalanceChange(NamedTuple):
    """An event of a balance, with the balance before and after it."""

    recorded: Recorded[BalanceEvent]
    before: Balance | None
    after: Balance


Change: TypeAlias = BetChange | PaymentChange | BalanceChange
Row = TypeVar("Row", bound=Struct)
Changes = TypeVar("Changes", bound=Change)


class Projection(Struct, Generic[Row, Changes], frozen=True, kw_only=True):
    """A table that is a fold over events.

    `changes` lists the kinds of change that touch it, `key` names the tenant's row that one
    of them touches, `fold` gives that row after the change from the row before it, or from
    None. Nothing else decides what the table holds: the inline update, a rebuild and a
    verification all call it.
    """

    table: Table
    row_type: type[Row]
    changes: tuple[type[Changes], ...]
    key: Callable[[Changes], str]
    fold: Callable[[Row | None, Changes], Row]

    @property
    def key_column(self) -> str | None:
        """The column that tells the tenant's rows apart; None for a table of one row each."""
        names = [column.name for column in self.table.primary_key]
        return next((name for name in names if name != "tenant_id"), None)


def before(event: DomainEvent, aggregate_id: str, ledger: Ledger) -> Aggregate | None:
    """The aggregate that `event` is about, as `ledger` holds it now."""
    if isinstance(event, BetEvent):
        return ledger.bet(aggregate_id)
    if isinstance(event, PaymentEvent):
        return ledger.payment(aggregate_id)
    return ledger.balance(event.user_id)


def change(recorded: Recorded[DomainEvent], aggregate: Aggregate | None) -> Change:
    """What `recorded` does to its aggregate, which was `aggregate` until then."""
    if isinstance(recorded.event, BetEvent):
        of_bet, placed = cast("Recorded[BetEvent]", recorded), cast("Bet | None", aggregate)
        return BetChange(of_bet, placed, bet.evolve(placed, of_bet))
    if isinstance(recorded.event, PaymentEvent):
        of_payment = cast("Recorded[PaymentEvent]", recorded)
        made = cast("Payment | None", aggregate)
        return PaymentChange(of_payment, made, payment.evolve(made, of_payment))
    of_balance, held = cast("Recorded[BalanceEvent]", recorded), cast("Balance | None", aggregate)
    return BalanceChange(of_balance, held, balance.evolve(held, of_balance))
