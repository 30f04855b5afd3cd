"""A tenant that has grown: its history filled in by COPY, and what to read of it."""

import asyncio
import io
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

import asyncpg
from msgspec import Struct

from benchmarks.failure import BenchmarkFailed
from benchmarks.history import COLUMNS, Head, History

FEW_EVENTS: Final = 10_000
MANY_EVENTS: Final = 5_000_000
USERS: Final = 20_000
KEPT: Final = 0.85  # of the throughput with few events
_EVENTS_AT_A_TIME: Final = 20_000
_READ: Final = 100_000
_CONNECT_TIMEOUT_SECONDS: Final = 10.0

_OPEN_TENANT: Final = """
    INSERT INTO tenants (id, name, slug)
    SELECT id, 'Grown ' || id, 'grown-' || id FROM (VALUES ($1::bigint)) AS new (id)
    ON CONFLICT DO NOTHING
"""
_OPEN_HEAD: Final = "INSERT INTO tenant_heads (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING"
_HEAD: Final = "SELECT position, hash, last_timestamp FROM tenant_heads WHERE tenant_id = $1"
_MOVE_HEAD: Final = """
    UPDATE tenant_heads SET position = $3, hash = $4, last_timestamp = $5
    WHERE tenant_id = $1 AND position = $2 RETURNING position
"""
_ADD_TO_ACTIVITY: Final = """
    INSERT INTO user_activity_view AS old (
        tenant_id, user_id, bets, bets_placed, bets_confirmed, bets_settled, bets_cancelled,
        staked, won, lost, payments_created, payments_completed, payments_failed,
        deposited, withdrawn, last_active_at, last_position
    )
    SELECT tenant_id, user_id, count(*), count(*), 0, 0, 0,
           sum(stake), 0, 0, 0, 0, 0, 0, 0, max(last_updated_at), max(last_position)
    FROM bets_view WHERE tenant_id = $1 AND last_position > $2 GROUP BY tenant_id, user_id
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET
        bets = old.bets + excluded.bets,
        bets_placed = old.bets_placed + excluded.bets_placed,
        staked = old.staked + excluded.staked,
        last_active_at = excluded.last_active_at,
        last_position = excluded.last_position
"""
_ADD_TO_SUMMARY: Final = """
    INSERT INTO tenants_summary_view AS old (
        tenant_id, bets_placed, bets_confirmed, bets_settled, bets_cancelled,
        turnover, payouts, gross_gaming_revenue,
        payments_created, payments_completed, payments_failed,
        deposits, withdrawals, balances, last_updated_at, last_position
    )
    SELECT tenant_id, count(*), 0, 0, 0,
           sum(stake), 0, 0, 0, 0, 0, 0, 0, 0, max(last_updated_at), max(last_position)
    FROM bets_view WHERE tenant_id = $1 AND last_position > $2 GROUP BY tenant_id
    ON CONFLICT (tenant_id) DO UPDATE SET
        bets_placed = old.bets_placed + excluded.bets_placed,
        turnover = old.turnover + excluded.turnover,
        last_updated_at = excluded.last_updated_at,
        last_position = excluded.last_position
"""
_BETS_THROUGHOUT: Final = """
    SELECT aggregate_id FROM bet_events
    WHERE tenant_id = $1 AND position % $2 = 0 ORDER BY position
"""


class Grown(Struct, frozen=True, kw_only=True):
    """A tenant with a history: placed bets of users `user-1` to `user-<users>`.

    `added` events were loaded in `seconds`, VACUUM included. `bet_ids` are spread over the
    whole history, many enough that reading them at random finds few of their pages in
    PostgreSQL's own cache.
    """

    tenant_id: int
    users: int
    events: int
    added: int
    seconds: float
    bet_ids: Sequence[str]


def read_paths(tenant: Grown) -> Mapping[str, Sequence[str]]:
    """What to read of the tenant, at random within each scenario: a bet, and a user's bets.

    What to write is POST /bets for its users, with keys that were not used before.
    """
    users = range(1, tenant.users + 1)
    return {
        "GET /bets/{id}": [f"/bets/{bet_id}" for bet_id in tenant.bet_ids],
        "GET /users/{id}/bets": [f"/users/user-{number}/bets" for number in users],
    }


