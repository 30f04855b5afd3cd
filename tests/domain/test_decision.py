"""Decisions: what one command changes over all the aggregates that it touches."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import pytest

from domain.balance import BalanceDecreased, BalanceIncreased
from domain.bet import (
    BetCancelled,
    BetEvent,
    BetSettled,
    CancelBet,
    ConfirmBet,
    PlaceBet,
    SettleBet,
)
from domain.decision import Fact, decide, movement_of_bet
from domain.errors import (
    BetNotFound,
    IllegalTransition,
    InsufficientFunds,
    LimitExceeded,
    PaymentNotFound,
    Refusal,
)
from domain.payment import CompletePayment, FailPayment, MakePayment
from domain.tenant import Wallet
from tests.domain.examples import (
    BALANCE,
    BET,
    CONFIRMED,
    DEPOSIT,
    DEPOSIT_COMPLETED,
    DEPOSIT_CREATED,
    DEPOSIT_FAILED,
    LOST,
    PAID_IN,
    PAID_OUT,
    PAYOUT,
    PLACED,
    STAKE,
    USER,
    WITHDRAWAL,
    WITHDRAWAL_COMPLETED,
    WITHDRAWAL_CREATED,
    WITHDRAWAL_FAILED,
    WON,
)
from tests.domain.histories import History, Step

LIMIT: Final = Decimal("9999999999999999.9999")

PLACE: Final = (
    PlaceBet(user_id=USER, stake=STAKE, odds=Decimal("2.5"), fixture_id="fixture-7"),
    BET,
)
CONFIRM: Final = (ConfirmBet(), BET)
WIN: Final = (SettleBet(result="win"), BET)
LOSE: Final = (SettleBet(result="loss"), BET)
CANCEL: Final = (CancelBet(), BET)
PAY_IN: Final = (MakePayment(user_id=USER, amount=PAID_IN), DEPOSIT)
PAY_IN_LATER: Final = (MakePayment(user_id=USER, amount=PAID_IN, mode="deferred"), DEPOSIT)
PAY_OUT: Final = (MakePayment(user_id=USER, amount=PAID_OUT, type="withdrawal"), WITHDRAWAL)
PAY_OUT_NOW: Final = (
    MakePayment(user_id=USER, amount=PAID_OUT, type="withdrawal", mode="instant"),
    WITHDRAWAL,
)

STAKE_TAKEN: Final = Fact(BALANCE, BalanceDecreased(user_id=USER, amount=STAKE, bet_id=BET), BET)
STAKE_RETURNED: Final = Fact(BALANCE, BalanceIncreased(user_id=USER, amount=STAKE, bet_id=BET), BET)
WIN_PAID: Final = Fact(BALANCE, BalanceIncreased(user_id=USER, amount=PAYOUT, bet_id=BET), BET)
DEPOSIT_CREDITED: Final = Fact(
    BALANCE, BalanceIncreased(user_id=USER, amount=PAID_IN, payment_id=DEPOSIT), DEPOSIT
)
WITHDRAWAL_TAKEN: Final = Fact(
    BALANCE, BalanceDecreased(user_id=USER, amount=PAID_OUT, payment_id=WITHDRAWAL), WITHDRAWAL
)
WITHDRAWAL_RETURNED: Final = Fact(
    BALANCE, BalanceIncreased(user_id=USER, amount=PAID_OUT, payment_id=WITHDRAWAL), WITHDRAWAL
)


def decided(wallet: Wallet, given: Sequence[Step], when: Step) -> list[Fact]:
    return decide(*when, History(wallet, given), wallet)


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        pytest.param([], PLACE, PLACED, id="place"),
        pytest.param([PLACE], CONFIRM, CONFIRMED, id="confirm"),
        pytest.param([PLACE], WIN, WON, id="win"),
        pytest.param([PLACE], LOSE, LOST, id="lose"),
        pytest.param([PLACE], CANCEL, BetCancelled(), id="cancel"),
        pytest.param([PLACE, CONFIRM], CANCEL, BetCancelled(), id="cancel-when-confirmed"),
    ],
)
def test_with_an_external_wallet_a_bet_moves_no_balance(
    given: Sequence[Step], when: Step, then: BetEvent
) -> None:
    assert decided("external", given, when) == [Fact(BET, then)]


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        pytest.param([], PLACE, [Fact(BET, PLACED), STAKE_TAKEN], id="placing-takes-the-stake"),
        pytest.param([PLACE], CONFIRM, [Fact(BET, CONFIRMED)], id="confirming-moves-nothing"),
        pytest.param([PLACE], WIN, [Fact(BET, WON), WIN_PAID], id="a-win-pays-out"),
        pytest.param(
            [PLACE, CONFIRM], WIN, [Fact(BET, WON), WIN_PAID], id="a-win-pays-out-when-confirmed"
        ),
        pytest.param([PLACE], LOSE, [Fact(BET, LOST)], id="a-loss-pays-nothing"),
        pytest.param(
            [PLACE],
            CANCEL,
            [Fact(BET, BetCancelled()), STAKE_RETURNED],
            id="a-cancel-refunds-the-stake",
        ),
        pytest.param(
            [PLACE, CONFIRM],
            CANCEL,
            [Fact(BET, BetCancelled()), STAKE_RETURNED],
            id="a-cancel-refunds-the-stake-when-confirmed",
        ),
        pytest.param(
            [PLACE],
            (SettleBet(result="win", payout=Decimal("3.5")), BET),
            [
                Fact(BET, BetSettled(result="win", payout=Decimal("3.5000"))),
                Fact(
                    BALANCE,
                    BalanceIncreased(user_id=USER, amount=Decimal("3.5000"), bet_id=BET),
                    BET,
                ),
            ],
            id="a-win-pays-the-payout-given",
        ),
    ],
)
def test_with_an_internal_wallet_the_balance_follows_the_bet(
    given: Sequence[Step], when: Step, then: list[Fact]
) -> None:
    assert decided("internal", [PAY_IN, *given], when) == then


def test_a_stake_may_take_the_whole_balance() -> None:
    deposit = (MakePayment(user_id=USER, amount=STAKE), DEPOSIT)
    assert decided("internal", [deposit], PLACE) == [Fact(BET, PLACED), STAKE_TAKEN]


def test_a_win_that_pays_nothing_moves_nothing() -> None:
    history = History("internal", [PAY_IN, PLACE])
    nothing = BetSettled(result="win", payout=Decimal("0.0000"))
    assert movement_of_bet(nothing, history.bet(BET), BET, "internal") is None


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        pytest.param(
            [],
            PAY_IN,
            [Fact(DEPOSIT, DEPOSIT_CREATED), Fact(DEPOSIT, DEPOSIT_COMPLETED), DEPOSIT_CREDITED],
            id="an-instant-deposit-is-credited",
        ),
        pytest.param(
            [], PAY_IN_LATER, [Fact(DEPOSIT, DEPOSIT_CREATED)], id="a-deferred-deposit-is-not"
        ),
        pytest.param(
            [PAY_IN_LATER],
            (CompletePayment(), DEPOSIT),
            [Fact(DEPOSIT, DEPOSIT_COMPLETED), DEPOSIT_CREDITED],
            id="a-completed-deposit-is-credited",
        ),
        pytest.param(
            [PAY_IN_LATER],
            (FailPayment(reason="card declined"), DEPOSIT),
            [Fact(DEPOSIT, DEPOSIT_FAILED)],
            id="a-failed-deposit-is-not",
        ),
        pytest.param(
            [PAY_IN],
            PAY_OUT,
            [Fact(WITHDRAWAL, WITHDRAWAL_CREATED), WITHDRAWAL_TAKEN],
            id="a-withdrawal-takes-the-money-when-created",
        ),
        pytest.param(
            [PAY_IN],
            PAY_OUT_NOW,
            [
                Fact(WITHDRAWAL, WITHDRAWAL_CREATED),
                Fact(WITHDRAWAL, WITHDRAWAL_COMPLETED),
                WITHDRAWAL_TAKEN,
            ],
            id="an-instant-withdrawal-takes-the-money-once",
        ),
        pytest.param(
            [PAY_IN, PAY_OUT],
            (CompletePayment(), WITHDRAWAL),
            [Fact(WITHDRAWAL, WITHDRAWAL_COMPLETED)],
            id="completing-a-withdrawal-takes-nothing-more",
        ),
        pytest.param(
            [PAY_IN, PAY_OUT],
            (FailPayment(reason="no such account"), WITHDRAWAL),
            [Fact(WITHDRAWAL, WITHDRAWAL_FAILED), WITHDRAWAL_RETURNED],
            id="a-failed-withdrawal-gives-the-money-back",
        ),
    ],
)
@pytest.mark.parametrize("wallet", ["external", "internal"])
def test_the_balance_follows_payments_in_every_wallet(
    wallet: Wallet, given: Sequence[Step], when: Step, then: list[Fact]
) -> None:
    assert decided(wallet, given, when) == then


NO_FUNDS: Final = {"available": Decimal("0.0000"), "required": STAKE}
OVERDRAWN: Final = {"available": Decimal("5.0000"), "required": PAID_OUT}
FULL: Final = {"limit": LIMIT}
A_LITTLE: Final = (MakePayment(user_id=USER, amount=Decimal("5.0")), DEPOSIT)
OTHERS_MONEY: Final = (MakePayment(user_id="user-2", amount=PAID_IN), DEPOSIT)
ALL_THERE_IS: Final = (MakePayment(user_id=USER, amount=LIMIT), "payment-3")


@pytest.mark.parametrize(
    ("given", "when", "refusal", "members"),
    [
        pytest.param([], PLACE, InsufficientFunds, NO_FUNDS, id="stake-of-an-unknown-user"),
        pytest.param([PAY_IN_LATER], PLACE, InsufficientFunds, NO_FUNDS, id="stake-not-paid-in"),
        pytest.param([OTHERS_MONEY], PLACE, InsufficientFunds, NO_FUNDS, id="stake-of-another"),
        pytest.param([A_LITTLE], PAY_OUT, InsufficientFunds, OVERDRAWN, id="withdrawal"),
        pytest.param(
            [A_LITTLE], PAY_OUT_NOW, InsufficientFunds, OVERDRAWN, id="instant-withdrawal"
        ),
        pytest.param([PAY_IN], ALL_THERE_IS, LimitExceeded, FULL, id="deposit-over-the-limit"),
        pytest.param(
            [PAY_IN, PLACE, (MakePayment(user_id=USER, amount=LIMIT - PAID_IN), "payment-3")],
            WIN,
            LimitExceeded,
            FULL,
            id="win-over-the-limit",
        ),
        pytest.param([], CONFIRM, BetNotFound, {"bet_id": BET}, id="unknown-bet"),
        pytest.param(
            [PAY_IN, PLACE, CANCEL],
            WIN,
            IllegalTransition,
            {"current_status": "cancelled"},
            id="win-of-a-cancelled-bet",
        ),
        pytest.param(
            [],
            (CompletePayment(), DEPOSIT),
            PaymentNotFound,
            {"payment_id": DEPOSIT},
            id="unknown-payment",
        ),
    ],
)
def test_a_refusal_of_any_aggregate_refuses_the_command(
    given: Sequence[Step],
    when: Step,
    refusal: type[Refusal],
    members: dict[str, str | Decimal],
) -> None:
    with pytest.raises(refusal) as refused:
        decided("internal", given, when)
    assert refused.value.members == members
