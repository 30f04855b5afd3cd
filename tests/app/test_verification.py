"""`verify`: what is right is found right, whatever is not is found and named."""

import asyncio

import pytest
from sqlalchemy import TextClause

from app.committer import Committer
from app.database import batch_connection
from app.draft import Draft
from app.fault import Fault
from app.query import Query
from app.shadow import Shadow
from app.submission import Applied, Refused
from app.tenant_state import Head, TenantState
from app.verification import verify
from domain.tenant import Tenant
from projections import oracle
from projections.change import TENANT_KEY
from tests.app.corruptions import VIEWS, Corruption, Vandal
from tests.app.ledger import Connection
from tests.app.operators import TENANTS, Operators, operate
from tests.app.processes import run
from tests.app.submissions import pay, place
from tests.app.units import committing
from tests.conftest import INTERNAL_TENANT


def ignore(_: int) -> None:
    """No progress is shown."""


@pytest.mark.parametrize("seed", range(2))
async def test_what_commands_have_written_is_as_it_should_be(database: str, seed: int) -> None:
    await operate(database, 400, seed)
    async with batch_connection(database, "test") as connection:
        for tenant in TENANTS:
            verified = await verify(connection, tenant, ignore)
            assert verified.fault is None, str(verified.fault)
            assert verified.events > 30


async def test_a_hundred_corruptions_are_a_hundred_faults(database: str) -> None:
    await operate(database, 300, tenants=[INTERNAL_TENANT])
    async with batch_connection(database, "test") as connection:
        vandal = Vandal(connection, INTERNAL_TENANT, seed=1)
        for _ in range(100):
            async with vandal.spoilt() as corruption:
                fault = (await verify(connection, INTERNAL_TENANT, ignore)).fault
                assert fault is not None, corruption
                assert_named(fault, corruption)
        assert (await verify(connection, INTERNAL_TENANT, ignore)).fault is None


async def test_nothing_is_wrong_while_commands_go_on(database: str) -> None:
    stopping = asyncio.Event()

    async def write(committer: Committer, seed: int) -> int:
        operators, sent = Operators(seed, [INTERNAL_TENANT]), 0
        while not stopping.is_set():
            await committer.submit(operators.command())
            sent += 1
        return sent

    async with committing(database) as committer, batch_connection(database, "test") as connection:
        writers = asyncio.gather(*(write(committer, seed) for seed in range(8)))
        found = [await verify(connection, INTERNAL_TENANT, ignore) for _ in range(10)]
        stopping.set()
        assert min(await writers) > 0
    assert [str(verified.fault) for verified in found] == ["None"] * 10
    assert found[0].events < found[-1].events


def test_the_head_has_the_time_of_the_last_event_though_a_later_command_was_refused() -> None:
    state = TenantState(
        Tenant(id=INTERNAL_TENANT, status="active", wallet="internal"),
        Head(position=0, hash=b"", last_timestamp=0, revision=0),
    )
    for view in state.rows:
        state.rows[view] = {"user-1": None, TENANT_KEY: None}
    draft = Draft(state)
    assert isinstance(draft.decide(pay(INTERNAL_TENANT, amount="1"), 1000), Applied)
    assert isinstance(draft.decide(place(INTERNAL_TENANT), 2000), Refused)
    assert draft.head.last_timestamp == 1000


