"""Histories: what holds after any sequence of commands."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.balance import PREFIX, BalanceEvent, signed
from domain.bet import BetCommand, CancelBet, ConfirmBet, PlaceBet, SettleBet
from domain.errors import Refusal
from domain.payment import MakePayment
from domain.recorded import instant
from tests.domain.examples import BET, NOON, USER
from tests.domain.histories import History, amounts, bet_commands, histories

deposits: Final = st.builds(MakePayment, user_id=st.just(USER), amount=amounts(1_000_000))
commands_on_one_bet: Final = st.lists(
    st.one_of(deposits, bet_commands(st.just(USER))), min_size=5, max_size=15
)


def units(amount: Decimal) -> int:
    """The amount in ten-thousandths."""
    return int(amount * 10_000)


def winnings(stake: int, odds: int) -> int:
    """Stake times odds in whole ten-thousandths; a half goes to the even neighbour."""
    whole, rest = divmod(stake * odds, 10_000)
    return whole + (rest > 5_000 or (rest == 5_000 and whole % 2 == 1))


def expected(commands: Sequence[BetCommand | MakePayment]) -> list[tuple[str | None, int]]:
    """The bet's status and the user's balance after each command, by integer arithmetic."""
    status: str | None = None
    placing: PlaceBet | None = None
    deposited = staked = paid = refunded = 0
    after: list[tuple[str | None, int]] = []
    for command in commands:
        match command:
            case MakePayment(amount=amount):
                deposited += units(amount)
            case PlaceBet(stake=stake) if status is None and units(stake) <= deposited:
                status, placing, staked = "placed", command, units(stake)
            case ConfirmBet() if status == "placed":
                status = "confirmed"
            case SettleBet(result=result, payout=payout) if status in {"placed", "confirmed"}:
                assert placing is not None
                status = "settled"
                if result == "win":
                    paid = units(payout) if payout else winnings(staked, units(placing.odds))
            case CancelBet() if status in {"placed", "confirmed"}:
                status, refunded = "cancelled", staked
            case _:
                pass  # refused
        after.append((status, deposited - staked + paid + refunded))
    return after


@settings(deadline=None, max_examples=200)  # how long an example takes is not the subject
@given(commands_on_one_bet)
def test_a_balance_is_deposits_less_stakes_plus_payouts_and_refunds(
    commands: list[BetCommand | MakePayment],
) -> None:
    history = History("internal")
    after: list[tuple[str | None, int]] = []
    for number, command in enumerate(commands):
        with suppress(Refusal):
            history.take(command, f"payment-{number}" if isinstance(command, MakePayment) else BET)
        bet, balance = history.bet(BET), history.balance(USER)
        after.append((bet.status if bet else None, units(balance.balance) if balance else 0))
    assert after == expected(commands)


@settings(deadline=None, max_examples=60)
@given(histories)
def test_no_balance_is_ever_negative(history: History) -> None:
    balances: defaultdict[str, Decimal] = defaultdict(Decimal)
    for recorded in history.log:
        if isinstance(recorded.event, BalanceEvent):
            balances[recorded.aggregate_id] += signed(recorded.event)
            assert balances[recorded.aggregate_id] >= 0
    assert balances == {PREFIX + user: held.balance for user, held in history.balances.items()}


@settings(deadline=None, max_examples=60)
@given(histories)
def test_versions_of_each_aggregate_are_dense(history: History) -> None:
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for recorded in history.log:
        versions[recorded.aggregate_id].append(recorded.version)
    assert all(listed == list(range(1, len(listed) + 1)) for listed in versions.values())
    assert {name: listed[-1] for name, listed in versions.items()} == {
        **{bet_id: bet.version for bet_id, bet in history.bets.items()},
        **{payment_id: payment.version for payment_id, payment in history.payments.items()},
        **{PREFIX + user_id: held.version for user_id, held in history.balances.items()},
    }


@settings(deadline=None, max_examples=60)
@given(histories)
def test_a_state_carries_the_position_and_the_time_of_its_last_event(history: History) -> None:
    last = {recorded.aggregate_id: recorded.position for recorded in history.log}
    for bet_id, bet in history.bets.items():
        assert bet.last_position == last[bet_id]
        assert bet.last_updated_at == instant(NOON + bet.last_position)
    for payment_id, payment in history.payments.items():
        assert payment.last_position == last[payment_id]
        assert payment.last_updated_at == instant(NOON + payment.last_position)
    for user_id, balance in history.balances.items():
        assert balance.last_position == last[PREFIX + user_id]
        assert balance.last_transaction_at == instant(NOON + balance.last_position)
        assert balance.transaction_count == balance.version
