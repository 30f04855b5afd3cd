"""`explain`: which events made each column of a row."""

import asyncpg

from app.database import batch_connection
from app.explanation import Explanation, explain
from tests.app.ledger import Connection
from tests.app.processes import run
from tests.app.submissions import pay, place
from tests.app.units import applied, confirm, connected
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, Client


async def explained(database: str, view: str, key: str = "", last: int = 3) -> Explanation:
    """Explain a row of the tenant with an external wallet."""
    async with batch_connection(database, "test") as connection:
        return await explain(connection, EXTERNAL_TENANT, view, key, last)


def told(explanation: Explanation, column: str) -> list[tuple[str, int]]:
    """The value and position of each cause of a column."""
    return [(str(cause.value), cause.position) for cause in explanation.causes[column]]


async def test_each_column_of_a_bet_names_the_events_that_changed_it(database: str) -> None:
    async with connected(database) as process:
        placed = place()
        applied(await process.run(place(), placed, confirm(placed)))
    explanation = await explained(database, "bets_view", placed.resource_id)
    assert told(explanation, "stake") == [("10.5000", 2)]
    assert told(explanation, "status") == [("placed", 2), ("confirmed", 3)]
    assert not explanation.wrong


async def test_a_total_names_the_last_events_and_counts_the_earlier_ones(database: str) -> None:
    async with connected(database) as process:
        applied(await process.run(*(place(user_id=f"user-{n % 2}") for n in range(9)), pay()))
    of_user = await explained(database, "user_activity_view", "user-1")
    assert told(of_user, "staked") == [("21.0000", 4), ("31.5000", 6), ("42.0000", 8)]
    assert of_user.earlier["staked"] == 1
    of_tenant = await explained(database, "tenants_summary_view", last=1)
    assert told(of_tenant, "bets_placed") == [("9", 9)]
    assert told(of_tenant, "deposits") == [("100.0000", 11)]
    of_balance = await explained(database, "user_balances_view", "user-1")
    assert told(of_balance, "balance") == [("100.0000", 12)]


async def test_the_command_prints_a_table_and_what_is_stored_otherwise(
    client: Client, connection: Connection, database: str
) -> None:
    bet_id = (await client.place_bet()).json()["bet_id"]
    given = ("explain", "bets_view", bet_id, "--tenant", str(client.tenant_id))
    finished = await run(*given, DATABASE_URL=database)
    assert finished.returncode == 0
    title, *lines = finished.stdout.splitlines()
    assert title.split() == ["column", "value", "position", "event", "type", "time"]
    assert ["stake", "10.5000", "1", "V1_BETS_BET_PLACED"] in [line.split()[:4] for line in lines]
    await connection.execute("UPDATE bets_view SET stake = 99")
    finished = await run(*given, DATABASE_URL=database)
    assert finished.returncode == 1
    assert finished.stdout.splitlines()[-1] == "stake is stored as 99.0000, its events make 10.5000"


async def test_a_row_that_is_not_there_and_no_event_made_is_one_line(
    connection: "asyncpg.Connection[asyncpg.Record]", database: str
) -> None:
    assert await connection.fetchval("SELECT count(*) FROM bets_view") == 0
    given = ("explain", "bets_view", "bet-none", "--tenant", str(INTERNAL_TENANT))
    finished = await run(*given, DATABASE_URL=database)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("stakebook: Tenant 10003 has no row 'bet-none' in bets_view")
