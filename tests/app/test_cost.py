"""What commands cost, in round trips and in bytes of the write-ahead log: the same everywhere."""

from collections.abc import AsyncGenerator
from random import Random

import asyncpg
import pytest
from asyncpg.pool import PoolConnectionProxy

from app.committer import Committer
from app.database import open_pool
from app.settings import Settings
from app.submission import Submission
from tests.app.answered import MOVED, NEW, REPEATED, submitted
from tests.app.proxy import Proxy, proxy_to
from tests.app.submissions import place
from tests.app.units import Process, committing, confirm, connected
from tests.conftest import EXTERNAL_TENANT

BATCH = 64
BYTES_PER_BET = 1822  # 57 of them are the id of the command, in the event's metadata
SLACK = 1.05


def bets(first: int = 0) -> list[Submission]:
    """A bet of each of so many users."""
    return [place(user_id=f"user-{first + n}") for n in range(BATCH)]


@pytest.fixture
async def proxy(database: str) -> AsyncGenerator[Proxy, None]:
    async with proxy_to(database) as made:
        yield made


@pytest.fixture
async def warm(proxy: Proxy) -> AsyncGenerator[Committer, None]:
    """A committer that has prepared its statements and knows the first users."""
    async with committing(proxy.url) as made:
        for first in (0, BATCH):
            await submitted(made, bets(first))
        await submitted(made, bets())
        yield made


async def round_trips(proxy: Proxy, committer: Committer, batch: list[Submission]) -> int:
    """How often the database is asked for the commands to be committed."""
    before = proxy.round_trips
    answers = await submitted(committer, batch)
    assert set(answers) <= {NEW, MOVED, REPEATED}
    return proxy.round_trips - before


async def test_bets_of_known_users_cost_one_round_trip(proxy: Proxy, warm: Committer) -> None:
    assert await round_trips(proxy, warm, bets()) == 1


async def test_bets_of_unknown_users_cost_two_round_trips(proxy: Proxy, warm: Committer) -> None:
    assert await round_trips(proxy, warm, bets(10 * BATCH)) == 2


async def test_moving_bets_that_were_placed_just_now_costs_one_round_trip(
    proxy: Proxy, warm: Committer
) -> None:
    batch = bets()
    await submitted(warm, batch)
    await submitted(warm, [confirm(batch[0])])  # the statement that can write anything
    assert await round_trips(proxy, warm, [confirm(placed) for placed in batch[1:]]) == 1


async def test_repeats_cost_one_round_trip(proxy: Proxy, warm: Committer) -> None:
    batch = bets()
    await submitted(warm, batch)
    repeats = [place(user_id=f"user-{n}", key=s.idempotency_key) for n, s in enumerate(batch)]
    await submitted(warm, repeats[:1])  # prepares the statement that only compares the head
    assert await round_trips(proxy, warm, repeats) == 1


@pytest.mark.parametrize(("moved", "statements"), [(False, 4), (True, 5)])
async def test_a_turn_under_locks_costs_three_statements_more(
    database: str, moved: bool, statements: int
) -> None:
    """BEGIN, the locks and COMMIT; and the read of what another process has changed."""
    async with connected(database) as process, connected(database) as other:
        await process.run(*bets())
        if moved:
            await other.run(*bets())
        await process.run(*bets(), lock=True)
    assert len(process.statements) == statements


async def test_a_bet_costs_no_more_bytes_of_the_log_than_it_did(database: str) -> None:
    """Counted by the backend itself, so that nobody else's bytes are in it.

    Images of whole pages, which a server writes after a checkpoint unless it is told not to, are
    left out at their full size: with any of them the bet looks a little cheaper than it is.
    """
    chance = Random(64)
    async with await open_pool(database, Settings()) as pool, pool.acquire() as connection:
        if connection.get_server_version().major < 18:
            pytest.skip("PostgreSQL counts the log of one backend from version 18 on")
        process = Process(connection)
        await process.run(*bets())
        before = await _written(connection)
        for _ in range(20):
            await process.run(*(_random_bet(chance) for _ in range(BATCH)))
        per_bet = (await _written(connection) - before) / (20 * BATCH)
    assert per_bet <= BYTES_PER_BET * SLACK


def _random_bet(chance: Random) -> Submission:
    return place(
        EXTERNAL_TENANT,
        f"user-{chance.randrange(BATCH)}",
        key=f"{chance.getrandbits(128):032x}",
    )


async def _written(connection: "PoolConnectionProxy[asyncpg.Record]") -> int:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    counted = "wal_bytes - wal_fpi * current_setting('block_size')::int"
    query = f"SELECT {counted} FROM pg_stat_get_backend_wal(pg_backend_pid())"  # noqa: S608 -- constant
    return int(await connection.fetchval(query))
