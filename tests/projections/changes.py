"""Changes: recorded events with what they did to their aggregates, as a replay finds them."""

from collections.abc import Iterable

from domain.balance import Balance, BalanceEvent
from domain.bet import Bet, BetEvent
from domain.events import DomainEvent
from domain.payment import Payment, PaymentEvent
from domain.recorded import Recorded
from projections import change
from projections.change import BalanceChange, BetChange, Change, PaymentChange
from tests.domain.examples import BALANCE, BET, recorded


class Replay:
    """A ledger that is filled by the events of a log, one by one."""

    def __init__(self) -> None:
        self.bets: dict[str, Bet] = {}
        self.payments: dict[str, Payment] = {}
        self.balances: dict[str, Balance] = {}

    def bet(self, bet_id: str, /) -> Bet | None:
        return self.bets.get(bet_id)

    def payment(self, payment_id: str, /) -> Payment | None:
        return self.payments.get(payment_id)

    def balance(self, user_id: str, /) -> Balance | None:
        return self.balances.get(user_id)

    def apply(self, event: Recorded[DomainEvent]) -> Change:
        """What `event` changes, given all the events before it."""
        before = change.before(event.event, event.aggregate_id, self)
        changed = change.change(event, before)
        match changed:
            case BetChange(after=bet):
                self.bets[bet.bet_id] = bet
            case PaymentChange(after=payment):
                self.payments[payment.payment_id] = payment
            case BalanceChange(after=balance):
                self.balances[balance.user_id] = balance
        return changed


def changes_of(log: Iterable[Recorded[DomainEvent]]) -> list[Change]:
    """What each event of a log changed."""
    replay = Replay()
    return [replay.apply(event) for event in log]


def bet_change(*events: BetEvent) -> BetChange:
    """What the last of a bet's events changes."""
    changed = _last(BET, events)
    assert isinstance(changed, BetChange)
    return changed


def payment_change(*events: PaymentEvent) -> PaymentChange:
    """What the last of a payment's events changes."""
    changed = _last(events[0].payment_id, events)
    assert isinstance(changed, PaymentChange)
    return changed


def balance_change(*events: BalanceEvent) -> BalanceChange:
    """What the last of a balance's events changes."""
    changed = _last(BALANCE, events)
    assert isinstance(changed, BalanceChange)
    return changed


def _last(aggregate_id: str, events: Iterable[DomainEvent]) -> Change:
    return changes_of(
        recorded(event, aggregate_id, version) for version, event in enumerate(events, 1)
    )[-1]
