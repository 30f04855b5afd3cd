"""The shell: the ledger's own way in and out, with nothing in between."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from litestar import Litestar, Response
from litestar.params import JSONBody

from app import answers, headers, server
from app.handlers import get, post
from app.paths import PathId
from app.service import LedgerRequest
from app.settings import Settings
from app.submission import Applied
from benchmarks import collector
from domain.bet import Bet, PlaceBet

_CREATED: Final = 201
_BET_ID: Final = "bet-01999999-9999-7999-8999-999999999999"
_KEY: Final = "seed-01999999-9999-7999-8999-999999999999"
_NOW: Final = datetime.now(UTC)


@post("/bets")
async def place(request: LedgerRequest, data: JSONBody[PlaceBet]) -> Response[Bet]:
    """Answer what was sent, in the shape of the ledger's answer."""
    bet = Bet(
        bet_id=_BET_ID,
        user_id=data.user_id,
        stake=data.stake,
        odds=data.odds,
        fixture_id=data.fixture_id,
        status="placed",
        result=None,
        payout=None,
        idempotency_key=headers.idempotency_key(request.scope["headers"]),
        version=1,
        last_updated_at=_NOW,
        last_position=request.tenant_id,
    )
    return answers.of_bet(Applied(bet, _CREATED, duplicate=False))


@get("/bets/{bet_id:str}")
async def read(request: LedgerRequest, bet_id: PathId) -> Response[Bet]:
    """Answer with a bet that nobody placed, as large as those that are there."""
    bet = Bet(
        bet_id=bet_id,
        user_id="user-99",
        stake=Decimal("50.5000"),
        odds=Decimal("5.5000"),
        fixture_id="fixture-250",
        status="placed",
        result=None,
        payout=None,
        idempotency_key=_KEY,
        version=1,
        last_updated_at=_NOW,
        last_position=request.tenant_id,
    )
    return answers.tagged(bet, request.scope["headers"])


@get("/readyz", sync_to_thread=False)
def ready() -> None:
    """There is nothing to wait for."""


def create() -> Litestar:
    """The application: the ledger's requests, handlers and answers."""
    app = Litestar(
        route_handlers=[place, read, ready],
        request_class=LedgerRequest,
        request_max_body_size=None,
        openapi_config=None,
        logging_config=None,
    )
    collector.spare()
    return app


if __name__ == "__main__":
    server.serve(Settings.from_environment(), "benchmarks.shell:create")
