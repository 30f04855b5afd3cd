"""The no-op service: takes the same requests with Litestar's own means, and does nothing."""

from typing import Final

from litestar import Litestar, Response, get, post
from litestar.params import FromPath, JSONBody

from app import server
from app.response_headers import OF_DATA
from app.settings import Settings
from benchmarks import collector, made_up
from domain.bet import Bet, PlaceBet

_HEADERS: Final = OF_DATA | {"ETag": '"1"'}  # as many as the ledger's answers have


@post("/bets")
async def place(data: JSONBody[PlaceBet]) -> Response[Bet]:
    """Answer with what was sent, and as much more as the ledger does."""
    bet = made_up.bet(by=data)
    return Response(bet, headers={**_HEADERS, "Location": f"/bets/{bet.bet_id}"})


@get("/bets/{bet_id:str}")
async def read(bet_id: FromPath[str]) -> Response[Bet]:
    """Answer with a bet that nobody placed."""
    return Response(made_up.bet(bet_id), headers=_HEADERS)


@get("/readyz", sync_to_thread=False)
def ready() -> None:
    """There is nothing to wait for."""


def create() -> Litestar:
    """The application, as anybody would write it."""
    app = Litestar(route_handlers=[place, read, ready], openapi_config=None, logging_config=None)
    collector.spare()
    return app


if __name__ == "__main__":
    server.serve(Settings.from_environment(), "benchmarks.no_op:create")
