"""A tenant's rows as its events make them, one event after the other."""

from collections.abc import Iterable
from typing import Final, cast

from app.tenant_state import TABLES, Rows
from domain.balance import Balance
from domain.bet import Bet
from domain.events import DomainEvent
from domain.payment import Payment
from domain.recorded import Recorded
from projections import FOLDS, bets, change, payments, user_balances
from projections.change import Change

_AGGREGATES: Final = frozenset(
    {
        bets.bets_view.name,
        payments.payments_view.name,
        user_balances.user_balances_view.name,
    }
)


class Replay:
    """Rows by table and key, and the `Ledger` that the next event is folded on.

    `rows` may be filled beforehand with rows of an earlier position; what is not there counts
    as a row that is not there yet. `tables` limits the folds to some tables; the aggregates'
    own are always among them.
    """

    def __init__(self, tables: Iterable[str] = TABLES) -> None:
        self.rows: Final[dict[str, Rows]] = {table: {} for table in TABLES}
        folded = frozenset(tables) | _AGGREGATES
        self._folds: Final = {
            kind: [(p.table.name, p.key, p.fold) for p in folds if p.table.name in folded]
            for kind, folds in FOLDS.items()
        }

    def bet(self, bet_id: str, /) -> Bet | None:
        """The bet after the events so far."""
        return cast("Bet | None", self.rows[bets.bets_view.name].get(bet_id))

    def payment(self, payment_id: str, /) -> Payment | None:
        """The payment after the events so far."""
        return cast("Payment | None", self.rows[payments.payments_view.name].get(payment_id))

    def balance(self, user_id: str, /) -> Balance | None:
        """The balance after the events so far."""
        return cast("Balance | None", self.rows[user_balances.user_balances_view.name].get(user_id))

    def fold(self, recorded: Recorded[DomainEvent]) -> Change:
        """Fold one event into every row it touches.

        Raises what `evolve` raises when the event does not follow from those before it.
        """
        before = change.before(recorded.event, recorded.aggregate_id, self)
        changed = change.change(recorded, before)
        for table, key_of, fold in self._folds[type(changed)]:
            rows, key = self.rows[table], key_of(changed)
            rows[key] = fold(rows.get(key), changed)
        return changed
