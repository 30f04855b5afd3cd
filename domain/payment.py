"""A payment: a deposit or a withdrawal, created, then completed or failed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import IllegalTransition, PaymentNotFound
from domain.fields import Identifier, Reason, settle_amount
from domain.recorded import Recorded

PaymentType: TypeAlias = Literal["deposit", "withdrawal"]
PaymentMode: TypeAlias = Literal["instant", "deferred"]
PaymentStatus: TypeAlias = Literal["created", "completed", "failed"]


class DepositCreated(
    Struct, frozen=True, kw_only=True, tag="V1_PAYMENTS_DEPOSIT_CREATED", tag_field="event_type"
):
    user_id: str
    amount: Decimal
    payment_id: str


class DepositCompleted(
    Struct, frozen=True, kw_only=True, tag="V1_PAYMENTS_DEPOSIT_COMPLETED", tag_field="event_type"
):
    user_id: str
    amount: Decimal
    payment_id: str


class DepositFailed(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="V1_PAYMENTS_DEPOSIT_FAILED",
    tag_field="event_type",
):
    user_id: str
    amount: Decimal
    payment_id: str
    reason: str | None = None


class WithdrawalCreated(
    Struct, frozen=True, kw_only=True, tag="V1_PAYMENTS_WITHDRAWAL_CREATED", tag_field="event_type"
):
    user_id: str
    amount: Decimal
    payment_id: str


class WithdrawalCompleted(
    Struct,
    frozen=True,
    kw_only=True,
    tag="V1_PAYMENTS_WITHDRAWAL_COMPLETED",
    tag_field="event_type",
):
    user_id: str
    amount: Decimal
    payment_id: str


class WithdrawalFailed(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="V1_PAYMENTS_WITHDRAWAL_FAILED",
    tag_field="event_type",
):
    user_id: str
    amount: Decimal
    payment_id: str
    reason: str | None = None


PaymentEvent: TypeAlias = (
    DepositCreated
    | DepositCompleted
    | DepositFailed
    | WithdrawalCreated
    | WithdrawalCompleted
    | WithdrawalFailed
)


class MakePayment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Move money in (`deposit`) or out (`withdrawal`) of a user's balance.

    `instant` completes at once, `deferred` waits for complete or fail. Without `mode` a
    deposit is instant and a withdrawal deferred.
    """

    user_id: Identifier
    amount: Decimal
    type: PaymentType = "deposit"
    mode: PaymentMode | None = None

    def __post_init__(self) -> None:
        settle_amount(self, "amount", self.amount)

    @property
    def instant(self) -> bool:
        """Whether the payment is completed in the same unit of work."""
        if self.mode is None:
            return self.type == "deposit"
        return self.mode == "instant"


class CompletePayment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Record that a created payment went through."""


class FailPayment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Record that a created payment did not go through."""

    reason: Reason | None = None


PaymentCommand: TypeAlias = MakePayment | CompletePayment | FailPayment


class Payment(Struct, frozen=True, kw_only=True):
    """The present state of a payment, which is its row in `payments_view`."""

    payment_id: str
    type: PaymentType
    user_id: str
    amount: Decimal
    status: PaymentStatus
    idempotency_key: str
    version: int
    last_updated_at: datetime
    last_position: int


def decide(
    command: PaymentCommand, payment: Payment | None, payment_id: str
) -> Sequence[PaymentEvent]:
    """The events that `command` brings about for the payment `payment_id`.

    Raises `PaymentNotFound`, `IllegalTransition`.
    """
    match command:
        case MakePayment():
            if payment is not None:
                raise IllegalTransition("payment", payment.status, "created")
            return _made(command, payment_id)
        case CompletePayment():
            return [_completed(_created(payment, payment_id, "completed"))]
        case FailPayment(reason=reason):
            return [_failed(_created(payment, payment_id, "failed"), reason)]
        case _:
            assert_never(command)


def evolve(payment: Payment | None, recorded: Recorded[PaymentEvent]) -> Payment:
    """The payment after `recorded`; `payment` is None before its first event."""
    event = recorded.event
    match event:
        case DepositCreated():
            return _opened("deposit", event, recorded)
        case WithdrawalCreated():
            return _opened("withdrawal", event, recorded)
        case DepositCompleted() | WithdrawalCompleted():
            return _moved(payment, recorded, "completed")
        case DepositFailed() | WithdrawalFailed():
            return _moved(payment, recorded, "failed")
        case _:
            assert_never(event)


def _made(command: MakePayment, payment_id: str) -> Sequence[PaymentEvent]:
    user_id, amount = command.user_id, command.amount
    events: list[PaymentEvent]
    if command.type == "deposit":
        events = [
            DepositCreated(user_id=user_id, amount=amount, payment_id=payment_id),
            DepositCompleted(user_id=user_id, amount=amount, payment_id=payment_id),
        ]
    else:
        events = [
            WithdrawalCreated(user_id=user_id, amount=amount, payment_id=payment_id),
            WithdrawalCompleted(user_id=user_id, amount=amount, payment_id=payment_id),
        ]
    return events if command.instant else events[:1]


def _created(payment: Payment | None, payment_id: str, action: str) -> Payment:
    if payment is None:
        raise PaymentNotFound(payment_id)
    if payment.status != "created":
        raise IllegalTransition("payment", payment.status, action)
    return payment


def _completed(payment: Payment) -> PaymentEvent:
    done = DepositCompleted if payment.type == "deposit" else WithdrawalCompleted
    return done(user_id=payment.user_id, amount=payment.amount, payment_id=payment.payment_id)


def _failed(payment: Payment, reason: str | None) -> PaymentEvent:
    failed = DepositFailed if payment.type == "deposit" else WithdrawalFailed
    return failed(
        user_id=payment.user_id,
        amount=payment.amount,
        payment_id=payment.payment_id,
        reason=reason,
    )


def _opened(
    type_: PaymentType,
    event: DepositCreated | WithdrawalCreated,
    recorded: Recorded[PaymentEvent],
) -> Payment:
    return Payment(
        payment_id=recorded.aggregate_id,
        type=type_,
        user_id=event.user_id,
        amount=event.amount,
        status="created",
        idempotency_key=recorded.idempotency_key,
        version=recorded.version,
        last_updated_at=recorded.occurred_at,
        last_position=recorded.position,
    )


def _moved(
    payment: Payment | None, recorded: Recorded[PaymentEvent], status: PaymentStatus
) -> Payment:
    if payment is None:
        raise PaymentNotFound(recorded.aggregate_id)
    return replace(
        payment,
        status=status,
        version=recorded.version,
        last_updated_at=recorded.occurred_at,
        last_position=recorded.position,
    )
