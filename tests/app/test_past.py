"""Rows of the past, against the rows as they were captured when they were the present."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final, TypeAlias

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.json import decode
from msgspec.structs import asdict

from app import event_log
from app import past as past_module
from app.as_of import AsOf
from app.cursors import FIRST_PAGE
from app.database import open_pool
from app.past import Past
from app.problems import Problem
from app.reads import Reads
from app.replay import Replay
from app.settings import Settings
from app.submission import Resource, Submission
from domain.balance import Balance
from domain.bet import Bet, BetCommand, PlaceBet
from domain.decision import Command
from domain.payment import MakePayment, Payment
from domain.tenant import Wallet
from projections import PROJECTIONS, snapshots, tenants_summary, user_balances
from projections.change import TENANT_KEY
from projections.snapshots import Snapshot
from tests.app.ledger import Connection, events, folded, views
from tests.app.submissions import pay, place, submission
from tests.app.units import Process, applied, confirm, connected
from tests.conftest import EXTERNAL_TENANT
from tests.domain.histories import USERS, bet_commands, payment_commands

Rows: TypeAlias = dict[str, list[dict[str, Any]]]

BY_KEY: Final = [p for p in PROJECTIONS if p.row_type in {Bet, Payment, Balance}]
SUMMARY: Final = tenants_summary.tenants_summary_view.name
steps: Final = st.lists(
    st.tuples(
        st.one_of(bet_commands(st.sampled_from(USERS)), payment_commands(st.sampled_from(USERS))),
        st.integers(0, 9),
    ),
    min_size=5,
    max_size=25,
)
tenant_ids: Final = count(20_001)


@asynccontextmanager
async def reading(url: str) -> AsyncGenerator[Reads]:
    """The reads of a process on the database."""
    async with await open_pool(url, Settings()) as pool:
        yield Reads(pool, 5)


async def opened(connection: Connection, wallet: Wallet) -> int:
    """A new tenant."""
    tenant = next(tenant_ids)
    insert = "INSERT INTO tenants (id, name, slug, wallet) VALUES ($1, $2, $2, $3)"
    await connection.execute(insert, tenant, f"tenant-{tenant}", wallet)
    return tenant


async def lived(
    process: Process, connection: Connection, tenant: int, commands: Sequence[tuple[Command, int]]
) -> dict[int, Rows]:
    """Carry out commands one by one; the rows of the views after each, by position."""
    captured: dict[int, Rows] = {}
    made: dict[str, list[str]] = {"bet": ["bet-none"], "payment": ["payment-none"]}
    for command, number in commands:
        sent = _submission(command, made, number, tenant)
        await process.run(sent)
        if sent.creates:
            made[sent.resource].append(sent.resource_id)
        rows = await views(connection, tenant)
        captured[_last_position(rows)] = rows
    return captured


def _submission(
    command: Command, made: dict[str, list[str]], number: int, tenant: int
) -> Submission:
    resource: Resource = "bet" if isinstance(command, BetCommand) else "payment"
    if isinstance(command, PlaceBet | MakePayment):
        return submission(command, resource, tenant=tenant)
    known = made[resource]
    return submission(command, resource, known[number % len(known)], tenant=tenant)


def _last_position(rows: Rows) -> int:
    return max((row["last_position"] for row in rows[SUMMARY]), default=0)


async def told(past: Past, last: Rows) -> Rows:
    """What the past says of every row that there is in the end."""
    found: Rows = {}
    for projection in BY_KEY:
        table, key = projection.table.name, projection.key_column
        rows = [await past.row(projection, row[str(key)]) for row in last[table]]
        found[table] = [asdict(row) for row in rows if row is not None]
    summary = await past.row(tenants_summary.projection, TENANT_KEY)
    found[SUMMARY] = [asdict(summary)] if summary else []
    return found


async def listed(past: Past, user_id: str, status: Any, limit: int) -> list[dict[str, Any]]:
    """A user's bets of the past, page by page; the total has to be theirs."""
    rows: list[dict[str, Any]] = []
    before = FIRST_PAGE
    while True:
        page, total = await past.bets(user_id, status, before=before, limit=limit)
        rows += [asdict(row) for row in page]
        if not page:
            assert total == len(rows)
            return rows
        before = page[-1].last_position


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wallet=st.sampled_from(["external", "internal"]), commands=steps, every=st.integers(2, 9))
async def test_the_past_at_every_position_is_what_the_rows_were_then(
    database: str,
    connection: Connection,
    wallet: Wallet,
    commands: list[tuple[Command, int]],
    every: int,
) -> None:
    tenant = await opened(connection, wallet)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "EVERY", every)  # so that a short history has some
        async with connected(database) as process, reading(database) as reads:
            captured = await lived(process, connection, tenant, commands)
            log = await events(connection, tenant)
            last = await views(connection, tenant)
            for position in range(len(log) + 1):
                # Within a command nobody can see the rows; what the fold says is captured.
                then = captured.get(position) or folded(log[:position])
                async with reads.past(tenant, AsOf(position, is_time=False)) as past:
                    assert past.position == position
                    told_then = await told(past, last)
                    assert told_then == {table: then[table] for table in told_then}
                    await _assert_lists(past, then)


