"""The shell: the ledger's own way in and out, with nothing in between."""

from litestar import Litestar, Response
from litestar.params import JSONBody

from app import answers, headers, server
from app.handlers import get, post
from app.paths import PathId
from app.service import LedgerRequest
from app.settings import Settings
from app.submission import CREATED, Applied
from benchmarks import collector, made_up
from domain.bet import Bet, PlaceBet


@post("/bets", scope=None)
async def place(request: LedgerRequest, data: JSONBody[PlaceBet]) -> Response[Bet]:
    """Answer what was sent, in the shape of the ledger's answer."""
    headers.tenant_id(request.scope["headers"])
    bet = made_up.bet(by=data, key=headers.idempotency_key(request.scope["headers"]))
    return answers.of_bet(Applied(bet, CREATED, duplicate=False))


@get("/bets/{bet_id:str}", scope=None)
async def read(request: LedgerRequest, bet_id: PathId) -> Response[Bet]:
    """Answer with a bet that nobody placed."""
    headers.tenant_id(request.scope["headers"])
    return answers.tagged(made_up.bet(bet_id), request.scope["headers"])


@get("/readyz", scope=None, sync_to_thread=False)
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
