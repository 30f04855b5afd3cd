"""Balances: what they take, what they refuse, what their events add up to."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import pytest

from domain.balance import (
    Balance,
    BalanceCommand,
    BalanceDecreased,
    BalanceEvent,
    BalanceIncreased,
    DecreaseBalance,
    IncreaseBalance,
    decide,
    evolve,
)
from domain.errors import InsufficientFunds, LimitExceeded
from domain.recorded import instant
from tests.domain.examples import BALANCE, BET, DEPOSIT, NOON, POSITION, USER, recorded

LIMIT: Final = Decimal("9999999999999999.9999")
UNIT: Final = Decimal("0.0001")


def increased(amount: str) -> BalanceIncreased:
    return BalanceIncreased(user_id=USER, amount=Decimal(amount), payment_id=DEPOSIT)


def decreased(amount: str) -> BalanceDecreased:
    return BalanceDecreased(user_id=USER, amount=Decimal(amount), bet_id=BET)


def balance_after(*events: BalanceEvent) -> Balance | None:
    balance: Balance | None = None
    for version, event in enumerate(events, 1):
        balance = evolve(balance, recorded(event, BALANCE, version))
    return balance


@pytest.mark.parametrize(
    ("when", "then"),
    [
        pytest.param(
            IncreaseBalance(user_id=USER, amount=Decimal("5.0000"), payment_id=DEPOSIT),
            BalanceIncreased(user_id=USER, amount=Decimal("5.0000"), payment_id=DEPOSIT),
            id="increase-by-a-payment",
        ),
        pytest.param(
            IncreaseBalance(user_id=USER, amount=Decimal("5.0000"), bet_id=BET),
            BalanceIncreased(user_id=USER, amount=Decimal("5.0000"), bet_id=BET),
            id="increase-by-a-bet",
        ),
        pytest.param(
            DecreaseBalance(user_id=USER, amount=Decimal("5.0000"), payment_id=DEPOSIT),
            BalanceDecreased(user_id=USER, amount=Decimal("5.0000"), payment_id=DEPOSIT),
            id="decrease-by-a-payment",
        ),
        pytest.param(
            DecreaseBalance(user_id=USER, amount=Decimal("5.0000"), bet_id=BET),
            BalanceDecreased(user_id=USER, amount=Decimal("5.0000"), bet_id=BET),
            id="decrease-by-a-bet",
        ),
    ],
)
def test_a_movement_keeps_its_amount_and_its_cause(
    when: BalanceCommand, then: BalanceEvent
) -> None:
    assert decide(when, balance_after(increased("20.0000"))) == [then]


def test_the_first_increase_needs_no_balance_before_it() -> None:
    command = IncreaseBalance(user_id=USER, amount=LIMIT, payment_id=DEPOSIT)
    assert decide(command, None) == [increased("9999999999999999.9999")]


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        pytest.param(["20.0000"], "20.0000", id="all-of-it"),
        pytest.param(["20.0000"], "19.9999", id="all-but-a-unit"),
        pytest.param(["0.1000", "0.2000"], "0.3000", id="a-sum-that-float-would-miss"),
    ],
)
def test_a_balance_can_be_spent_to_zero(given: Sequence[str], amount: str) -> None:
    command = DecreaseBalance(user_id=USER, amount=Decimal(amount), bet_id=BET)
    assert decide(command, balance_after(*map(increased, given))) == [decreased(amount)]


@pytest.mark.parametrize(
    ("given", "amount", "available"),
    [
        pytest.param([], "0.0001", "0.0000", id="nobody-yet"),
        pytest.param([increased("20.0000")], "20.0001", "20.0000", id="a-unit-too-much"),
        pytest.param(
            [increased("20.0000"), decreased("20.0000")], "0.0001", "0.0000", id="all-is-spent"
        ),
    ],
)
def test_more_than_the_balance_is_refused_with_what_is_missing(
    given: Sequence[BalanceEvent], amount: str, available: str
) -> None:
    command = DecreaseBalance(user_id=USER, amount=Decimal(amount), bet_id=BET)
    with pytest.raises(InsufficientFunds) as refused:
        decide(command, balance_after(*given))
    assert refused.value.members == {"available": Decimal(available), "required": Decimal(amount)}
    assert refused.value.detail == f"The balance of {available} does not cover {amount}."


def test_a_balance_can_be_filled_to_the_limit() -> None:
    command = IncreaseBalance(user_id=USER, amount=LIMIT - UNIT, payment_id=DEPOSIT)
    assert decide(command, balance_after(increased("0.0001"))) == [
        increased("9999999999999999.9998")
    ]


def test_a_balance_beyond_the_limit_is_refused() -> None:
    command = IncreaseBalance(user_id=USER, amount=LIMIT, payment_id=DEPOSIT)
    with pytest.raises(LimitExceeded) as refused:
        decide(command, balance_after(increased("0.0001")))
    assert refused.value.members == {"limit": LIMIT}
    assert refused.value.detail == "The balance would exceed 9999999999999999.9999."


@pytest.mark.parametrize(
    ("given", "balance"),
    [
        pytest.param([increased("20.0000")], "20.0000", id="increased"),
        pytest.param([increased("20.0000"), decreased("7.5000")], "12.5000", id="decreased"),
        pytest.param(
            [increased("20.0000"), decreased("20.0000"), increased("0.0001")],
            "0.0001",
            id="emptied-then-increased",
        ),
    ],
)
def test_a_balance_is_the_fold_of_its_events(given: Sequence[BalanceEvent], balance: str) -> None:
    version = len(given)
    assert balance_after(*given) == Balance(
        user_id=USER,
        balance=Decimal(balance),
        transaction_count=version,
        last_transaction_at=instant(NOON + version),
        version=version,
        last_position=POSITION + version,
    )
