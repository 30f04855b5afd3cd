"""Two processes that write to the same tenants: they take turns, and stop it when it is over."""

import asyncio
from collections.abc import AsyncGenerator
from typing import NamedTuple

import pytest

from app.committer import Committer
from app.metrics import Metrics
from tests.app.answered import NEW, submitted
from tests.app.ledger import Connection, assert_sound
from tests.app.proxy import Proxy, proxy_to
from tests.app.submissions import place
from tests.app.units import committing
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT

TENANTS = (DEFAULT_TENANT, EXTERNAL_TENANT)
LOST = b'stakebook_retries_total{reason="head moved"}'


class Rivals(NamedTuple):
    """A process behind a proxy, and another on the same database."""

    one: Committer
    two: Committer
    proxy: Proxy
    metrics: Metrics


@pytest.fixture
async def rivals(database: str) -> AsyncGenerator[Rivals, None]:
    metrics = Metrics()
    async with (
        proxy_to(database) as proxy,
        committing(proxy.url, metrics) as one,
        committing(database) as two,
    ):
        yield Rivals(one, two, proxy, metrics)


def lost(metrics: Metrics) -> int:
    """How many batches of a process lost a head to another."""
    lines = metrics.exposition().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith(LOST))


async def in_turns(rivals: Rivals, rounds: int) -> None:
    """Have both write to the tenants, one after the other."""
    for _ in range(rounds):
        for committer in (rivals.two, rivals.one):
            assert await submitted(committer, [place(tenant) for tenant in TENANTS]) == [NEW] * 2


async def test_both_get_all_their_commands_in_for_every_tenant(
    rivals: Rivals, connection: Connection
) -> None:
    batches = [[place(TENANTS[n % 2], f"user-{(n + k) % 7}") for n in range(150)] for k in range(2)]
    answers = await asyncio.gather(
        *(submitted(one, batch) for one, batch in zip(rivals[:2], batches, strict=True))
    )
    assert answers == [[NEW] * 150] * 2
    for tenant in TENANTS:
        log = await assert_sound(connection, tenant)
        keys = {s.idempotency_key for batch in batches for s in batch if s.tenant_id == tenant}
        assert {row["idempotency_key"] for row in log} == keys
        assert len(log) == 150


async def test_a_process_that_lost_a_batch_does_not_lose_the_next_ones(rivals: Rivals) -> None:
    await in_turns(rivals, 10)
    assert lost(rivals.metrics) == 1


async def test_a_process_whose_rival_falls_silent_is_back_to_one_round_trip(
    rivals: Rivals,
) -> None:
    await in_turns(rivals, 3)
    await submitted(rivals.one, [place(tenant) for tenant in TENANTS])
    before = rivals.proxy.round_trips
    await submitted(rivals.one, [place(tenant) for tenant in TENANTS])
    assert rivals.proxy.round_trips == before + 1


async def test_a_process_that_lost_one_of_many_heads_is_soon_back_to_one_round_trip(
    rivals: Rivals, connection: Connection
) -> None:
    await connection.execute(
        "INSERT INTO tenants (id, name, slug) VALUES (1, 'a', 'a'), (2, 'b', 'b')"
    )
    tenants = (*TENANTS, 1, 2)
    for _ in range(2):
        await submitted(rivals.one, [place(tenant) for tenant in tenants])
    await rivals.two.submit(place())
    for _ in range(2):
        assert await submitted(rivals.one, [place(tenant) for tenant in tenants]) == [NEW] * 4
    before = rivals.proxy.round_trips
    await submitted(rivals.one, [place(tenant) for tenant in tenants])
    assert rivals.proxy.round_trips == before + 1


async def test_a_tenant_that_is_not_remembered_is_no_sign_of_a_rival(
    database: str, connection: Connection
) -> None:
    await connection.execute(
        "INSERT INTO tenants (id, name, slug) VALUES (1, 'a', 'a'), (2, 'b', 'b')"
    )
    async with (
        proxy_to(database) as proxy,
        committing(proxy.url, cached_tenants=1) as one,
        committing(database) as two,
    ):
        for tenant in (1, 2, *TENANTS):
            await one.submit(place(tenant))
        await two.submit(place())
        await one.submit(place())
        for tenant in (1, 2, DEFAULT_TENANT):
            await one.submit(place(tenant))
        before = proxy.round_trips
        await one.submit(place(1))
        assert proxy.round_trips == before + 2
