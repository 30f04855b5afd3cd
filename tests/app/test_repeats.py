"""Repeats: they write nothing, and rest on the head like everything else."""

from collections.abc import AsyncGenerator

import pytest

from app.submission import Submission
from domain.bet import CancelBet
from tests.app.ledger import Connection, assert_sound
from tests.app.submissions import pay, place, submission
from tests.app.units import Process, applied, confirm, connected
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT

# With the place where it stands: the row itself is not written anew.
HEAD = "SELECT ctid::text, * FROM tenant_heads WHERE tenant_id = $1"


@pytest.fixture
async def process(database: str) -> AsyncGenerator[Process, None]:
    async with connected(database) as made:
        yield made


@pytest.fixture
async def other(database: str) -> AsyncGenerator[Process, None]:
    async with connected(database) as made:
        yield made


def bets() -> list[Submission]:
    return [place(user_id=f"user-{n}", key=f"key-{n}") for n in range(20)]


async def test_a_batch_of_repeats_is_one_statement_and_leaves_no_trace(
    process: Process, connection: Connection
) -> None:
    placed = applied(await process.run(*bets()))
    before = await connection.fetchrow(HEAD, EXTERNAL_TENANT)
    repeated = applied(await process.run(*bets()))
    assert len(process.statements) == 1
    assert [outcome.row for outcome in repeated] == [outcome.row for outcome in placed]
    assert {(outcome.status, outcome.duplicate) for outcome in repeated} == {(200, True)}
    assert await connection.fetchrow(HEAD, EXTERNAL_TENANT) == before
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 20
    assert applied(await process.run(place()))[0].row.last_position == 21
    assert len(process.statements) == 1


async def test_a_repeat_tells_what_has_become_of_the_bet_in_another_process(
    process: Process, other: Process
) -> None:
    placed = place(key="k")
    await process.run(placed)
    await other.run(submission(CancelBet(), "bet", placed.resource_id))
    assert await process.run(place(key="k")) == {}
    repeated = applied(await process.run(place(key="k")))[0]
    assert (repeated.row.status, repeated.duplicate) == ("cancelled", True)


async def test_a_repeat_whose_head_was_moved_does_not_keep_those_of_other_tenants(
    process: Process, other: Process
) -> None:
    await process.run(place(DEFAULT_TENANT, key="k"), place(EXTERNAL_TENANT, key="k"))
    await other.run(place(EXTERNAL_TENANT))
    repeats = [place(EXTERNAL_TENANT, key="k"), place(DEFAULT_TENANT, key="k")]
    assert (await process.run(*repeats)).keys() == {1}


async def test_repeats_beside_new_commands_are_answered_with_what_those_leave_behind(
    process: Process, connection: Connection
) -> None:
    await process.run(pay(INTERNAL_TENANT, key="paid"))
    placed = place(INTERNAL_TENANT, key="placed")
    again = [place(INTERNAL_TENANT, key="placed"), pay(INTERNAL_TENANT, key="paid")]
    outcomes = applied(await process.run(placed, confirm(placed), *again))
    assert [o.duplicate for o in outcomes] == [False, False, True, True]
    assert outcomes[2].row == outcomes[1].row
    log = await assert_sound(connection, INTERNAL_TENANT)
    assert len(log) == 6  # created, completed, increased, placed, decreased, confirmed
