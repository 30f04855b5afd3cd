"""Events: their names on disk, which are never to change."""

from decimal import Decimal
from typing import Final, get_args

import msgspec
import pytest

from domain.balance import BalanceDecreased, BalanceEvent, BalanceIncreased
from domain.bet import BetCancelled, BetConfirmed, BetEvent, BetPlaced, BetSettled
from domain.events import EVENT_NAME, EVENT_TYPE, STREAM_EVENTS, STREAM_OF, DomainEvent, Stream
from domain.payment import (
    DepositCompleted,
    DepositCreated,
    DepositFailed,
    PaymentEvent,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
)
from tests.domain import examples

PUBLISHED: Final[list[tuple[type[DomainEvent], Stream, str, str]]] = [
    (BetPlaced, "bet", "V1_BETS_BET_PLACED", "v1.bets.bet.placed"),
    (BetConfirmed, "bet", "V1_BETS_BET_CONFIRMED", "v1.bets.bet.confirmed"),
    (BetSettled, "bet", "V1_BETS_BET_SETTLED", "v1.bets.bet.settled"),
    (BetCancelled, "bet", "V1_BETS_BET_CANCELLED", "v1.bets.bet.cancelled"),
    (
        DepositCreated,
        "payment",
        "V1_PAYMENTS_DEPOSIT_CREATED",
        "v1.payments.deposit.created",
    ),
    (
        DepositCompleted,
        "payment",
        "V1_PAYMENTS_DEPOSIT_COMPLETED",
        "v1.payments.deposit.completed",
    ),
    (DepositFailed, "payment", "V1_PAYMENTS_DEPOSIT_FAILED", "v1.payments.deposit.failed"),
    (
        WithdrawalCreated,
        "payment",
        "V1_PAYMENTS_WITHDRAWAL_CREATED",
        "v1.payments.withdrawal.created",
    ),
    (
        WithdrawalCompleted,
        "payment",
        "V1_PAYMENTS_WITHDRAWAL_COMPLETED",
        "v1.payments.withdrawal.completed",
    ),
    (
        WithdrawalFailed,
        "payment",
        "V1_PAYMENTS_WITHDRAWAL_FAILED",
        "v1.payments.withdrawal.failed",
    ),
    (
        BalanceIncreased,
        "balance",
        "V1_BALANCES_BALANCE_INCREASED",
        "v1.balances.balance.increased",
    ),
    (
        BalanceDecreased,
        "balance",
        "V1_BALANCES_BALANCE_DECREASED",
        "v1.balances.balance.decreased",
    ),
]
STORED: Final[list[tuple[DomainEvent, str]]] = [
    (
        examples.PLACED,
        (
            '{"event_type":"V1_BETS_BET_PLACED","user_id":"user-1","stake":10.0000,"odds":2.5000,'
            '"fixture_id":"fixture-7"}'
        ),
    ),
    (examples.CONFIRMED, '{"event_type":"V1_BETS_BET_CONFIRMED"}'),
    (examples.WON, '{"event_type":"V1_BETS_BET_SETTLED","result":"win","payout":25.0000}'),
    (examples.CANCELLED, '{"event_type":"V1_BETS_BET_CANCELLED","reason":"abandoned"}'),
    (BetCancelled(), '{"event_type":"V1_BETS_BET_CANCELLED"}'),
    (
        examples.DEPOSIT_CREATED,
        (
            '{"event_type":"V1_PAYMENTS_DEPOSIT_CREATED","user_id":"user-1","amount":40.0000,'
            '"payment_id":"payment-1"}'
        ),
    ),
    (
        examples.WITHDRAWAL_FAILED,
        (
            '{"event_type":"V1_PAYMENTS_WITHDRAWAL_FAILED","user_id":"user-1","amount":15.0000,'
            '"payment_id":"payment-2","reason":"no such account"}'
        ),
    ),
    (
        examples.DECREASED,
        (
            '{"event_type":"V1_BALANCES_BALANCE_DECREASED","user_id":"user-1","amount":10.0000,'
            '"bet_id":"bet-1"}'
        ),
    ),
]


def test_every_event_of_the_unions_belongs_to_one_stream() -> None:
    unions: dict[Stream, object] = {
        "bet": BetEvent,
        "payment": PaymentEvent,
        "balance": BalanceEvent,
    }
    assert {stream: get_args(union) for stream, union in unions.items()} == STREAM_EVENTS


def test_every_event_is_published() -> None:
    assert [event_class for event_class, *_ in PUBLISHED] == list(STREAM_OF)


@pytest.mark.parametrize(
    ("event_class", "stream", "event_type", "event_name"),
    PUBLISHED,
    ids=[event_name for *_, event_name in PUBLISHED],
)
def test_an_event_keeps_its_stream_type_and_name(
    event_class: type[DomainEvent], stream: Stream, event_type: str, event_name: str
) -> None:
    assert STREAM_OF[event_class] == stream
    assert EVENT_TYPE[event_class] == event_type
    assert EVENT_NAME[event_type] == event_name


@pytest.mark.parametrize(("event", "stored"), STORED, ids=[stored[16:46] for _, stored in STORED])
def test_an_event_is_stored_with_its_fields_in_order_and_four_decimals(
    event: DomainEvent, stored: str
) -> None:
    assert msgspec.json.Encoder(decimal_format="number").encode(event).decode() == stored
    assert msgspec.json.decode(stored, type=DomainEvent) == event


def test_a_field_that_a_later_version_adds_does_not_hinder_reading() -> None:
    stored = '{"event_type":"V1_BETS_BET_SETTLED","result":"loss","payout":0.0000,"added":[1]}'
    assert msgspec.json.decode(stored, type=DomainEvent) == examples.LOST


def test_an_amount_that_float_cannot_hold_survives_storage() -> None:
    event = BalanceIncreased(user_id="u", amount=Decimal("9007199254740993.0001"), bet_id="b")
    stored = msgspec.json.Encoder(decimal_format="number").encode(event)
    assert msgspec.json.decode(stored, type=DomainEvent) == event
