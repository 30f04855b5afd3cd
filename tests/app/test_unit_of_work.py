"""The unit of work: what a batch leaves behind, and what it costs."""

from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from time import time_ns

import pytest

from app.submission import Refused, Submission
from app.unit_of_work import KeysTaken
from domain.bet import SettleBet
from tests.app import ledger
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import waiting
from tests.app.proxy import proxy_to
from tests.app.submissions import pay, place, submission
from tests.app.units import Process, applied, confirm, connected, refusal
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT


@pytest.fixture
async def process(database: str) -> AsyncGenerator[Process, None]:
    async with connected(database) as made:
        yield made


@pytest.fixture
async def other(database: str) -> AsyncGenerator[Process, None]:
    async with connected(database) as made:
        yield made


def users(count: int, tenants: Sequence[int] = (EXTERNAL_TENANT,)) -> list[Submission]:
    return [place(tenants[n % len(tenants)], f"user-{n}") for n in range(count)]


async def open_heads(process: Process, *tenants: int) -> None:
    """Have each tenant written to once: the very first write of its life also makes its head."""
    await process.run(*(place(tenant, "first") for tenant in tenants))


async def test_a_cold_process_sends_two_statements_for_a_hundred_commands_as_for_one(
    process: Process,
) -> None:
    await open_heads(process, EXTERNAL_TENANT)
    process.memory.forget([EXTERNAL_TENANT])
    await process.run(place())
    assert len(process.statements) == 2
    process.memory.forget([EXTERNAL_TENANT])
    await process.run(*users(100))
    assert len(process.statements) == 2


async def test_a_warm_process_sends_one_statement_for_a_hundred_commands_as_for_one(
    process: Process,
) -> None:
    batch = users(100)
    await process.run(*batch)
    await process.run(place(user_id="user-1"))
    assert len(process.statements) == 1
    await process.run(*users(100))
    assert len(process.statements) == 1
    await process.run(*(confirm(placed) for placed in batch))
    assert len(process.statements) == 1


async def test_users_that_a_warm_process_has_not_met_cost_one_more_statement(
    process: Process,
) -> None:
    await open_heads(process, EXTERNAL_TENANT)
    await process.run(*users(100))
    assert len(process.statements) == 2


async def test_many_tenants_cost_as_many_statements_as_one(process: Process) -> None:
    tenants = (DEFAULT_TENANT, EXTERNAL_TENANT)
    await open_heads(process, *tenants)
    process.memory.forget(tenants)
    await process.run(*users(100, tenants))
    assert len(process.statements) == 2
    await process.run(*users(100, tenants))
    assert len(process.statements) == 1


async def test_round_trips_are_no_more_than_the_statements(database: str) -> None:
    async with proxy_to(database) as proxy, connected(proxy.url) as process:
        await process.run(*users(50))
        await process.run(*users(50))
        before = proxy.round_trips
        await process.run(*users(50))
        assert (len(process.statements), proxy.round_trips - before) == (1, 1)
        process.memory.forget([EXTERNAL_TENANT])
        before = proxy.round_trips
        await process.run(*users(50))
        assert (len(process.statements), proxy.round_trips - before) == (2, 2)


async def test_a_batch_of_several_tenants_leaves_a_sound_log_of_each(
    process: Process, connection: Connection
) -> None:
    tenants = (DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT)
    funds = [pay(INTERNAL_TENANT, f"user-{n}") for n in range(40)]
    batch = [*funds, *users(40, tenants)]
    outcomes = applied(await process.run(*batch))
    assert len(outcomes) == 80
    assert all(outcome.status == 201 and not outcome.duplicate for outcome in outcomes)
    log = [row for tenant in tenants for row in await assert_sound(connection, tenant)]
    assert {row["idempotency_key"] for row in log} == {s.idempotency_key for s in batch}


async def test_positions_follow_the_order_of_arrival(
    process: Process, connection: Connection
) -> None:
    batch = users(30)
    await process.run(*batch[:10])
    await process.run(*batch[10:])
    log = await assert_sound(connection, EXTERNAL_TENANT)
    assert [row["idempotency_key"] for row in log] == [s.idempotency_key for s in batch]
    assert [row["aggregate_id"] for row in log] == [s.resource_id for s in batch]


async def test_the_chain_covers_every_character(process: Process, connection: Connection) -> None:
    name = 'Ünïcode \\ "quoted" \u2028 \x7f 🂡 </script>'
    placed = place(INTERNAL_TENANT, name, "0.0001", odds="1.0001", key='"k\\')
    await process.run(pay(INTERNAL_TENANT, name, "9999999999999998.9999"), placed)
    await process.run(
        submission(
            SettleBet(result="win", payout=Decimal(1)),
            "bet",
            placed.resource_id,
            tenant=INTERNAL_TENANT,
        )
    )
    assert len(await assert_sound(connection, INTERNAL_TENANT)) == 7


async def test_a_later_command_sees_what_an_earlier_one_of_its_batch_decided(
    process: Process, connection: Connection
) -> None:
    first, second = (place(INTERNAL_TENANT, "user-1", "60") for _ in range(2))
    outcomes = await process.run(pay(INTERNAL_TENANT), first, second, confirm(first))
    assert refusal(outcomes.pop(2)) == "insufficient-funds"
    confirmed = applied(outcomes)[2]
    assert (confirmed.row.status, confirmed.row.version) == ("confirmed", 2)
    log = await assert_sound(connection, INTERNAL_TENANT)
    assert len(log) == 6  # created, completed, increased, placed, decreased, confirmed


