"""`payments_view`: the row after each event of a payment."""

from typing import Final

import pytest
from msgspec.structs import replace

from domain.payment import Payment, PaymentEvent
from domain.recorded import instant
from projections.payments import projection
from tests.domain.examples import (
    DEPOSIT,
    DEPOSIT_COMPLETED,
    DEPOSIT_CREATED,
    DEPOSIT_FAILED,
    NOON,
    PAID_IN,
    PAID_OUT,
    POSITION,
    USER,
    WITHDRAWAL,
    WITHDRAWAL_COMPLETED,
    WITHDRAWAL_CREATED,
    WITHDRAWAL_FAILED,
)
from tests.projections.changes import payment_change

DEPOSIT_ROW: Final = Payment(
    payment_id=DEPOSIT,
    type="deposit",
    user_id=USER,
    amount=PAID_IN,
    status="created",
    idempotency_key="key-1",
    version=1,
    last_updated_at=instant(NOON + 1),
    last_position=POSITION + 1,
)
WITHDRAWAL_ROW: Final = replace(
    DEPOSIT_ROW, payment_id=WITHDRAWAL, type="withdrawal", amount=PAID_OUT
)


def ended(row: Payment, status: str) -> Payment:
    return replace(
        row,
        status=status,
        version=2,
        last_updated_at=instant(NOON + 2),
        last_position=POSITION + 2,
    )


@pytest.mark.parametrize(
    ("row", "events", "after"),
    [
        pytest.param(None, [DEPOSIT_CREATED], DEPOSIT_ROW, id="deposit-created"),
        pytest.param(
            DEPOSIT_ROW,
            [DEPOSIT_CREATED, DEPOSIT_COMPLETED],
            ended(DEPOSIT_ROW, "completed"),
            id="deposit-completed",
        ),
        pytest.param(
            DEPOSIT_ROW,
            [DEPOSIT_CREATED, DEPOSIT_FAILED],
            ended(DEPOSIT_ROW, "failed"),
            id="deposit-failed",
        ),
        pytest.param(None, [WITHDRAWAL_CREATED], WITHDRAWAL_ROW, id="withdrawal-created"),
        pytest.param(
            WITHDRAWAL_ROW,
            [WITHDRAWAL_CREATED, WITHDRAWAL_COMPLETED],
            ended(WITHDRAWAL_ROW, "completed"),
            id="withdrawal-completed",
        ),
        pytest.param(
            WITHDRAWAL_ROW,
            [WITHDRAWAL_CREATED, WITHDRAWAL_FAILED],
            ended(WITHDRAWAL_ROW, "failed"),
            id="withdrawal-failed",
        ),
    ],
)
def test_the_row_is_the_payment_after_its_last_event(
    row: Payment | None, events: list[PaymentEvent], after: Payment
) -> None:
    change = payment_change(*events)
    assert change.before == row
    assert projection.fold(row, change) == after
    assert projection.key(change) == after.payment_id
