"""Tenants that do the same at once are answered as each of them is alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeAlias

import asyncpg
import pytest

from tests.app.api.likeness import Likeness
from tests.app.api.play import Player
from tests.app.isolation.databases import copied
from tests.app.ledger import Connection, assert_sound
from tests.conftest import StartService

# Two of each wallet. All their numbers have as many digits.
WALLETS: Final = {20001: "external", 20002: "external", 20003: "internal", 20004: "internal"}
STATUSES: Final = {200, 201, 304, 400, 404, 405, 406, 409, 412, 413, 415, 422}

Empty: TypeAlias = Callable[[], AbstractAsyncContextManager[str]]


@pytest.fixture
def empty(server_url: str, template: str) -> Empty:
    """Make a database that holds no tenant yet."""

    @asynccontextmanager
    async def make() -> AsyncGenerator[str, None]:
        async with copied(server_url, template) as database:
            connection = await asyncpg.connect(database)
            await connection.execute("DELETE FROM tenants")
            await connection.close()
            yield database

    return make


async def play(start_service: StartService, database: str, *tenants: int) -> list[list[Likeness]]:
    """What these tenants are answered who play at once, and nobody else."""
    connection = await asyncpg.connect(database)
    for tenant in tenants:
        await _create(connection, tenant)
    async with start_service(database, feed_ping_seconds=0.1) as client:
        wallets = Counter(WALLETS[tenant] for tenant in tenants)
        barriers = {wallet: asyncio.Barrier(number) for wallet, number in wallets.items()}
        players = [Player(client.of(tenant), barriers[WALLETS[tenant]]) for tenant in tenants]
        async with asyncio.TaskGroup() as playing:
            tasks = [playing.create_task(player.play()) for player in players]
    for tenant in tenants:
        await assert_sound(connection, tenant)
    await connection.close()
    return [task.result() for task in tasks]


async def _create(connection: Connection, tenant: int) -> None:
    await connection.execute(
        "INSERT INTO tenants (id, name, slug, wallet) VALUES ($1, 'Twin', $2, $3)",
        tenant,
        f"twin-{tenant}",
        WALLETS[tenant],
    )


def without_number(answers: list[Likeness], tenant: int) -> list[Likeness]:
    """The answers as if the tenant had none."""
    return [answer._replace(body=answer.body.replace(str(tenant), "")) for answer in answers]


async def test_tenants_at_once_are_answered_as_each_of_them_alone(
    start_service: StartService, empty: Empty
) -> None:
    async with empty() as shared:
        together = await play(start_service, shared, *WALLETS)
    one, two, three, four = map(without_number, together, WALLETS)
    assert one == two != three == four
    assert {answer.status for answer in [*one, *three]} >= STATUSES
    for tenant, answers in zip(WALLETS, together, strict=True):
        async with empty() as own:
            assert await play(start_service, own, tenant) == [answers]
