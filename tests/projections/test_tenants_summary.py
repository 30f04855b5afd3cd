"""`tenants_summary_view`: the tenant's totals after each event of the log."""

from decimal import Decimal
from typing import Final

import pytest
from msgspec.structs import replace

from domain.recorded import instant
from projections.change import Change
from projections.tenants_summary import TenantSummary, projection
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
    WITHDRAWAL_COMPLETED,
    WITHDRAWAL_CREATED,
    WITHDRAWAL_FAILED,
    WON,
)
from tests.projections.changes import balance_change, bet_change, payment_change

# Every field holds another value, so that no event can move the wrong one unseen.
ROW: Final = TenantSummary(
    bets_placed=11,
    bets_confirmed=22,
    bets_settled=33,
    bets_cancelled=44,
    turnover=Decimal("1000.0000"),
    payouts=Decimal("2000.0000"),
    gross_gaming_revenue=Decimal("3000.0000"),
    payments_created=55,
    payments_completed=66,
    payments_failed=77,
    deposits=Decimal("4000.0000"),
    withdrawals=Decimal("5000.0000"),
    balances=Decimal("6000.0000"),
    last_updated_at=instant(NOON),
    last_position=88,
)

CHANGES: Final = [
    pytest.param(
        bet_change(PLACED),
        {"bets_placed": 12, "turnover": Decimal("1010.0000")},
        id="bet-placed",
    ),
    pytest.param(
        bet_change(PLACED, CONFIRMED),
        {"bets_placed": 10, "bets_confirmed": 23},
        id="bet-confirmed",
    ),
    pytest.param(
        bet_change(PLACED, WON),
        {
            "bets_placed": 10,
            "bets_settled": 34,
            "payouts": Decimal("2025.0000"),
            "gross_gaming_revenue": Decimal("2985.0000"),
        },
        id="placed-bet-won",
    ),
    pytest.param(
        bet_change(PLACED, CONFIRMED, WON),
        {
            "bets_confirmed": 21,
            "bets_settled": 34,
            "payouts": Decimal("2025.0000"),
            "gross_gaming_revenue": Decimal("2985.0000"),
        },
        id="confirmed-bet-won",
    ),
    pytest.param(
        bet_change(PLACED, LOST),
        {
            "bets_placed": 10,
            "bets_settled": 34,
            "gross_gaming_revenue": Decimal("3010.0000"),
        },
        id="placed-bet-lost",
    ),
    pytest.param(
        bet_change(PLACED, CONFIRMED, LOST),
        {
            "bets_confirmed": 21,
            "bets_settled": 34,
            "gross_gaming_revenue": Decimal("3010.0000"),
        },
        id="confirmed-bet-lost",
    ),
    pytest.param(
        bet_change(PLACED, CANCELLED),
        {"bets_placed": 10, "bets_cancelled": 45, "turnover": Decimal("990.0000")},
        id="placed-bet-cancelled",
    ),
    pytest.param(
        bet_change(PLACED, CONFIRMED, CANCELLED),
        {"bets_confirmed": 21, "bets_cancelled": 45, "turnover": Decimal("990.0000")},
        id="confirmed-bet-cancelled",
    ),
    pytest.param(
        payment_change(DEPOSIT_CREATED),
        {"payments_created": 56},
        id="deposit-created",
    ),
    pytest.param(
        payment_change(DEPOSIT_CREATED, DEPOSIT_COMPLETED),
        {"payments_created": 54, "payments_completed": 67, "deposits": Decimal("4040.0000")},
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
        {"payments_created": 54, "payments_completed": 67, "withdrawals": Decimal("5015.0000")},
        id="withdrawal-completed",
    ),
    pytest.param(
        payment_change(WITHDRAWAL_CREATED, WITHDRAWAL_FAILED),
        {"payments_created": 54, "payments_failed": 78},
        id="withdrawal-failed",
    ),
    pytest.param(
        balance_change(INCREASED),
        {"balances": Decimal("6040.0000")},
        id="balance-increased",
    ),
    pytest.param(
        balance_change(INCREASED, DECREASED),
        {"balances": Decimal("5990.0000")},
        id="balance-decreased",
    ),
]


@pytest.mark.parametrize(("change", "moved"), CHANGES)
def test_an_event_moves_its_totals_and_no_other(
    change: Change, moved: dict[str, int | Decimal]
) -> None:
    assert projection.fold(ROW, change) == replace(
        ROW,
        **moved,
        last_updated_at=change.recorded.occurred_at,
        last_position=change.recorded.position,
    )


@pytest.mark.parametrize(
    ("change", "row"),
    [
        pytest.param(
            bet_change(PLACED),
            TenantSummary(bets_placed=1, turnover=Decimal("10.0000")),
            id="bet",
        ),
        pytest.param(
            payment_change(DEPOSIT_CREATED), TenantSummary(payments_created=1), id="payment"
        ),
        pytest.param(
            balance_change(INCREASED), TenantSummary(balances=Decimal("40.0000")), id="balance"
        ),
    ],
)
def test_the_first_event_of_a_tenant_makes_its_row(change: Change, row: TenantSummary) -> None:
    assert projection.fold(None, change) == replace(
        row,
        last_updated_at=change.recorded.occurred_at,
        last_position=change.recorded.position,
    )


def test_a_tenant_has_one_row() -> None:
    keys = {
        projection.key(bet_change(PLACED)),
        projection.key(payment_change(DEPOSIT_CREATED)),
        projection.key(balance_change(INCREASED)),
    }
    assert keys == {""}
