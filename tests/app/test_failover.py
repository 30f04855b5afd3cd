"""A failover: the server that the committer talks to has become a read-only standby."""

import asyncio

from app.metrics import Metrics
from app.submission import Applied
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import until
from tests.app.submissions import place
from tests.app.units import committing
from tests.conftest import EXTERNAL_TENANT

SWITCH = "ALTER DATABASE {name} SET default_transaction_read_only = {value}"
END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'stakebook'"
)
# What the committer counts when the standby refuses a commit, as passing or for good.
REFUSED = (b'reason="ReadOnlySQLTransactionError"', b'reason="rejected"')


async def test_a_command_outlasts_the_time_in_which_the_server_takes_no_writes(
    database: str, connection: Connection
) -> None:
    name = await connection.fetchval("SELECT current_database()")
    metrics = Metrics()

    async def refused() -> bool:
        exposition = metrics.exposition()
        return any(reason in exposition for reason in REFUSED)

    async with committing(database, metrics) as committer:
        await committer.submit(place())
        await connection.execute(SWITCH.format(name=name, value="on"))
        await connection.fetch(END_OTHERS)
        waiting = asyncio.create_task(committer.submit(place()))
        await until(refused)
        # This session was read-write before the switch and still is.
        await connection.execute(SWITCH.format(name=name, value="off"))
        outcome = await waiting
    assert isinstance(outcome, Applied)
    assert not outcome.duplicate
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2
