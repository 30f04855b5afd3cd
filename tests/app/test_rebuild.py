"""`projections rebuild`: wrong rows are set from the log while commands go on."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import asyncpg
import pytest

from app.complaint import Complaint
from app.correction import Correction
from app.database import batch_connection
from app.fault import FaultFound
from app.rebuild import NAMES, rebuild
from app.shadow import Shadow
from app.verification import verify
from domain.bet import CancelBet
from tests.app.ledger import Connection, assert_sound
from tests.app.operators import Operators, operate
from tests.app.rebuilding import ignore, place_many, rebuilt
from tests.app.submissions import place, submission
from tests.app.units import applied, committing, connected
from tests.conftest import (
    DEFAULT_TENANT,
    EXTERNAL_TENANT,
    INTERNAL_TENANT,
    Client,
    StartService,
)

WRITERS = 16
REBUILDS = 12

# What nobody decides on, so that the log stays right while it is wrong.
SPOIL = (
    "UPDATE bets_view SET fixture_id = 'wrong' WHERE tenant_id = $1 AND bet_id < 'bet-' || $2",
    "UPDATE bets_view SET stake = 7 WHERE tenant_id = $1 AND right(bet_id, 1) = left($2, 1)",
    "DELETE FROM user_activity_view WHERE tenant_id = $1 AND md5(user_id) < $2",
    "UPDATE tenants_summary_view SET turnover = 0 WHERE tenant_id = $1 AND $2 <> ''",
    "UPDATE user_activity_view SET staked = 7 WHERE tenant_id = $1 AND $2 <> ''",
    "UPDATE payments_view SET last_updated_at = now() WHERE tenant_id = $1 AND $2 <> ''",
)


async def test_rows_edited_lost_and_invented_are_set_and_right_ones_are_not_touched(
    database: str, connection: Connection
) -> None:
    await operate(database, 300, tenants=[INTERNAL_TENANT])
    for statement in (
        "UPDATE bets_view SET stake = 99 WHERE bet_id = (SELECT min(bet_id) FROM bets_view)",
        "DELETE FROM payments_view WHERE payment_id = (SELECT max(payment_id) FROM payments_view)",
        (
            "INSERT INTO user_balances_view SELECT tenant_id, 'nobody', 1, 1, now(), 1, 1"
            " FROM tenant_heads WHERE position > 0"
        ),
        "UPDATE tenants_summary_view SET balances = balances + 1",
    ):
        await connection.execute(statement)
    before = {view: await versions_of_rows(connection, view) for view in NAMES}
    done = await rebuilt(database, INTERNAL_TENANT)
    assert dict(done.rows) == {
        "bets_view": 1,
        "payments_view": 1,
        "user_balances_view": 1,
        "tenants_summary_view": 1,
    }
    await assert_sound(connection, INTERNAL_TENANT)
    for view in NAMES:
        after = await versions_of_rows(connection, view)
        assert len(after.items() - before[view].items()) <= 1


async def test_what_is_right_is_left_alone_without_holding_the_head(database: str) -> None:
    await operate(database, 100)
    done = await rebuilt(database, INTERNAL_TENANT)
    assert done.events > 0
    assert not done.rows
    assert not done.held


async def test_views_that_are_empty_are_filled(database: str, connection: Connection) -> None:
    await operate(database, 100, tenants=[INTERNAL_TENANT])
    await place_many(database, 250)
    for view in NAMES:
        await connection.execute(f"DELETE FROM {view}")  # noqa: S608 - own tables
    for tenant in (INTERNAL_TENANT, EXTERNAL_TENANT):
        done = await rebuilt(database, tenant)
        assert done.rows.keys() >= {"bets_view", "tenants_summary_view", "user_activity_view"}
        await assert_sound(connection, tenant)
        assert len(done.held) > 1 or tenant == INTERNAL_TENANT


async def test_rows_that_have_each_others_key_are_set(
    database: str, connection: Connection
) -> None:
    await operate(database, 300, tenants=[INTERNAL_TENANT])
    one, two = await connection.fetch(
        "SELECT bet_id, idempotency_key FROM bets_view ORDER BY bet_id LIMIT 2"
    )
    for bet, key in ((one, None), (two, one["idempotency_key"]), (one, two["idempotency_key"])):
        await connection.execute(
            "UPDATE bets_view SET idempotency_key = $2 WHERE bet_id = $1", bet["bet_id"], key
        )
    assert dict((await rebuilt(database, INTERNAL_TENANT)).rows) == {"bets_view": 2}
    await assert_sound(connection, INTERNAL_TENANT)


async def test_a_view_that_is_named_is_set_and_the_others_are_told_of(
    database: str, connection: Connection
) -> None:
    await operate(database, 100, tenants=[INTERNAL_TENANT])
    await connection.execute("UPDATE tenants_summary_view SET turnover = 0")
    await connection.execute("UPDATE user_activity_view SET staked = staked + 1, won = won + 1")
    done = await rebuilt(database, INTERNAL_TENANT, ["tenants_summary_view"])
    assert dict(done.rows) == {"tenants_summary_view": 1}
    assert done.left.keys() == {"user_activity_view"}


async def test_nothing_is_set_from_a_log_that_is_not_whole(
    database: str, connection: Connection
) -> None:
    await operate(database, 100, tenants=[INTERNAL_TENANT])
    await connection.execute("UPDATE tenants_summary_view SET turnover = 0")
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("DELETE FROM bet_events WHERE version = 1")
    with pytest.raises(FaultFound, match="position"):
        await rebuilt(database, INTERNAL_TENANT)
    assert await connection.fetchval("SELECT turnover FROM tenants_summary_view") == 0


async def test_two_rebuilds_of_a_tenant_do_not_run_at_once(database: str) -> None:
    await operate(database, 20)
    async with batch_connection(database, "test") as connection:
        await connection.execute(
            "SELECT pg_advisory_lock(572901724, hashint8($1))", EXTERNAL_TENANT
        )
        with pytest.raises(Complaint, match="being rebuilt already"):
            await rebuilt(database, EXTERNAL_TENANT)
        assert (await rebuilt(database, DEFAULT_TENANT)).events > 0


async def test_a_service_that_remembers_the_wrong_row_goes_on_with_the_right_one(
    start_service: StartService, database: str, connection: Connection
) -> None:
    withdrawal = {"user_id": "user-1", "amount": 50, "type": "withdrawal"}
    async with start_service() as first:
        assert (await first.of(INTERNAL_TENANT).deposit("user-1", 100)).status_code == 201
    await connection.execute("UPDATE user_balances_view SET balance = 10")
    async with start_service() as service:
        client: Client = service.of(INTERNAL_TENANT)
        assert (await client.post("/payments", withdrawal)).status_code == 422
        assert dict((await rebuilt(database, INTERNAL_TENANT)).rows) == {"user_balances_view": 1}
        assert (await client.post("/payments", withdrawal)).status_code == 201
        assert (await client.get("/users/user-1/balance")).json()["balance"] == 50
    await assert_sound(connection, INTERNAL_TENANT)


async def test_what_events_add_on_a_wrong_row_is_counted_in(
    database: str, connection: Connection
) -> None:
    async with connected(database) as process, batch_connection(database, "test") as rebuilding:
        placed = place()
        applied(await process.run(placed))
        await connection.execute("UPDATE bets_view SET stake = 99")
        made = Shadow(rebuilding, EXTERNAL_TENANT)
        correction = Correction(rebuilding, EXTERNAL_TENANT)
        await made.open()
        await made.catch_up()
        await made.write()
        await correction.find()
        assert dict(await correction.left()) == {"bets_view": 1}
        cancel = submission(CancelBet(), "bet", placed.resource_id)
        applied(await process.run(cancel, afresh=True))
        await made.catch_up(seen=correction.note)
        await correction.spread()
        assert dict(await correction.left()) == {
            "bets_view": 1,
            "tenants_summary_view": 1,
            "user_activity_view": 1,
        }


@asynccontextmanager
async def writing(database: str, tenants: Sequence[int]) -> AsyncGenerator[None, None]:
    """Sixteen writers who send one command after the other."""
    stopping = asyncio.Event()

    async def write(seed: int, submit: Any) -> int:
        operators, sent = Operators(seed, tenants), 0
        while not stopping.is_set():
            await submit(operators.command())
            sent += 1
        return sent

    async with committing(database) as committer:
        writers = asyncio.gather(*(write(seed, committer.submit) for seed in range(WRITERS)))
        try:
            yield
        finally:
            stopping.set()
            assert min(await writers) > 0


async def spoil(connection: "asyncpg.Connection[Any]", tenant: int, random: Random) -> None:
    """Make some rows wrong."""
    for statement in random.sample(SPOIL, 3):
        await connection.execute(statement, tenant, f"{random.getrandbits(64):016x}")


async def test_nothing_differs_after_rebuilds_while_sixteen_write(
    database: str, connection: Connection
) -> None:
    random, rows = Random(1), 0
    tenants = (INTERNAL_TENANT, EXTERNAL_TENANT)
    async with batch_connection(database, "test") as rebuilding, writing(database, tenants):
        for _ in range(REBUILDS):
            await spoil(connection, EXTERNAL_TENANT, random)
            done = await rebuild(rebuilding, EXTERNAL_TENANT, NAMES, ignore)
            rows += done.rows.total()
            verified = await verify(rebuilding, EXTERNAL_TENANT, ignore)
            assert verified.fault is None, str(verified.fault)
    assert rows > REBUILDS
    for tenant in tenants:
        await assert_sound(connection, tenant)


async def versions_of_rows(connection: Connection, view: str) -> dict[str, int]:
    """Which transaction wrote each row."""
    rows = await connection.fetch(f"SELECT md5({view}::text) AS row, xmin FROM {view}")  # noqa: S608
    return {row["row"]: row["xmin"] for row in rows}
