"""A bet: placed, then confirmed, settled or cancelled."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from domain import money
from domain.errors import BetNotFound, IllegalTransition, InvalidField, LimitExceeded
from domain.fields import Identifier, Reason, settle_amount
from domain.recorded import Recorded

BetStatus: TypeAlias = Literal["placed", "confirmed", "settled", "cancelled"]
BetResult: TypeAlias = Literal["win", "loss"]

EVENS: Final = Decimal(1)


class BetPlaced(
    Struct, frozen=True, kw_only=True, tag="V1_BETS_BET_PLACED", tag_field="event_type"
):
    user_id: str
    stake: Decimal
    odds: Decimal
    fixture_id: str


class BetConfirmed(
    Struct, frozen=True, kw_only=True, tag="V1_BETS_BET_CONFIRMED", tag_field="event_type"
):
    pass


class BetSettled(
    Struct, frozen=True, kw_only=True, tag="V1_BETS_BET_SETTLED", tag_field="event_type"
):
    result: BetResult
    payout: Decimal


class BetCancelled(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="V1_BETS_BET_CANCELLED",
    tag_field="event_type",
):
    reason: str | None = None


BetEvent: TypeAlias = BetPlaced | BetConfirmed | BetSettled | BetCancelled


class PlaceBet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stake an amount at decimal odds (greater than 1) on a fixture."""

    user_id: Identifier
    stake: Decimal
    odds: Decimal
    fixture_id: Identifier

    def __post_init__(self) -> None:
        settle_amount(self, "stake", self.stake)
        settle_amount(self, "odds", self.odds, above=EVENS)


class ConfirmBet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accept a placed bet."""


class SettleBet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decide a bet; a win without `payout` pays stake times odds, a loss pays nothing."""

    result: BetResult
    payout: Decimal | None = None

    def __post_init__(self) -> None:
        if self.payout is None:
            return
        if self.result == "win":
            settle_amount(self, "payout", self.payout)
        elif self.payout.is_zero():  # comparing a signalling NaN would raise
            force_setattr(self, "payout", None)  # said or not, it is the same request
        else:
            raise InvalidField("payout", "must be left out of a loss, which pays nothing")


class CancelBet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Call a bet off before it is settled."""

    reason: Reason | None = None


BetCommand: TypeAlias = PlaceBet | ConfirmBet | SettleBet | CancelBet


class Bet(Struct, frozen=True, kw_only=True):
    """The present state of a bet, which is its row in `bets_view`."""

    bet_id: str
    user_id: str
    stake: Decimal
    odds: Decimal
    fixture_id: str
    status: BetStatus
    result: BetResult | None
    payout: Decimal | None
    idempotency_key: str
    version: int
    last_updated_at: datetime
    last_position: int


def decide(command: BetCommand, bet: Bet | None, bet_id: str) -> Sequence[BetEvent]:
    """The events that `command` brings about for the bet `bet_id`.

    Raises `BetNotFound`, `IllegalTransition`, `LimitExceeded`.
    """
    match command:
        case PlaceBet():
            if bet is not None:
                raise IllegalTransition("bet", bet.status, "placed")
            return [
                BetPlaced(
                    user_id=command.user_id,
                    stake=command.stake,
                    odds=command.odds,
                    fixture_id=command.fixture_id,
                )
            ]
        case ConfirmBet():
            _in_status(bet, bet_id, "confirmed", "placed")
            return [BetConfirmed()]
        case SettleBet(result=result):
            open_bet = _in_status(bet, bet_id, "settled", "placed", "confirmed")
            return [BetSettled(result=result, payout=_payout(command, open_bet))]
        case CancelBet(reason=reason):
            _in_status(bet, bet_id, "cancelled", "placed", "confirmed")
            return [BetCancelled(reason=reason)]
        case _:
            assert_never(command)


def evolve(bet: Bet | None, recorded: Recorded[BetEvent]) -> Bet:
    """The bet after `recorded`; `bet` is None before its first event."""
    event = recorded.event
    if isinstance(event, BetPlaced):
        return Bet(
            bet_id=recorded.aggregate_id,
            user_id=event.user_id,
            stake=event.stake,
            odds=event.odds,
            fixture_id=event.fixture_id,
            status="placed",
            result=None,
            payout=None,
            idempotency_key=recorded.idempotency_key,
            version=recorded.version,
            last_updated_at=recorded.occurred_at,
            last_position=recorded.position,
        )
    if bet is None:
        raise BetNotFound(recorded.aggregate_id)
    match event:
        case BetConfirmed():
            return _moved(bet, recorded, "confirmed")
        case BetSettled(result=result, payout=payout):
            return replace(_moved(bet, recorded, "settled"), result=result, payout=payout)
        case BetCancelled():
            return _moved(bet, recorded, "cancelled")
        case _:
            assert_never(event)


def _in_status(bet: Bet | None, bet_id: str, action: str, *allowed: BetStatus) -> Bet:
    if bet is None:
        raise BetNotFound(bet_id)
    if bet.status not in allowed:
        raise IllegalTransition("bet", bet.status, action)
    return bet


def _payout(command: SettleBet, bet: Bet) -> Decimal:
    if command.result == "loss":
        return money.ZERO
    if command.payout is not None:
        return command.payout
    payout = money.times(bet.stake, bet.odds)
    if payout > money.LIMIT:
        raise LimitExceeded("payout", money.LIMIT)
    return payout


def _moved(bet: Bet, recorded: Recorded[BetEvent], status: BetStatus) -> Bet:
    return replace(
        bet,
        status=status,
        version=recorded.version,
        last_updated_at=recorded.occurred_at,
        last_position=recorded.position,
    )
