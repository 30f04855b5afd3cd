"""The service that one would write by hand: the ledger's tables, one transaction a command.

Parsing, checks and answers are the ledger's, so that what lies behind them is compared. It
serves tenants with an external wallet, and gives its callers the same guarantees on keys.
"""

import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from uuid import UUID

import asyncpg
from litestar import Litestar, Response
from litestar.params import FromQuery, JSONBody
from uuid_utils.compat import uuid7

from app import answers, fingerprint, headers, problems, server
from app.answers import Answer, BetPage
from app.cursors import Cursors
from app.database import open_pool
from app.failures import handlers
from app.handlers import get, post
from app.problems import problem
from app.service import LedgerRequest
from app.settings import Settings
from app.submission import CREATED, OK, Applied
from benchmarks import collector, plain_sql
from benchmarks.scenarios import MADE_BY_HAND
from domain.bet import Bet, BetPlaced, PlaceBet
from domain.recorded import instant

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

_BET_FIELDS: Final = Bet.__struct_fields__


@post("/bets", scope=None)
async def place(request: LedgerRequest, data: JSONBody[PlaceBet]) -> Response[Any]:
    """Place a bet; a repeat is answered with the bet that the first request placed."""
    tenant_id = request.tenant_id
    key = headers.idempotency_key(request.scope["headers"])
    pool = _pool(request)
    try:
        async with pool.acquire() as connection, connection.transaction():
            placed = await _place(connection, tenant_id, key, data)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "ux_bets_view_idempotency":
            raise
        placed = None  # the key was pruned since; the bet still bears it
    if placed is not None:
        return answers.of_bet(Applied(placed, CREATED, duplicate=False))
    first = await pool.fetchrow(plain_sql.BET_OF_KEY, tenant_id, key)
    return answers.of_bet(Applied(_repeated(first, data), OK, duplicate=True))


@get("/bets/{bet_id:str}", scope=None)
async def read(request: LedgerRequest, bet_id: str) -> Response[Any]:
    """The present state of a bet."""
    row = await _pool(request).fetchrow(plain_sql.BET, request.tenant_id, bet_id)
    if row is None:
        raise problem(problems.BET_NOT_FOUND, f"There is no bet {bet_id!r}.", bet_id=bet_id)
    return answers.tagged(Bet(**row), request.scope["headers"])


