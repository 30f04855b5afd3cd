"""Payments: make, complete, fail, read."""

from typing import Final

from litestar import Controller, Response
from litestar.params import JSONBody

from app import answers, openapi
from app.answers import PaymentAnswer
from app.handlers import get, post
from app.paths import PathId
from app.problems import (
    ILLEGAL_TRANSITION,
    INSUFFICIENT_FUNDS,
    LIMIT_EXCEEDED,
    PAYMENT_NOT_FOUND,
    PRECONDITION_FAILED,
    UNSUPPORTED_MEDIA_TYPE,
    problem,
)
from app.service import LedgerRequest
from domain.payment import CompletePayment, FailPayment, MakePayment, Payment
from projections import payments

_OF_TRANSITIONS: Final = (
    *openapi.OF_COMMANDS,
    PAYMENT_NOT_FOUND,
    ILLEGAL_TRANSITION,
    PRECONDITION_FAILED,
    LIMIT_EXCEEDED,
)
_REPEATED: Final = openapi.answered(PaymentAnswer, "The payment that the first request made.")


class PaymentController(Controller):
    """Commands on payments, and the payment itself."""

    path = "/payments"
    tags = ("Payments",)

    @post(
        scope="payments:write",
        operation_id="makePayment",
        summary="Make a deposit or a withdrawal",
        operation_class=openapi.Creation,
        responses={
            200: _REPEATED,
            **openapi.problems(
                *openapi.OF_COMMANDS, UNSUPPORTED_MEDIA_TYPE, INSUFFICIENT_FUNDS, LIMIT_EXCEEDED
            ),
        },
    )
    async def make(
        self, request: LedgerRequest, data: JSONBody[MakePayment]
    ) -> Response[PaymentAnswer]:
        """Move money into or out of a user's balance, at once or, `deferred`, in two steps."""
        return answers.of_payment(await request.submit(data, "payment"))

    @post(
        "/{payment_id:str}/complete",
        status_code=200,
        scope="payments:write",
        operation_id="completePayment",
        summary="Complete a payment",
        operation_class=openapi.Transition,
        responses=openapi.problems(*_OF_TRANSITIONS),
    )
    async def complete(self, request: LedgerRequest, payment_id: PathId) -> Response[PaymentAnswer]:
        """Record that a deferred payment went through; a deposit counts from now on."""
        return answers.of_payment(await request.submit(CompletePayment(), "payment", payment_id))

    @post(
        "/{payment_id:str}/fail",
        status_code=200,
        scope="payments:write",
        operation_id="failPayment",
        summary="Fail a payment",
        operation_class=openapi.Transition,
        responses=openapi.problems(*_OF_TRANSITIONS, UNSUPPORTED_MEDIA_TYPE),
    )
    async def fail(
        self,
        request: LedgerRequest,
        payment_id: PathId,
        data: JSONBody[FailPayment | None] = None,
    ) -> Response[PaymentAnswer]:
        """Record that a deferred payment did not go through; a withdrawal is given back."""
        command = data or FailPayment()
        return answers.of_payment(await request.submit(command, "payment", payment_id))

    @get(
        "/{payment_id:str}",
        scope="payments:read",
        operation_id="getPayment",
        summary="Read a payment",
        operation_class=openapi.TaggedRead,
        responses={
            304: openapi.NOT_MODIFIED,
            **openapi.problems(*openapi.OF_PAST_READS, PAYMENT_NOT_FOUND),
        },
    )
    async def read(self, request: LedgerRequest, payment_id: PathId) -> Response[Payment]:
        """The state of a payment, now or as it was."""
        as_of = request.as_of
        payment = await request.service.reads.row(
            payments.projection, request.tenant_id, payment_id, as_of
        )
        if payment is None:
            detail = f"There {'was' if as_of else 'is'} no payment {payment_id!r}."
            raise problem(PAYMENT_NOT_FOUND, detail, payment_id=payment_id)
        return answers.tagged(payment, request.scope["headers"])
