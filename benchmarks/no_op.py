"""The no-op service: takes the same requests with Litestar's own means, and does nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from litestar import Litestar, Response, get, post
from litestar.params import FromPath, JSONBody

from app import server
from app.settings import Settings
from benchmarks import collector
from domain.bet import Bet, PlaceBet

_BET_ID: Final = "bet-01999999-9999-7999-8999-999999999999"
_KEY: Final = "seed-01999999-9999-7999-8999-999999999999"
_NOW: Final = datetime.now(UTC)
_ETAG: Final = {"ETag": '"1"'}


@post("/bets")
async def place(data: JSONBody[PlaceBet]) -> Response[Bet]:
    """Answer with what was sent, and as much more as the ledger does."""
    bet = _bet(_BET_ID, data.user_id, data.stake, data.odds, data.fixture_id)
    return Response(bet, headers={**_ETAG, "Location": f"/bets/{bet.bet_id}"})


@get("/bets/{bet_id:str}")
async def read(bet_id: FromPath[str]) -> Response[Bet]:
    """Answer with a bet that nobody placed, as large as those that are there."""
    bet = _bet(bet_id, "user-99", Decimal("50.5000"), Decimal("5.5000"), "fixture-250")
    return Response(bet, headers=_ETAG)


@get("/readyz", sync_to_thread=False)
def ready() -> None:
    """There is nothing to wait for."""


def _bet(bet_id: str, user_id: str, stake: Decimal, odds: Decimal, fixture_id: str) -> Bet:
    return Bet(
        bet_id=bet_id,
        user_id=user_id,
        stake=stake,
        odds=odds,
        fixture_id=fixture_id,
        status="placed",
        result=None,
        payout=None,
        idempotency_key=_KEY,
        version=1,
        last_updated_at=_NOW,
        last_position=1,
    )


def create() -> Litestar:
    """The application, as anybody would write it."""
    app = Litestar(route_handlers=[place, read, ready], openapi_config=None, logging_config=None)
    collector.spare()
    return app


if __name__ == "__main__":
    server.serve(Settings.from_environment(), "benchmarks.no_op:create")
