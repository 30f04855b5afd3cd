"""What a run cost beside time: write-ahead log, batches, statements."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

import asyncpg
from asyncpg.connection import LoggedQuery
from msgspec import Struct

from app.database import open_pool
from app.memory import Memory
from app.settings import Settings
from benchmarks import seed, services
from benchmarks.scenarios import COUNTED
from benchmarks.services import Running

BATCHES_COUNTED: Final = 20
_SAMPLE: Final = re.compile(r"^(stakebook_[a-z_]+)(?:{.*})? (\S+)$", re.MULTILINE)
_WAL_BYTES: Final = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"


class Cost(Struct, frozen=True, kw_only=True):
    """The cost of a run, or of everything so far.

    `wal_bytes` is what the whole server wrote, full pages after a checkpoint included;
    `batches` and `reruns` (batches run again) are known of the ledger alone.
    """

    wal_bytes: int
    batches: int
    reruns: int

    def __sub__(self, before: "Cost") -> "Cost":
        return Cost(
            wal_bytes=self.wal_bytes - before.wal_bytes,
            batches=self.batches - before.batches,
            reruns=self.reruns - before.reruns,
        )


def so_far(url: str, running: Running, *, is_ledger: bool) -> Cost:
    """The cost of everything so far."""
    samples = dict.fromkeys(("stakebook_batch_size_count", "stakebook_retries_total"), 0)
    if is_ledger:
        for name, value in _SAMPLE.findall(services.answer(f"{running.root}/metrics")):
            if name in samples:
                samples[name] += int(float(value))
    return Cost(
        wal_bytes=asyncio.run(_wal_bytes(url)),
        batches=samples["stakebook_batch_size_count"],
        reruns=samples["stakebook_retries_total"],
    )


async def _wal_bytes(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(_WAL_BYTES))
    finally:
        await connection.close()


class RoundTrips(Struct, frozen=True, kw_only=True):
    """The most statements that a batch of a tenant took, each of them one round trip.

    Of the tenant's head and summary the process knows; `new_users` are users that it has to
    read, `known_users` users that it remembers. `bets` were placed to find out.
    """

    new_users: int
    known_users: int
    bets: int


def round_trips(url: str) -> RoundTrips:
    """Count the statements of batches, as the driver logs them."""
    return asyncio.run(_round_trips(url))


async def _round_trips(url: str) -> RoundTrips:
    statements: list[str] = []

    def log(query: LoggedQuery) -> None:
        statements.append(query.query)

    async def statements_of(users: Sequence[str]) -> int:
        statements.clear()
        bets = [seed.submission(COUNTED.first, seed.bet(user)) for user in users]
        await seed.commit(connection, memory, bets)
        return len(statements)

    async with await open_pool(url, Settings(), size=1) as pool, pool.acquire() as connection:
        connection.add_query_logger(log)
        memory = Memory(tenants=1, rows=10_000, users=10_000)
        await statements_of(["user-0"])  # the tenant is known from now on
        batches = [[f"user-{at}-{n}" for n in range(64)] for at in range(BATCHES_COUNTED)]
        new = [await statements_of(users) for users in batches]
        known = [await statements_of(users) for users in batches]
        connection.remove_query_logger(log)
    bets = 1 + 2 * sum(map(len, batches))
    return RoundTrips(new_users=max(new), known_users=max(known), bets=bets)
