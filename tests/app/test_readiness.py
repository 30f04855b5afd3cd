"""Readiness: a process whose committer has ended says so, refuses commands and can be stopped."""

import asyncio

import pytest

from app.problems import OVERLOADED, UNAVAILABLE, Problem
from tests.app.ledger import Connection
from tests.app.locks import held, observer, until_blocked
from tests.app.submissions import place
from tests.app.units import committing


async def end_writer() -> None:
    """End what commits from outside, as nothing in the service does."""
    writers = [task for task in asyncio.all_tasks() if "Committer._write" in repr(task)]
    assert len(writers) == 1
    writers[0].cancel()
    await asyncio.wait(writers)


async def test_a_committer_that_has_ended_takes_no_commands_and_closes(database: str) -> None:
    async with committing(database) as committer:
        await committer.submit(place())
        assert committer.alive
        await end_writer()
        assert not committer.alive
        with pytest.raises(Problem) as refused:
            await committer.submit(place())
    assert refused.value.document["type"] == OVERLOADED.type


async def test_callers_are_told_when_the_committer_ends_under_their_commit(
    database: str, connection: Connection
) -> None:
    async with committing(database) as committer, observer(database) as looking:
        await committer.submit(place())
        async with held(connection):
            running = asyncio.create_task(committer.submit(place()))
            await until_blocked(looking)
            later = asyncio.create_task(committer.submit(place()))
            await end_writer()
        await committer.close()
        for caller in (running, later):
            with pytest.raises(Problem) as told:
                await asyncio.wait_for(caller, 10)
            assert told.value.document["type"] == UNAVAILABLE.type
