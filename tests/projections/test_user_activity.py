"""`user_activity_view`: the user's totals after each event that is about him."""

from decimal import Decimal
from typing import Final

import pytest
from msgspec.structs import replace

from domain.recorded import instant
from projections.change import Change
from projections.user_activity import UserActivity, projection
from tests.domain.examples import (
    CANCELLED,
    CONFIRMED,
    DECREASED,
    DEPOSIT_COMPLETED,
    DEPOSIT_CREATED,
    DEPOSIT_FAILED,
    INCREASED,
    LOST,
    NOON,
    PLACED,
    USER,
    WITHDRAWAL_COMPLETED,
    WITHDRAWAL_CREATED,
    WITHDRAWAL_FAILED,
    WON,
)
from tests.projections.changes import balance_change, bet_change, payment_change

# Every field holds another value, so that no event can move the wrong one unseen.
ROW: Final = UserActivity(
    user_id=USER,
    bets=100,
    bets_placed=11,
    bets_confirmed=22,
    bets_settled=33,
    bets_cancelled=44,
    staked=Decimal("1000.0000"),
    won=Decimal("2000.0000"),
    lost=Decimal("3000.0000"),
    payments_created=55,
    payments_completed=66,
    payments_failed=77,
    deposited=Decimal("4000.0000"),
    withdrawn=Decimal("5000.0000"),
    last_active_at=instant(NOON),
    last_position=88,
)

CHANGES: Final = [
    pytest.param(
        bet_change(PLACED),
        {"bets": 101, "bets_placed": 12, "staked": Decimal("1010.0000")},
        id="bet-placed",
    ),
    pytest.param(
        bet_change(PLACED, CONFIRMED),
        {"bets_placed": 10, "bets_confirmed": 23},
        id="bet-confirmed",
    ),
    pytest.param(
        bet_change(PLACED, WON),
        {"bets_placed": 10, "bets_settled": 34, "won": Decimal("2025.0000")},
        id="placed-bet-won",
    ),
    pytest.param(
        bet_change(PLACED, CONFIRMED, WON),
        {"bets_confirmed": 21, "bets_settled": 34, "won": Decimal("2025.0000")},
        id="confirmed-bet-won",
    ),
    pytest.param(
        bet_change(PLACED, LOST),
        {"bets_placed": 10, "bets_settled": 34, "lost": Decimal("3010.0000")},
        id="placed-bet-lost",
    ),
    pytest.param(
        bet_change(PLACED, CONFIRMED, LOST),
        {"bets_confirmed": 21, "bets_settled": 34, "lost": Decimal("3010.0000")},
        id="confirmed-bet-lost",
    ),
    pytest.param(
        bet_change(PLACED, CANCELLED),
        {"bets": 99, "bets_placed": 10, "bets_cancelled": 45, "staked": Decimal("990.0000")},
        id="placed-bet-cancelled",
    ),
    pytest.param(
        bet_change(PLACED, CONFIRMED, CANCELLED),
        {"bets": 99, "bets_confirmed": 21, "bets_cancelled": 45, "staked": Decimal("990.0000")},
        id="confirmed-bet-cancelled",
    ),
    pytest.param(
        payment_change(DEPOSIT_CREATED),
        {"payments_created": 56},
        id="deposit-created",
    ),
    pytest.param(
        payment_change(DEPOSIT_CREATED, DEPOSIT_COMPLETED),
        {"payments_created": 54, "payments_completed": 67, "deposited": Decimal("4040.0000")},
        id="deposit-completed",
    ),
    pytest.param(
        payment_change(DEPOSIT_CREATED, DEPOSIT_FAILED),
        {"payments_created": 54, "payments_failed": 78},
        id="deposit-failed",
    ),
    pytest.param(
        payment_change(WITHDRAWAL_CREATED),
        {"payments_created": 56},
        id="withdrawal-created",
    ),
    pytest.param(
        payment_change(WITHDRAWAL_CREATED, WITHDRAWAL_COMPLETED),
        {"payments_created": 54, "payments_completed": 67, "withdrawn": Decimal("5015.0000")},
        id="withdrawal-completed",
    ),
    pytest.param(
        payment_change(WITHDRAWAL_CREATED, WITHDRAWAL_FAILED),
        {"payments_created": 54, "payments_failed": 78},
        id="withdrawal-failed",
    ),
    pytest.param(balance_change(INCREASED), {}, id="balance-increased"),
    pytest.param(balance_change(INCREASED, DECREASED), {}, id="balance-decreased"),
]


@pytest.mark.parametrize(("change", "moved"), CHANGES)
def test_an_event_moves_its_totals_and_no_other(
    change: Change, moved: dict[str, int | Decimal]
) -> None:
    assert projection.fold(ROW, change) == replace(
        ROW,
        **moved,
        last_active_at=change.recorded.occurred_at,
        last_position=change.recorded.position,
    )


@pytest.mark.parametrize(
    ("change", "row"),
    [
        pytest.param(
            bet_change(PLACED),
            UserActivity(user_id=USER, bets=1, bets_placed=1, staked=Decimal("10.0000")),
            id="bet",
        ),
        pytest.param(
            payment_change(DEPOSIT_CREATED),
            UserActivity(user_id=USER, payments_created=1),
            id="payment",
        ),
        pytest.param(balance_change(INCREASED), UserActivity(user_id=USER), id="balance"),
    ],
)
def test_the_first_event_of_a_user_makes_his_row(change: Change, row: UserActivity) -> None:
    assert projection.key(change) == USER
    assert projection.fold(None, change) == replace(
        row,
        last_active_at=change.recorded.occurred_at,
        last_position=change.recorded.position,
    )