async def _assert_lists(past: Past, then: Rows) -> None:
    newest_first = sorted(then["bets_view"], key=lambda row: -row["last_position"])
    for user_id in USERS:
        for status in (None, "placed", "confirmed", "settled", "cancelled"):
            expected = [
                row
                for row in newest_first
                if row["user_id"] == user_id and status in {None, row["status"]}
            ]
            assert await listed(past, user_id, status, limit=3) == expected


async def _long_history(process: Process) -> None:
    """560 events: 140 deposits of one user and 70 bets, all of them confirmed."""
    for _ in range(7):
        placed = [place() for _ in range(10)]
        applied(await process.run(*(pay() for _ in range(20)), *placed))
        applied(await process.run(*(confirm(each) for each in placed)))


async def test_a_long_history_is_folded_from_its_snapshots(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 100)
    monkeypatch.setattr(past_module, "MOST_FOLDED", 100)
    async with connected(database) as process, reading(database) as reads:
        await _long_history(process)
        log = await events(connection, EXTERNAL_TENANT)
        kept = await connection.fetch("SELECT projection, position FROM snapshots ORDER BY 1, 2")
        assert [tuple(row) for row in kept] == [
            *((SUMMARY, position) for position in range(100, len(log), 100)),
            ("user_balances_view", _position_of_version(log, 100)),
        ]
        for position in (1, 99, 100, 101, 250, 399, 400, len(log) - 1, len(log)):
            then = folded(log[:position])
            async with reads.past(EXTERNAL_TENANT, AsOf(position, is_time=False)) as past:
                found = await told(past, then)
                assert found == {table: then[table] for table in found}


def _position_of_version(log: Sequence[asyncpg.Record], version: int) -> int:
    return next(
        int(row["position"])
        for row in log
        if row["aggregate_id"] == "balance-user-1" and row["version"] == version
    )


async def test_whoever_folds_the_log_takes_the_snapshots_that_the_commits_took(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 20)
    async with connected(database) as process:
        await _long_history(process)
    kept = await connection.fetch("SELECT * FROM snapshots ORDER BY position, projection")
    replay, again = Replay(), list[Snapshot]()
    async for chunk in event_log.read(connection, EXTERNAL_TENANT):
        for each in chunk:
            again += snapshots.taken(replay.fold(each.recorded), replay.rows)
    assert len(kept) == 560 // 20 + 140 // 20
    for row, taken in zip(kept, again, strict=True):
        assert (row["projection"], row["key"]) == (taken.projection, taken.key)
        assert row["position"] == taken.position
        assert decode(row["document"], type=type(taken.document)) == taken.document


async def test_a_history_without_snapshots_is_folded_from_its_beginning(
    database: str, connection: Connection
) -> None:
    async with connected(database) as process, reading(database) as reads:
        await _long_history(process)
        await connection.execute("DELETE FROM snapshots")
        last = await views(connection, EXTERNAL_TENANT)
        position = _last_position(last)
        async with reads.past(EXTERNAL_TENANT, AsOf(position, is_time=False)) as past:
            summary = await past.row(tenants_summary.projection, TENANT_KEY)
            balance = await past.row(user_balances.projection, "user-1")
    assert summary is not None
    assert balance is not None
    assert [asdict(summary)] == last[SUMMARY]
    assert [asdict(balance)] == last["user_balances_view"]


async def test_a_history_too_long_to_be_folded_is_refused(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_module, "MOST_FOLDED", 100)
    async with connected(database) as process, reading(database) as reads:
        await _long_history(process)
        await connection.execute("DELETE FROM snapshots")
        log = await events(connection, EXTERNAL_TENANT)
        async with reads.past(EXTERNAL_TENANT, AsOf(len(log), is_time=False)) as past:
            with pytest.raises(Problem, match="no snapshot within 100 events"):
                await past.row(tenants_summary.projection, TENANT_KEY)
            with pytest.raises(Problem, match="no snapshot within 100 events"):
                await past.row(user_balances.projection, "user-1")