def grow(url: str, tenant_id: int, events: int = MANY_EVENTS, users: int = USERS) -> Grown:
    """Make the tenant's history `events` long, from wherever it ends, opening it if need be.

    Everything is as if the service had taken the bets, and it can go on from there; it may
    run meanwhile, but nobody may place bets of this tenant. The history so far must be of
    placed bets alone. Interrupted, it leaves a tenant that is good for nothing. The tables
    are vacuumed and analyzed afterwards, as autovacuum would do in the middle of what is
    measured. Raises `BenchmarkFailed` if somebody else wrote to the tenant.
    """
    return asyncio.run(_grow(url, tenant_id, events, users))


async def _grow(url: str, tenant_id: int, events: int, users: int) -> Grown:
    began = time.monotonic()
    async with _connected(url) as connection:
        before = await _open(connection, tenant_id)
        history = History(tenant_id, users, before, events, time.time_ns() // 1_000_000)
        await _load(url, history, events)
        await _conclude(connection, tenant_id, before, history.head)
        stride = max(events // _READ, 1)
        bets = await connection.fetch(_BETS_THROUGHOUT, tenant_id, stride)
    return Grown(
        tenant_id=tenant_id,
        users=users,
        events=history.head.position,
        added=history.head.position - before.position,
        seconds=round(time.monotonic() - began, 1),
        bet_ids=[bet["aggregate_id"] for bet in bets],
    )


@asynccontextmanager
async def _connected(url: str) -> AsyncGenerator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_SECONDS)
    try:
        yield connection
    finally:
        await connection.close()


async def _open(connection: "asyncpg.Connection[Any]", tenant_id: int) -> Head:
    await connection.execute(_OPEN_TENANT, tenant_id)
    await connection.execute(_OPEN_HEAD, tenant_id)
    return Head(*await connection.fetchrow(_HEAD, tenant_id) or ())


async def _load(url: str, history: History, events: int) -> None:
    """Copy the history, one connection a table; the next rows are made meanwhile."""
    progress = _Progress(history.head.position, events)
    async with AsyncExitStack() as stack:
        connections = {table: await stack.enter_async_context(_connected(url)) for table in COLUMNS}
        made = history.rows(_EVENTS_AT_A_TIME)
        while made:
            progress.show(history.head.position)
            following = asyncio.create_task(asyncio.to_thread(history.rows, _EVENTS_AT_A_TIME))
            await asyncio.gather(
                *(_copy(connections[table], table, rows) for table, rows in made.items())
            )
            made = await following


async def _copy(connection: "asyncpg.Connection[Any]", table: str, rows: bytes) -> None:
    await connection.copy_to_table(table, source=io.BytesIO(rows), columns=COLUMNS[table])


async def _conclude(
    connection: "asyncpg.Connection[Any]", tenant_id: int, before: Head, after: Head
) -> None:
    async with connection.transaction():
        await connection.execute(_ADD_TO_ACTIVITY, tenant_id, before.position)
        await connection.execute(_ADD_TO_SUMMARY, tenant_id, before.position)
        if not await connection.fetchval(_MOVE_HEAD, tenant_id, before.position, *after):
            raise BenchmarkFailed(f"Somebody wrote to tenant {tenant_id} while it was filled.")
    await connection.execute("VACUUM (ANALYZE)")
    with suppress(asyncpg.InsufficientPrivilegeError):  # of a server that is not ours
        # What the load left in memory is not to be written while something is measured.
        await connection.execute("CHECKPOINT")


class _Progress:
    """A line on the terminal that says how far the load has come."""

    def __init__(self, first: int, last: int) -> None:
        self._first: Final = first
        self._last: Final = last
        self._began: Final = time.monotonic()

    def show(self, position: int) -> None:
        """Show that the rows up to `position` are made."""
        if not sys.stdout.isatty():
            return
        rate = (position - self._first) / (time.monotonic() - self._began)
        end = "\n" if position == self._last else ""
        print(f"\r{position:,} of {self._last:,} events, {rate:,.0f}/s ", end=end, flush=True)
