"""`projections rebuild` as a process that is killed."""

import signal
import subprocess
import sys

from tests.app.ledger import Connection
from tests.app.locks import held, observer, until, until_blocked
from tests.app.processes import BASE, ROOT, run
from tests.app.rebuilding import place_many, rebuilt
from tests.conftest import EXTERNAL_TENANT


def start(database: str) -> "subprocess.Popen[bytes]":
    """Start to rebuild everything."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", "projections", "rebuild"],
        cwd=ROOT,
        env=BASE | {"DATABASE_URL": database},
        stdout=subprocess.DEVNULL,
    )


async def test_killed_half_way_each_row_is_as_it_was_or_right_and_the_next_run_ends_it(
    database: str, connection: Connection
) -> None:
    await place_many(database, 3000)
    await connection.execute("UPDATE bets_view SET fixture_id = 'wrong', odds = 5")
    wrong = "SELECT count(*) FROM bets_view WHERE fixture_id = 'wrong' AND odds = 5"
    process = start(database)

    async def some_are_set() -> bool:
        return int(await connection.fetchval(wrong)) < 3000

    await until(some_are_set)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    right = "SELECT count(*) FROM bets_view WHERE fixture_id = 'fixture-7' AND odds = 2.1"
    left = await connection.fetchval(wrong)
    assert 0 < left < 3000
    assert left + await connection.fetchval(right) == 3000
    said = await run("verify", "--tenant", str(EXTERNAL_TENANT), DATABASE_URL=database)
    assert said.returncode == 1
    assert "bets_view" in said.stdout
    said = await run("projections", "rebuild", DATABASE_URL=database)
    assert f"rows set: {left} of bets_view" in said.stdout
    assert (await run("verify", DATABASE_URL=database)).returncode == 0


async def test_killed_while_it_waits_for_the_head_it_leaves_no_lock(
    database: str, connection: Connection
) -> None:
    await place_many(database, 1)
    await connection.execute("UPDATE bets_view SET odds = 5")
    async with observer(database) as looking, held(connection):
        process = start(database)
        await until_blocked(looking)
        process.kill()
        process.wait()
    assert dict((await rebuilt(database, EXTERNAL_TENANT)).rows) == {"bets_view": 1}
