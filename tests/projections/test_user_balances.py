"""`user_balances_view`: the row after each event of a balance."""

from decimal import Decimal
from typing import Final

import pytest

from domain.balance import Balance, BalanceEvent
from domain.recorded import instant
from projections.user_balances import projection
from tests.domain.examples import DECREASED, INCREASED, NOON, PAID_IN, POSITION, USER
from tests.projections.changes import balance_change

INCREASED_ROW: Final = Balance(
    user_id=USER,
    balance=PAID_IN,
    transaction_count=1,
    last_transaction_at=instant(NOON + 1),
    version=1,
    last_position=POSITION + 1,
)


@pytest.mark.parametrize(
    ("row", "events", "balance"),
    [
        pytest.param(INCREASED_ROW, [INCREASED, INCREASED], "80.0000", id="increased-again"),
        pytest.param(INCREASED_ROW, [INCREASED, DECREASED], "30.0000", id="decreased"),
    ],
)
def test_the_row_is_the_balance_after_its_last_event(
    row: Balance, events: list[BalanceEvent], balance: str
) -> None:
    change = balance_change(*events)
    assert change.before == row
    assert projection.fold(row, change) == Balance(
        user_id=USER,
        balance=Decimal(balance),
        transaction_count=2,
        last_transaction_at=instant(NOON + 2),
        version=2,
        last_position=POSITION + 2,
    )
    assert projection.key(change) == USER


def test_the_first_event_makes_the_row() -> None:
    assert projection.fold(None, balance_change(INCREASED)) == INCREASED_ROW