async def test_a_key_twice_in_one_batch_is_one_command(
    process: Process, connection: Connection
) -> None:
    first, second, different = place(key="k"), place(key="k"), place(key="k", stake="11")
    outcomes = await process.run(first, second, different)
    assert refusal(outcomes.pop(2)) == "key-reused"
    assert [(o.status, o.duplicate) for o in applied(outcomes)] == [(201, False), (200, True)]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 1


async def test_a_tenant_whose_head_was_moved_writes_nothing_and_the_others_commit(
    process: Process, other: Process, connection: Connection
) -> None:
    await process.run(place(DEFAULT_TENANT), place(EXTERNAL_TENANT))
    await other.run(place(EXTERNAL_TENANT))
    lost, kept = place(EXTERNAL_TENANT), place(DEFAULT_TENANT)
    outcomes = await process.run(lost, kept)
    assert outcomes.keys() == {1}
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2
    assert len(await assert_sound(connection, DEFAULT_TENANT)) == 2
    counted = "SELECT count(*) FROM idempotency_keys WHERE idempotency_key = $1"
    assert await connection.fetchval(counted, lost.idempotency_key) == 0
    assert (await process.run(lost)).keys() == {0}
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 3


async def test_a_batch_that_locks_the_heads_first_cannot_lose_them(
    process: Process, other: Process, connection: Connection
) -> None:
    await process.run(place())
    await other.run(place())
    assert applied(await process.run(place(), lock=True))[0].row.last_position == 3
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 3


async def test_a_key_that_another_process_used_is_found_by_the_commit(
    process: Process, other: Process, connection: Connection
) -> None:
    await process.run(place(key="k"))
    await other.run(place())
    with pytest.raises(KeysTaken):
        await other.run(place(), place(key="k"))
    outcomes = applied(await other.run(place(key="k"), afresh=True))
    assert [(o.status, o.duplicate) for o in outcomes] == [(200, True)]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2


async def test_a_retry_with_if_match_is_a_duplicate_whoever_else_is_in_the_batch(
    process: Process, other: Process
) -> None:
    placed = place()
    await process.run(placed)
    await process.run(confirm(placed, key="k", versions=frozenset({1})))
    await other.run(place())
    retry = confirm(placed, key="k", versions=frozenset({1}))
    outcomes = applied(await other.run(retry, place()))
    assert [(o.status, o.duplicate) for o in outcomes] == [(200, True), (201, False)]


async def test_a_tenant_whose_first_command_comes_to_two_processes_at_once_is_known_to_both(
    process: Process, connection: Connection
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("INSERT INTO tenant_heads (tenant_id) VALUES ($1)", EXTERNAL_TENANT)
    async with waiting(connection, process.run(place())) as outcomes:
        await transaction.commit()
        assert [o.status for o in applied(await outcomes)] == [201]


async def test_an_unknown_tenant_is_refused_beside_one_that_commits(process: Process) -> None:
    outcomes = await process.run(place(99), place())
    assert refusal(outcomes.pop(0)) == "tenant-not-found"
    assert len(applied(outcomes)) == 1


async def test_times_never_go_back(process: Process, connection: Connection) -> None:
    await process.run(place())
    future = time_ns() // 1_000_000 + 3_600_000
    await connection.execute("UPDATE tenant_heads SET last_timestamp = $1", future)
    process.memory.forget([EXTERNAL_TENANT])
    await process.run(place())
    log = await ledger.events(connection, EXTERNAL_TENANT)
    assert log[1]["timestamp"] == future
    assert (await ledger.head(connection, EXTERNAL_TENANT))["last_timestamp"] == future


@pytest.mark.parametrize(
    ("change", "expected"),
    [("status = 'suspended'", "tenant-suspended"), ("wallet = 'internal'", "insufficient-funds")],
)
async def test_a_changed_tenant_makes_what_is_remembered_lose_its_swap(
    process: Process, connection: Connection, change: str, expected: str
) -> None:
    await process.run(place())
    revision = (await ledger.head(connection, EXTERNAL_TENANT))["revision"]
    await connection.execute(
        f"UPDATE tenants SET {change} WHERE id = $1",  # noqa: S608
        EXTERNAL_TENANT,
    )
    assert (await ledger.head(connection, EXTERNAL_TENANT))["revision"] == revision + 1
    again = place()
    assert await process.run(again) == {}
    assert refusal((await process.run(again))[0]) == expected
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 1


async def test_a_repeat_is_known_as_one_by_a_process_that_learns_of_a_suspension_just_now(
    process: Process, other: Process, connection: Connection
) -> None:
    await process.run(place())
    await other.run(place(key="k"))
    await connection.execute(
        "UPDATE tenants SET status = 'suspended' WHERE id = $1", EXTERNAL_TENANT
    )
    repeat = place(key="k")
    assert await process.run(repeat) == {}
    assert applied(await process.run(repeat))[0].duplicate


async def test_a_batch_of_refusals_only_is_decided_on_rows_read_just_now(
    process: Process, other: Process
) -> None:
    placed = place()
    await process.run(placed)
    await other.run(confirm(placed))
    outcome = (await process.run(confirm(placed, versions=frozenset({7}))))[0]
    assert isinstance(outcome, Refused)
    assert "is at version 2" in str(outcome.problem["detail"])
    duplicate = applied(await process.run(place(key=placed.idempotency_key), afresh=True))[0]
    assert (duplicate.row.status, duplicate.duplicate) == ("confirmed", True)
