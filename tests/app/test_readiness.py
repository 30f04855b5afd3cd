"""Readiness: a process whose committer has ended says so, refuses commands and can be stopped."""

import asyncio

import pytest

from app.problems import OVERLOADED, Problem
from tests.app.submissions import place
from tests.app.units import committing


async def test_a_committer_that_has_ended_takes_no_commands_and_closes(database: str) -> None:
    async with committing(database) as committer:
        await committer.submit(place())
        assert committer.alive
        writers = [task for task in asyncio.all_tasks() if "Committer._write" in repr(task)]
        assert len(writers) == 1
        writers[0].cancel()
        await asyncio.wait(writers)
        assert not committer.alive
        with pytest.raises(Problem) as refused:
            await committer.submit(place())
    assert refused.value.document["type"] == OVERLOADED.type
