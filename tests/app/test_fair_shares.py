"""Tenants beside one that floods the service: its commands are not what theirs wait for."""

import asyncio

from app.committer import SHARES, Committer
from app.submission import Submission
from tests.app.answered import NEW, brief, submit, submitted
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import held, observer, waiting
from tests.app.submissions import pay, place
from tests.app.units import committing
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT

FLOOD = 600
BATCH_LIMIT = 256


def flood(number: int) -> list[Submission]:
    """Bets of one tenant by one user, of whom the process knows."""
    return [place(EXTERNAL_TENANT) for _ in range(number)]


async def get_to_know(committer: Committer) -> None:
    """Have the tenants and their users read, so that nothing has to be read later."""
    known = [place(EXTERNAL_TENANT), place(DEFAULT_TENANT)]
    assert [brief(outcome) for outcome in await submit(committer, known)] == [NEW] * 2


async def test_a_small_tenants_command_is_in_the_next_batch_although_hundreds_of_another_wait(
    database: str, connection: Connection
) -> None:
    async with committing(database) as committer, observer(database) as looking:
        await get_to_know(committer)
        async with held(connection), waiting(looking, committer.submit(place())):
            flooding = [asyncio.ensure_future(committer.submit(each)) for each in flood(FLOOD)]
            await asyncio.sleep(0)
            small = asyncio.ensure_future(committer.submit(place(DEFAULT_TENANT)))
            await asyncio.sleep(0)
        assert brief(await small) == NEW
        assert sum(each.done() for each in flooding) <= BATCH_LIMIT // SHARES
        assert [brief(outcome) for outcome in await asyncio.gather(*flooding)] == [NEW] * FLOOD
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == FLOOD + 2
    assert len(await assert_sound(connection, DEFAULT_TENANT)) == 2


async def test_a_flooding_tenant_is_turned_away_and_the_others_are_not(
    database: str, connection: Connection
) -> None:
    async with (
        committing(database, queue_limit=40) as committer,
        observer(database) as looking,
    ):
        await get_to_know(committer)
        async with held(connection), waiting(looking, committer.submit(place())):
            flooding = asyncio.ensure_future(submitted(committer, flood(60)))
            await asyncio.sleep(0)
            few = [place(DEFAULT_TENANT) for _ in range(5)]
            others = asyncio.ensure_future(submitted(committer, [*few, pay(INTERNAL_TENANT)]))
            await asyncio.sleep(0)
            again = asyncio.ensure_future(submitted(committer, flood(3)))
        answers = await flooding
        assert (answers.count(NEW), answers.count("overloaded")) == (40, 20)
        assert await others == [NEW] * 6
        assert await again == ["overloaded"] * 3


async def test_commands_whose_time_has_passed_take_no_turns_from_those_behind_them(
    database: str, connection: Connection
) -> None:
    async with (
        committing(database, command_timeout_seconds=0.2) as committer,
        observer(database) as looking,
    ):
        await get_to_know(committer)
        async with held(connection), waiting(looking, submitted(committer, flood(1))) as first:
            late = await asyncio.wait_for(submitted(committer, flood(100)), 10)
        assert [*await first, *late] == ["unavailable"] * 101
        assert brief(await committer.submit(place())) == NEW
