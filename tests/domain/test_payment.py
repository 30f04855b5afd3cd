"""Payments: what each command brings about in each status."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import pytest

from domain.errors import IllegalTransition, PaymentNotFound
from domain.payment import (
    CompletePayment,
    FailPayment,
    MakePayment,
    Payment,
    PaymentCommand,
    PaymentEvent,
    decide,
    evolve,
)
from domain.recorded import instant
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
    recorded,
)

COMPLETE: Final = CompletePayment()
FAIL: Final = FailPayment()


def payment_after(*events: PaymentEvent) -> Payment | None:
    payment: Payment | None = None
    for version, event in enumerate(events, 1):
        payment = evolve(payment, recorded(event, event.payment_id, version))
    return payment


@pytest.mark.parametrize(
    ("when", "then"),
    [
        pytest.param(
            MakePayment(user_id=USER, amount=PAID_IN),
            [DEPOSIT_CREATED, DEPOSIT_COMPLETED],
            id="a-payment-is-an-instant-deposit-unless-told",
        ),
        pytest.param(
            MakePayment(user_id=USER, amount=PAID_IN, type="deposit", mode="instant"),
            [DEPOSIT_CREATED, DEPOSIT_COMPLETED],
            id="instant-deposit",
        ),
        pytest.param(
            MakePayment(user_id=USER, amount=PAID_IN, type="deposit", mode="deferred"),
            [DEPOSIT_CREATED],
            id="deferred-deposit",
        ),
    ],
)
def test_a_deposit_completes_at_once_unless_deferred(
    when: MakePayment, then: Sequence[PaymentEvent]
) -> None:
    assert decide(when, None, DEPOSIT) == then


@pytest.mark.parametrize(
    ("when", "then"),
    [
        pytest.param(
            MakePayment(user_id=USER, amount=PAID_OUT, type="withdrawal"),
            [WITHDRAWAL_CREATED],
            id="a-withdrawal-is-deferred-unless-told",
        ),
        pytest.param(
            MakePayment(user_id=USER, amount=PAID_OUT, type="withdrawal", mode="deferred"),
            [WITHDRAWAL_CREATED],
            id="deferred-withdrawal",
        ),
        pytest.param(
            MakePayment(user_id=USER, amount=PAID_OUT, type="withdrawal", mode="instant"),
            [WITHDRAWAL_CREATED, WITHDRAWAL_COMPLETED],
            id="instant-withdrawal",
        ),
    ],
)
def test_a_withdrawal_waits_unless_instant(when: MakePayment, then: Sequence[PaymentEvent]) -> None:
    assert decide(when, None, WITHDRAWAL) == then


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        pytest.param(DEPOSIT_CREATED, COMPLETE, DEPOSIT_COMPLETED, id="deposit-complete"),
        pytest.param(
            DEPOSIT_CREATED, FailPayment(reason="card declined"), DEPOSIT_FAILED, id="deposit-fail"
        ),
        pytest.param(WITHDRAWAL_CREATED, COMPLETE, WITHDRAWAL_COMPLETED, id="withdrawal-complete"),
        pytest.param(
            WITHDRAWAL_CREATED,
            FailPayment(reason="no such account"),
            WITHDRAWAL_FAILED,
            id="withdrawal-fail",
        ),
    ],
)
def test_a_created_payment_is_completed_or_failed_once(
    given: PaymentEvent, when: PaymentCommand, then: PaymentEvent
) -> None:
    payment = payment_after(given)
    assert payment is not None
    assert decide(when, payment, payment.payment_id) == [then]


@pytest.mark.parametrize(
    ("command", "action"),
    [
        pytest.param(MakePayment(user_id=USER, amount=PAID_IN), "created", id="make"),
        pytest.param(COMPLETE, "completed", id="complete"),
        pytest.param(FAIL, "failed", id="fail"),
    ],
)
@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param([DEPOSIT_CREATED, DEPOSIT_COMPLETED], "completed", id="completed-deposit"),
        pytest.param([DEPOSIT_CREATED, DEPOSIT_FAILED], "failed", id="failed-deposit"),
        pytest.param(
            [WITHDRAWAL_CREATED, WITHDRAWAL_COMPLETED], "completed", id="completed-withdrawal"
        ),
        pytest.param([WITHDRAWAL_CREATED, WITHDRAWAL_FAILED], "failed", id="failed-withdrawal"),
    ],
)
def test_a_completed_or_failed_payment_refuses_every_command(
    given: Sequence[PaymentEvent], status: str, command: PaymentCommand, action: str
) -> None:
    with pytest.raises(IllegalTransition) as refused:
        decide(command, payment_after(*given), given[0].payment_id)
    assert refused.value.members == {"current_status": status}
    assert refused.value.detail == f"A {status} payment cannot be {action}."


@pytest.mark.parametrize(
    "given", [DEPOSIT_CREATED, WITHDRAWAL_CREATED], ids=["deposit", "withdrawal"]
)
def test_a_payment_is_created_once(given: PaymentEvent) -> None:
    with pytest.raises(IllegalTransition) as refused:
        decide(MakePayment(user_id=USER, amount=PAID_IN), payment_after(given), given.payment_id)
    assert refused.value.members == {"current_status": "created"}
    assert refused.value.detail == "A created payment cannot be created."


@pytest.mark.parametrize("command", [COMPLETE, FAIL], ids=["complete", "fail"])
def test_a_command_on_an_unknown_payment_names_the_payment(command: PaymentCommand) -> None:
    with pytest.raises(PaymentNotFound) as refused:
        decide(command, None, DEPOSIT)
    assert refused.value.members == {"payment_id": DEPOSIT}
    assert refused.value.detail == "There is no payment 'payment-1'."


@pytest.mark.parametrize(
    ("given", "type_", "status", "amount"),
    [
        pytest.param([DEPOSIT_CREATED], "deposit", "created", PAID_IN, id="deposit-created"),
        pytest.param(
            [DEPOSIT_CREATED, DEPOSIT_COMPLETED],
            "deposit",
            "completed",
            PAID_IN,
            id="deposit-completed",
        ),
        pytest.param(
            [DEPOSIT_CREATED, DEPOSIT_FAILED], "deposit", "failed", PAID_IN, id="deposit-failed"
        ),
        pytest.param(
            [WITHDRAWAL_CREATED], "withdrawal", "created", PAID_OUT, id="withdrawal-created"
        ),
        pytest.param(
            [WITHDRAWAL_CREATED, WITHDRAWAL_COMPLETED],
            "withdrawal",
            "completed",
            PAID_OUT,
            id="withdrawal-completed",
        ),
        pytest.param(
            [WITHDRAWAL_CREATED, WITHDRAWAL_FAILED],
            "withdrawal",
            "failed",
            PAID_OUT,
            id="withdrawal-failed",
        ),
    ],
)
def test_a_payment_is_the_fold_of_its_events(
    given: Sequence[PaymentEvent], type_: str, status: str, amount: Decimal
) -> None:
    version = len(given)
    payment = payment_after(*given)
    assert payment is not None
    assert (payment.type, payment.status, payment.amount) == (type_, status, amount)
    assert (payment.payment_id, payment.user_id) == (given[0].payment_id, USER)
    assert (payment.version, payment.last_position) == (version, POSITION + version)
    assert payment.last_updated_at == instant(NOON + version)
    assert payment.idempotency_key == "key-1"


@pytest.mark.parametrize(
    "event",
    [DEPOSIT_COMPLETED, DEPOSIT_FAILED, WITHDRAWAL_COMPLETED, WITHDRAWAL_FAILED],
    ids=lambda event: type(event).__name__,
)
def test_a_history_that_does_not_begin_with_the_creation_cannot_be_folded(
    event: PaymentEvent,
) -> None:
    with pytest.raises(PaymentNotFound) as refused:
        payment_after(event)
    assert refused.value.members == {"payment_id": event.payment_id}
