"""Bets: what each command brings about in each status."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import pytest

from domain.bet import (
    Bet,
    BetCommand,
    BetEvent,
    BetPlaced,
    BetSettled,
    CancelBet,
    ConfirmBet,
    PlaceBet,
    SettleBet,
    decide,
    evolve,
)
from domain.errors import BetNotFound, IllegalTransition, LimitExceeded
from domain.recorded import instant
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
    recorded,
)

PLACE: Final = PlaceBet(
    user_id=USER, stake=Decimal("10.0"), odds=Decimal("2.5"), fixture_id="fixture-7"
)
CONFIRM: Final = ConfirmBet()
WIN: Final = SettleBet(result="win")
LOSE: Final = SettleBet(result="loss")
CANCEL: Final = CancelBet(reason="abandoned")

HISTORIES: Final[dict[str, Sequence[BetEvent]]] = {
    "unknown": [],
    "placed": [PLACED],
    "confirmed": [PLACED, CONFIRMED],
    "won": [PLACED, CONFIRMED, WON],
    "lost": [PLACED, LOST],
    "cancelled": [PLACED, CANCELLED],
}
COMMANDS: Final[dict[str, BetCommand]] = {
    "placed": PLACE,
    "confirmed": CONFIRM,
    "settled": WIN,
    "cancelled": CANCEL,
}
ALLOWED: Final[dict[tuple[str, str], BetEvent]] = {
    ("unknown", "placed"): PLACED,
    ("placed", "confirmed"): CONFIRMED,
    ("placed", "settled"): WON,
    ("placed", "cancelled"): CANCELLED,
    ("confirmed", "settled"): WON,
    ("confirmed", "cancelled"): CANCELLED,
}
REFUSED: Final = [
    (history, action)
    for history in HISTORIES
    for action in COMMANDS
    if history != "unknown" and (history, action) not in ALLOWED
]


def bet_after(*events: BetEvent) -> Bet | None:
    bet: Bet | None = None
    for version, event in enumerate(events, 1):
        bet = evolve(bet, recorded(event, BET, version))
    return bet


@pytest.mark.parametrize(("given", "action"), ALLOWED, ids="-".join)
def test_an_allowed_command_decides_one_event(given: str, action: str) -> None:
    decided = decide(COMMANDS[action], bet_after(*HISTORIES[given]), BET)
    assert decided == [ALLOWED[given, action]]


@pytest.mark.parametrize(("given", "action"), REFUSED, ids="-".join)
def test_any_other_command_is_refused_with_the_present_status(given: str, action: str) -> None:
    status = {"won": "settled", "lost": "settled"}.get(given, given)
    with pytest.raises(IllegalTransition) as refused:
        decide(COMMANDS[action], bet_after(*HISTORIES[given]), BET)
    assert refused.value.members == {"current_status": status}
    assert refused.value.detail == f"A {status} bet cannot be {action}."


@pytest.mark.parametrize("action", ["confirmed", "settled", "cancelled"])
def test_a_command_on_an_unknown_bet_names_the_bet(action: str) -> None:
    with pytest.raises(BetNotFound) as refused:
        decide(COMMANDS[action], None, BET)
    assert refused.value.members == {"bet_id": BET}
    assert refused.value.detail == "There is no bet 'bet-1'."


@pytest.mark.parametrize(
    ("when", "then"),
    [
        pytest.param(WIN, WON, id="win-pays-stake-times-odds"),
        pytest.param(
            SettleBet(result="win", payout=Decimal("7.5")),
            BetSettled(result="win", payout=Decimal("7.5000")),
            id="win-pays-the-payout-given",
        ),
        pytest.param(LOSE, LOST, id="loss-pays-nothing"),
        pytest.param(
            SettleBet(result="loss", payout=Decimal(0)), LOST, id="loss-may-say-that-it-pays-0"
        ),
    ],
)
@pytest.mark.parametrize("given", ["placed", "confirmed"])
def test_settling_fixes_result_and_payout(given: str, when: SettleBet, then: BetSettled) -> None:
    (settled,) = decide(when, bet_after(*HISTORIES[given]), BET)
    assert settled == then
    assert isinstance(settled, BetSettled)
    assert settled.payout.as_tuple().exponent == -4


@pytest.mark.parametrize(
    ("stake", "odds", "payout"),
    [
        pytest.param("0.0001", "2.5", "0.0002", id="0.00025-half-up-would-pay-0.0003"),
        pytest.param("0.0003", "1.5", "0.0004", id="0.00045-half-up-would-pay-0.0005"),
        pytest.param("12.3450", "1.4990", "18.5052", id="18.505155-above-half-rounds-up"),
        pytest.param("0.0005", "1.5", "0.0008", id="0.00075-half-goes-up-to-even"),
        pytest.param("0.3333", "1.3333", "0.4444", id="0.44438889-above-half-rounds-up"),
        pytest.param("0.1111", "1.1111", "0.1234", id="0.12344321-below-half-rounds-down"),
        pytest.param("10.01", "2.05", "20.5205", id="20.5205-is-exact"),
        pytest.param("0.0001", "1.0001", "0.0001", id="0.00010001-never-less-than-the-stake"),
        pytest.param(
            "1234567890123456.7891",
            "3.5001",
            "4321111072221111.1075",
            id="more-digits-than-float-holds",
        ),
    ],
)
def test_a_win_is_rounded_half_even_to_four_decimals(stake: str, odds: str, payout: str) -> None:
    placed = BetPlaced(
        user_id=USER, stake=Decimal(stake), odds=Decimal(odds), fixture_id="fixture-7"
    )
    assert decide(WIN, bet_after(placed), BET) == [BetSettled(result="win", payout=Decimal(payout))]


@pytest.mark.parametrize(
    ("stake", "odds"),
    [
        pytest.param("5000000000000000.0000", "2.0000", id="one-unit-too-much"),
        pytest.param("9999999999999999.9999", "9999999999999999.9999", id="both-at-the-limit"),
    ],
)
def test_a_win_larger_than_the_ledger_can_hold_is_refused(stake: str, odds: str) -> None:
    placed = BetPlaced(
        user_id=USER, stake=Decimal(stake), odds=Decimal(odds), fixture_id="fixture-7"
    )
    with pytest.raises(LimitExceeded) as refused:
        decide(WIN, bet_after(placed), BET)
    assert refused.value.members == {"limit": Decimal("9999999999999999.9999")}
    assert refused.value.detail == "The payout would exceed 9999999999999999.9999."


def test_a_win_as_large_as_the_ledger_can_hold_is_paid() -> None:
    limit = Decimal("9999999999999999.9999")
    placed = BetPlaced(user_id=USER, stake=limit, odds=Decimal("1.0000"), fixture_id="fixture-7")
    assert decide(WIN, bet_after(placed), BET) == [BetSettled(result="win", payout=limit)]


def test_a_bet_too_large_to_win_by_its_odds_can_be_settled_with_a_payout_or_lost() -> None:
    placed = BetPlaced(
        user_id=USER,
        stake=Decimal("5000000000000000.0000"),
        odds=Decimal("2.0000"),
        fixture_id="fixture-7",
    )
    command = SettleBet(result="win", payout=Decimal("9999999999999999.9999"))
    assert decide(command, bet_after(placed), BET) == [
        BetSettled(result="win", payout=Decimal("9999999999999999.9999"))
    ]
    assert decide(LOSE, bet_after(placed), BET) == [LOST]


@pytest.mark.parametrize(
    ("given", "status", "result", "payout"),
    [
        pytest.param("placed", "placed", None, None, id="placed"),
        pytest.param("confirmed", "confirmed", None, None, id="confirmed"),
        pytest.param("won", "settled", "win", PAYOUT, id="won"),
        pytest.param("lost", "settled", "loss", Decimal("0.0000"), id="lost"),
        pytest.param("cancelled", "cancelled", None, None, id="cancelled"),
    ],
)
def test_a_bet_is_the_fold_of_its_events(
    given: str, status: str, result: str | None, payout: Decimal | None
) -> None:
    version = len(HISTORIES[given])
    bet = bet_after(*HISTORIES[given])
    assert bet is not None
    assert (bet.status, bet.result, bet.payout) == (status, result, payout)
    assert (bet.version, bet.last_position) == (version, POSITION + version)
    assert bet.last_updated_at == instant(NOON + version)
    assert (bet.bet_id, bet.user_id, bet.stake) == (BET, USER, STAKE)
    assert (bet.odds, bet.fixture_id) == (Decimal("2.5000"), "fixture-7")
    assert bet.idempotency_key == "key-1"


@pytest.mark.parametrize(
    "event", [CONFIRMED, WON, CANCELLED], ids=lambda event: type(event).__name__
)
def test_a_history_that_does_not_begin_with_the_placing_cannot_be_folded(event: BetEvent) -> None:
    with pytest.raises(BetNotFound) as refused:
        bet_after(event)
    assert refused.value.members == {"bet_id": BET}
