"""`bets_view`: the row after each event of a bet."""

from decimal import Decimal
from typing import Final

import pytest
from msgspec.structs import replace

from domain.bet import Bet, BetEvent
from domain.recorded import instant
from projections.bets import projection
from tests.domain.examples import (
    BET,
    CANCELLED,
    CONFIRMED,
    LOST,
    NOON,
    PAYOUT,
    PLACED,
    POSITION,
    STAKE,
    USER,
    WON,
)
from tests.projections.changes import bet_change

PLACED_ROW: Final = Bet(
    bet_id=BET,
    user_id=USER,
    stake=STAKE,
    odds=Decimal("2.5000"),
    fixture_id="fixture-7",
    status="placed",
    result=None,
    payout=None,
    idempotency_key="key-1",
    version=1,
    last_updated_at=instant(NOON + 1),
    last_position=POSITION + 1,
)
CONFIRMED_ROW: Final = replace(
    PLACED_ROW,
    status="confirmed",
    version=2,
    last_updated_at=instant(NOON + 2),
    last_position=POSITION + 2,
)


@pytest.mark.parametrize(
    ("row", "events", "after"),
    [
        pytest.param(None, [PLACED], PLACED_ROW, id="placed"),
        pytest.param(PLACED_ROW, [PLACED, CONFIRMED], CONFIRMED_ROW, id="placed-confirmed"),
        pytest.param(
            PLACED_ROW,
            [PLACED, WON],
            replace(CONFIRMED_ROW, status="settled", result="win", payout=PAYOUT),
            id="placed-won",
        ),
        pytest.param(
            PLACED_ROW,
            [PLACED, LOST],
            replace(CONFIRMED_ROW, status="settled", result="loss", payout=Decimal("0.0000")),
            id="placed-lost",
        ),
        pytest.param(
            PLACED_ROW,
            [PLACED, CANCELLED],
            replace(CONFIRMED_ROW, status="cancelled"),
            id="placed-cancelled",
        ),
        pytest.param(
            CONFIRMED_ROW,
            [PLACED, CONFIRMED, WON],
            replace(
                CONFIRMED_ROW,
                status="settled",
                result="win",
                payout=PAYOUT,
                version=3,
                last_updated_at=instant(NOON + 3),
                last_position=POSITION + 3,
            ),
            id="confirmed-won",
        ),
        pytest.param(
            CONFIRMED_ROW,
            [PLACED, CONFIRMED, CANCELLED],
            replace(
                CONFIRMED_ROW,
                status="cancelled",
                version=3,
                last_updated_at=instant(NOON + 3),
                last_position=POSITION + 3,
            ),
            id="confirmed-cancelled",
        ),
    ],
)
def test_the_row_is_the_bet_after_its_last_event(
    row: Bet | None, events: list[BetEvent], after: Bet
) -> None:
    change = bet_change(*events)
    assert change.before == row
    assert projection.fold(row, change) == after
    assert projection.key(change) == BET