@get("/users/{user_id:str}/bets", scope=None)
async def list_bets(
    request: LedgerRequest,
    user_id: str,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """A page of a user's bets, newest change first."""
    cursors, tenant_id = cast("Cursors", request.app.state["cursors"]), request.tenant_id
    before = cursors.read(cursor, tenant_id, user_id)
    rows = await _pool(request).fetch(plain_sql.BETS_OF_USER, tenant_id, user_id, before, limit + 1)
    bets = [Bet(**{name: row[name] for name in _BET_FIELDS}) for row in rows[:limit]]
    more = len(rows) > limit
    following = cursors.write(bets[-1].last_position, tenant_id, user_id) if more else None
    total = rows[0]["total"] if rows else 0
    return Answer(BetPage(bets=bets, total=total, next_cursor=following))


@get("/readyz", scope=None, sync_to_thread=False)
def ready() -> None:
    """There is nothing to wait for."""


async def _place(connection: "Connection", tenant_id: int, key: str, data: PlaceBet) -> Bet | None:
    """Record a bet; None if the key is taken. What others wait for, the head, comes late."""
    event_id, command_id = uuid7(), uuid7()
    bet_id = f"bet-{command_id}"
    of_request = _json(fingerprint.of_command(data))
    taken = await connection.fetchval(
        plain_sql.TAKE_KEY, tenant_id, key, of_request, bet_id, command_id
    )
    if taken is None:
        return None
    now = time_ns() // 1_000_000
    hashed = _around_position_and_time(tenant_id, event_id, bet_id, key, data)
    head = await connection.fetchrow(plain_sql.MOVE_HEAD, tenant_id, now, *hashed)
    if head is None:
        raise problem(problems.TENANT_NOT_FOUND, f"There is no active tenant {tenant_id}.")
    position, timestamp, digest = head
    await connection.execute(
        plain_sql.ADD_EVENT,
        *(tenant_id, position, event_id, bet_id, _json(data), timestamp, key, digest),
    )
    bet = Bet(
        bet_id=bet_id,
        user_id=data.user_id,
        stake=data.stake,
        odds=data.odds,
        fixture_id=data.fixture_id,
        status="placed",
        result=None,
        payout=None,
        idempotency_key=key,
        version=1,
        last_updated_at=instant(timestamp),
        last_position=position,
    )
    await _add_to_views(connection, tenant_id, bet)
    return bet


def _around_position_and_time(
    tenant_id: int, event_id: UUID, bet_id: str, key: str, data: PlaceBet
) -> tuple[str, str, str]:
    """What an event's hash covers, without what only the head knows."""
    event = BetPlaced(
        user_id=data.user_id, stake=data.stake, odds=data.odds, fixture_id=data.fixture_id
    )
    return (
        f"[{tenant_id},",
        f",{_json((event_id, bet_id, 1))[1:-1]},",
        f",{_json(key)},{{}}]{_json(event)}",
    )


async def _add_to_views(connection: "Connection", tenant_id: int, bet: Bet) -> None:
    fields = (getattr(bet, name) for name in _BET_FIELDS)
    await connection.execute(plain_sql.ADD_BET, tenant_id, *fields)
    last = (bet.last_updated_at, bet.last_position)
    await connection.execute(plain_sql.ADD_TO_ACTIVITY, tenant_id, bet.user_id, bet.stake, *last)
    await connection.execute(plain_sql.ADD_TO_SUMMARY, tenant_id, bet.stake, *last)


def _repeated(row: asyncpg.Record | None, data: PlaceBet) -> Bet:
    """The bet that was placed with the key. Raises `Problem` if another request took it."""
    if row is None:
        raise problem(problems.KEY_REUSED, "Another command took it.", mismatch=["operation"])
    bet = Bet(**row)
    differing = fingerprint.differing(fingerprint.of_bet(bet), fingerprint.of_command(data))
    if differing:
        detail = f"The key was used for another request; these differ: {', '.join(differing)}."
        raise problem(problems.KEY_REUSED, detail, mismatch=differing)
    return bet


def _json(value: object) -> str:
    return answers.encode(value).decode()


def _pool(request: LedgerRequest) -> asyncpg.Pool:
    return cast("asyncpg.Pool", request.app.state["pool"])


@asynccontextmanager
async def _with_pool(app: Litestar) -> AsyncGenerator[None, None]:
    """As many connections as the ledger has, those that read and the one that writes."""
    settings = Settings.from_environment()
    size = settings.pool_size + 1
    url = os.environ["DATABASE_URL"]
    # Each of its commands waits for the head, which a slow flush keeps from all of them at once.
    async with await open_pool(url, settings, size, lock_timeout="5000") as pool:
        await pool.execute(plain_sql.OPEN_HEADS, MADE_BY_HAND.first, MADE_BY_HAND.last)
        app.state["pool"] = pool
        app.state["cursors"] = Cursors(settings.cursor_secret or secrets.token_urlsafe(48))
        yield


def create() -> Litestar:
    """The application on the database of the environment."""
    app = Litestar(
        route_handlers=[place, read, list_bets, ready],
        request_class=LedgerRequest,
        request_max_body_size=None,
        exception_handlers=handlers(),
        openapi_config=None,
        logging_config=None,
        lifespan=[_with_pool],
    )
    collector.spare()
    return app


if __name__ == "__main__":
    server.serve(Settings.from_environment(), "benchmarks.by_hand:create")