@pytest.mark.parametrize(
    ("rule", "spoil", "table", "column"),
    [
        (oracle.USERS, "UPDATE user_activity_view SET won = won + 1", "user_activity_view", "won"),
        (
            oracle.USERS,
            "UPDATE user_balances_view SET balance = balance + 1",
            "user_balances_view",
            "balance",
        ),
        (oracle.USERS, "UPDATE user_activity_view SET bets = 77", "user_activity_view", "bets"),
        (
            oracle.TENANT,
            "UPDATE tenants_summary_view SET gross_gaming_revenue = 0.0001",
            "tenants_summary_view",
            "gross_gaming_revenue",
        ),
        (oracle.TENANT, "UPDATE bets_view SET stake = stake + 1", "bets_view", "stake"),
        (oracle.TENANT, "UPDATE payments_view SET status = 'failed'", "payments_view", "status"),
        (
            oracle.MOVEMENTS,
            (
                "DELETE FROM balance_events WHERE position ="
                " (SELECT max(position) FROM balance_events WHERE event_data ? 'payment_id')"
            ),
            "balance_events",
            "amount",
        ),
        (
            oracle.MOVEMENTS,
            (
                "UPDATE balance_events"
                " SET event_data = jsonb_set(event_data, '{amount}', '0.0001')"
                " WHERE event_data ? 'bet_id'"
            ),
            "balance_events",
            "amount",
        ),
        (
            oracle.BELOW_ZERO,
            "DELETE FROM balance_events WHERE event_type = 'V1_BALANCES_BALANCE_INCREASED'",
            "balance_events",
            "amount",
        ),
    ],
)
async def test_the_sums_alone_find_what_the_folds_would_have_missed(
    database: str, connection: Connection, rule: TextClause, spoil: str, table: str, column: str
) -> None:
    await operate(database, 200, tenants=[INTERNAL_TENANT])
    query = Query(rule)
    assert await connection.fetchrow(query.text, INTERNAL_TENANT) is None
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(spoil)
    found = await connection.fetchrow(query.text, INTERNAL_TENANT)
    assert found
    assert (found["table_name"], found["column_name"].split()[0]) == (table, column)
    assert found["due"] != found["found"]


async def test_a_shadow_with_next_to_no_memory_is_the_same(
    database: str, connection: Connection
) -> None:
    await operate(database, 200, tenants=[INTERNAL_TENANT])
    async with batch_connection(database, "test") as batch:
        made = Shadow(batch, INTERNAL_TENANT, held_rows=2, at_once=7)
        await made.open()
        await made.catch_up()
        await made.write()
        for view, key in VIEWS.items():
            order = f"ORDER BY {key or 'tenant_id'}"
            rows = await batch.fetch(f"SELECT * FROM shadow_{view} {order}")  # noqa: S608
            found = await connection.fetch(f"SELECT * FROM {view} {order}")  # noqa: S608
            assert rows
            assert list(map(dict, rows)) == list(map(dict, found))


async def test_the_command_says_what_is_wrong_and_ends_with_status_one(
    database: str, connection: Connection
) -> None:
    await operate(database, 200)
    finished = await run("verify", DATABASE_URL=database)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [line.split(":")[0] for line in finished.stdout.splitlines()] == [
        f"tenant {tenant}" for tenant in TENANTS
    ]
    await connection.execute(
        "UPDATE tenants_summary_view SET turnover = -1 WHERE tenant_id = $1", INTERNAL_TENANT
    )
    finished = await run("verify", DATABASE_URL=database)
    assert (finished.returncode, finished.stderr) == (1, "")
    (said,) = [line for line in finished.stdout.splitlines() if "is -1" in line]
    assert said.startswith(f"tenant {INTERNAL_TENANT}: tenants_summary_view, position ")
    assert "turnover: is -1.0000, should be" in said


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (["verify", "--tenant", "5"], 1, "There is no tenant 5."),
        (["projections", "rebuild", "--tenant", "5"], 1, "There is no tenant 5."),
        (["projections", "rebuild", "bet_view"], 2, "'user_balances_view'"),
        (["explain", "bet_view", "bet-1", "--tenant", "10001"], 2, "'user_balances_view'"),
        (["verify", "--file", "no.avro"], 2, "does not exist"),
    ],
)
async def test_what_is_not_there_is_told(
    database: str, command: list[str], status: int, said: str
) -> None:
    finished = await run(*command, DATABASE_URL=database)
    assert finished.returncode == status
    assert said in finished.stderr
    assert "Traceback" not in finished.stderr


def assert_named(fault: Fault, corruption: Corruption) -> None:
    """The fault is where the corruption is, as far as that can be known."""
    said = f"{corruption.told}: {fault}"
    assert fault.tenant_id == INTERNAL_TENANT
    assert corruption.table in {"", fault.table}, said
    assert corruption.column in {None, fault.column}, said
    assert corruption.position in {None, fault.position}, said
