"""What is another tenant's is, to whoever asks, what does not exist."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import asyncpg
import pytest

from tests.app.api.askings import Asking, ask, askings
from tests.app.api.likeness import Likeness, likeness
from tests.app.api.things import Things, own, theirs
from tests.app.ledger import Connection
from tests.app.transfers import held
from tests.conftest import Client, StartService

OWNER, STRANGER = 20001, 20002
INSERT = (
    "INSERT INTO tenants (id, name, slug, wallet)"
    " SELECT id, 'Tenant', 'tenant-' || id, $2 FROM unnest($1::bigint[]) AS given (id)"
)

# Events of the owner's with the ids of the stranger's bets, as an import could bring them.
NAMESAKES = (
    "INSERT INTO bet_events SELECT (jsonb_populate_record(event,"
    " jsonb_build_object('tenant_id', $1::bigint, 'position', -position))).*"
    " FROM bet_events AS event WHERE tenant_id = $2"
)

SNAPSHOTS = (
    "INSERT INTO snapshots (tenant_id, projection, key, position, document)"
    """ VALUES ($1, 'tenants_summary_view', '', 1, '{"bets_placed": 7, "last_position": 1}')"""
)


class Tenants(NamedTuple):
    """The owner of things and a stranger; and the stranger's like, where there is no owner."""

    owner: Client
    stranger: Client
    like: Client


class Caller(NamedTuple):
    """One who asks, with what is his own."""

    client: Client
    own: Things

    async def ask(self, asking: Asking, things: Things, key: str) -> Likeness:
        """The answer, without what differs from one answer to the next."""
        mine = await own(self.client) if asking.moves_own else self.own
        return likeness(await ask(self.client, asking, mine, things, key))


@pytest.fixture
async def elsewhere(other_database: str) -> AsyncGenerator[Connection, None]:
    """A connection to the database without an owner."""
    connected = await asyncpg.connect(other_database)
    yield connected
    await connected.close()


@pytest.fixture(params=[False, True], ids=["remembered", "forgotten"])
def forgotten(request: pytest.FixtureRequest) -> bool:
    """Whether processes forget each tenant at once, and the database every key."""
    return bool(request.param)


@pytest.fixture
async def tenants(
    forgotten: bool,
    start_service: StartService,
    connection: Connection,
    other_database: str,
    elsewhere: Connection,
) -> AsyncGenerator[Tenants, None]:
    """Tenants of one wallet, at a process each."""
    wallet = "internal" if forgotten else "external"
    for each in (connection, elsewhere):
        await each.execute("DELETE FROM tenants")  # whatever is first of all tenants is the owner's
    await connection.execute(INSERT, [OWNER, STRANGER], wallet)
    await elsewhere.execute(INSERT, [STRANGER], wallet)
    settings: dict[str, object] = {
        "cached_tenants": 1 if forgotten else 256,
        "feed_ping_seconds": 0.05,
    }
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(start_service(**settings))
        there = await stack.enter_async_context(start_service(other_database, **settings))
        yield Tenants(here.of(OWNER), here.of(STRANGER), there.of(STRANGER))


async def test_what_is_another_tenants_is_answered_as_what_never_was(
    tenants: Tenants,
    forgotten: bool,
    connection: Connection,
    elsewhere: Connection,
    subtests: pytest.Subtests,
) -> None:
    stranger, like = [Caller(each, await own(each)) for each in tenants[1:]]
    things = await theirs(tenants.owner)
    for caller in (stranger, like):  # something that is later than all of theirs
        assert (await caller.client.post(f"/bets/{caller.own['bet_id']}/confirm")).is_success
    assert await connection.execute(NAMESAKES, OWNER, STRANGER) == "INSERT 0 2"
    await connection.execute(SNAPSHOTS, OWNER)
    if forgotten:
        for each in (connection, elsewhere):
            await each.execute("DELETE FROM idempotency_keys")
    before = await held(connection, OWNER)
    for number, (asking, named) in enumerate(_all(things)):
        with subtests.test(f"{number}: {asking}"):
            answered = await stranger.ask(asking, named, f"key {number}")
            assert answered == await like.ask(asking, named, f"key {number}")
            if asking.is_read_of_one:
                assert answered != await Caller(tenants.owner, named).ask(asking, named, "")
    assert await held(connection, OWNER) == before
    assert await _left(connection, stranger.client) == await _left(elsewhere, like.client)


def _all(things: list[Things]) -> Iterator[tuple[Asking, Things]]:
    """Each asking, for all of the things if it names what they differ in."""
    for asking in askings():
        for named in things if {"bet_id", "payment_id"} & asking.things else things[:1]:
            yield asking, named


async def _left(connection: Connection, client: Client) -> object:
    """What a tenant has come to: the number of its rows and of its keys, and its log."""
    rows = await held(connection, client.tenant_id)
    keys = await connection.fetchval(
        "SELECT count(*) FROM idempotency_keys WHERE tenant_id = $1", client.tenant_id
    )
    log = likeness(await client.get("/events"))
    return {table: len(found) for table, found in rows.items()}, keys, log
