"""Followers while the database restarts: they wait on, and miss nothing."""

import asyncio
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from app import embedded
from app.migrations import migrate
from tests.app.followers import until_followed
from tests.app.messages import events, stream
from tests.conftest import UNSAFE_BUT_FAST, StartService


@pytest.fixture
def directory() -> Generator[Path]:
    """Where a server of this test's own keeps its data."""
    made = Path(tempfile.mkdtemp(prefix="stakebook-test-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def test_who_waits_outlasts_a_restart_of_the_database(
    start_service: StartService, directory: Path
) -> None:
    server = await asyncio.to_thread(embedded.start, directory, UNSAFE_BUT_FAST)
    try:
        await migrate(server.url)
        async with start_service(server.url) as client:
            await client.place_bet()
            async with stream(client, after=1) as received:
                waiting = asyncio.create_task(client.get("/feed?after=1&wait=30"))
                await until_followed(client, 2)
                await asyncio.to_thread(server.release)
                server = await asyncio.to_thread(embedded.start, directory, UNSAFE_BUT_FAST)
                placed = await client.place_bet()
                assert placed.status_code == 201
                streamed = await asyncio.wait_for(events(received, 1), 10)
            polled = (await asyncio.wait_for(waiting, 10)).json()["events"]
            assert polled == streamed
            assert [event["aggregate_id"] for event in polled] == [placed.json()["bet_id"]]
    finally:
        await asyncio.to_thread(server.release)
