"""A network that delivers nothing any more, and tells neither the service nor the server."""

import asyncio
from random import Random
from typing import Final

from tests.app.ledger import Connection
from tests.app.proxy import listening
from tests.conftest import Examples, StartService
from tests.faults.books import assert_balanced
from tests.faults.breaker import Breaker, Planned
from tests.faults.customers import Customer
from tests.faults.wire import Place
from tests.tally import Tally

# Where the server is left with a transaction that nobody ends, and where it is not.
OF_ONE_STATEMENT: Final = [
    Place("writing", "client", "B"),
    Place("writing", "client", "S"),
    Place("writing", "server", "2"),
    Place("writing", "server", "Z"),
]
OF_SEVERAL: Final = [
    Place("begin", "client", "Q"),
    Place("locking", "server", "Z"),
    Place("writing", "client", "S"),
    Place("writing", "server", "Z"),
    Place("commit", "client", "Q"),
    Place("commit", "server", "Z"),
]


async def test_a_silent_network_is_given_up_and_blocks_no_tenant(
    database: str,
    connection: Connection,
    start_service: StartService,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    """Each on a tenant of its own, all at once: it is mostly waiting."""
    places = [(place, alone) for alone in (True, False) for place in _places(alone)]
    customers: list[Customer] = []

    async def fall_silent(place: Place, alone: bool, tenant: int) -> None:
        async with (
            listening(Breaker(database, random)) as breaker,
            start_service(breaker.url, statement_timeout_seconds=0.2) as client,
        ):
            customer = Customer(f"user-{tenant}", random, client.of(tenant))
            rivals = [] if alone else [Customer(f"rival-{tenant}", random, other.of(tenant))]
            customers.extend([customer, *rivals])
            # With a rival, from the second time on it holds the head.
            for each in [*rivals, customer] * 2 + rivals:
                await each.act()
            breaker.plan([Planned("silence", 0, place)])
            told = await customer.act()
            assert told.at_once, told
            assert [hit.place for hit in breaker.relent()] == [place]
            tally.count("silence", faults=1, commands=1, answered_at_once=1)

    async with start_service() as other:
        for turn in range(examples(short=1, long=25)):
            tenants = [100 * (turn + 1) + number for number in range(len(places))]
            await connection.executemany(
                "INSERT INTO tenants (id, name, slug) VALUES ($1, $2, $2)",
                [(tenant, str(tenant)) for tenant in tenants],
            )
            await asyncio.gather(
                *(fall_silent(*each, tenant) for each, tenant in zip(places, tenants, strict=True))
            )
    await assert_balanced(database, customers)


def _places(alone: bool) -> list[Place]:
    return OF_ONE_STATEMENT if alone else OF_SEVERAL
