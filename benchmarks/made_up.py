"""The bet that services without a database answer with."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from domain.bet import Bet, PlaceBet

BET_ID: Final = "bet-01999999-9999-7999-8999-999999999999"
KEY: Final = "seed-01999999-9999-7999-8999-999999999999"
_NOW: Final = datetime.now(UTC)
_PLACED: Final = PlaceBet(
    user_id="user-99", stake=Decimal("50.5"), odds=Decimal("5.5"), fixture_id="fixture-250"
)


def bet(bet_id: str = BET_ID, by: PlaceBet = _PLACED, key: str = KEY) -> Bet:
    """A bet that nobody placed, as large as those that are there."""
    return Bet(
        bet_id=bet_id,
        user_id=by.user_id,
        stake=by.stake,
        odds=by.odds,
        fixture_id=by.fixture_id,
        status="placed",
        result=None,
        payout=None,
        idempotency_key=key,
        version=1,
        last_updated_at=_NOW,
        last_position=1,
    )
