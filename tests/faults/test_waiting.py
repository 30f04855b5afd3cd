"""Commands that find what they need taken: a lock, a connection, the database itself."""

import asyncio
from random import Random
from typing import Final

from tests.app.ledger import Connection
from tests.app.locks import until
from tests.conftest import Examples, StartService
from tests.faults.books import assert_balanced
from tests.faults.breaker import Breaker, Planned
from tests.faults.business import TENANTS, acted, business, count_unnoticed, customers_of
from tests.faults.customers import Customer
from tests.faults.wire import Place
from tests.tally import Tally

LOCK: Final = "SELECT FROM tenant_heads WHERE tenant_id = ANY ($1) FOR UPDATE"
COMMITS: Final = [
    Planned("cut after", 0, Place("writing", "client", "S")),
    Planned("cut before", 0, Place("writing", "server", "2")),
    Planned("cut within", 0, Place("writing", "server", "Z")),
    Planned("cut before", 0, Place("writing", "client", "S")),
]


async def test_a_lock_that_is_held_for_longer_than_is_waited_holds_up_its_tenants_alone(
    database: str,
    connection: Connection,
    start_service: StartService,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    locks = examples(short=3, long=100)
    async with start_service() as client:
        customers = customers_of(6, random, client)
        async with business(customers):
            for _ in range(locks):
                await acted(customers, len(customers))
                async with connection.transaction():
                    await connection.fetch(LOCK, random.sample(TENANTS, random.randrange(1, 3)))
                    await acted(customers)
                    await asyncio.sleep(random.uniform(0.5, 0.8))
            await acted(customers)
    count_unnoticed(tally, "lock timeout", locks, customers)
    await assert_balanced(database, customers)


async def test_reads_that_take_every_connection_of_theirs_hold_up_no_command_for_good(
    database: str,
    connection: Connection,
    start_service: StartService,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    """Of a tenant that the service has not seen yet, it asks the way reads do."""
    exhaustions = examples(short=4, long=100)
    customers: list[Customer] = []
    async with start_service(pool_size=2) as client:
        assert (await client.get("/users/nobody/payments")).status_code == 200
        for tenant in range(1, exhaustions + 1):
            await connection.execute(
                "INSERT INTO tenants (id, name, slug) VALUES ($1, $2, $2)", tenant, str(tenant)
            )
            customers.append(Customer(f"user-{tenant}", random, client.of(tenant)))
            async with connection.transaction():
                await connection.execute("LOCK TABLE payments_view IN ACCESS EXCLUSIVE MODE")
                reads = [
                    asyncio.create_task(client.get("/users/nobody/payments")) for _ in range(6)
                ]
                acting = asyncio.create_task(customers[-1].act())
                await asyncio.sleep(0.2)
                assert not acting.done()
            await acting
            assert {(await read).status_code for read in reads} == {200}
    count_unnoticed(tally, "no connection for reads", exhaustions, customers)
    await assert_balanced(database, customers)


async def test_who_is_told_that_the_database_is_away_sends_the_command_again_and_has_it_once(
    database: str,
    breaker: Breaker,
    start_service: StartService,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    """Often it was carried out, and nobody came to know; the repeat is a duplicate then."""
    absences = examples(short=6, long=200)
    async with start_service(breaker.url, command_timeout_seconds=0.2) as client:
        customers = customers_of(6, random, client)
        async with business(customers):
            for _ in range(absences):
                await acted(customers, len(customers))
                breaker.plan([random.choice(COMMITS)])
                await until_hit(breaker)
                breaker.refusing = True
                breaker.cut()  # who has come back meanwhile too
                await asyncio.sleep(random.uniform(0.1, 0.6))
                breaker.refusing = False
            await acted(customers)
    told = [told for customer in customers for told in customer.told]
    at_once = sum(each.at_once for each in told)
    again = len(told) - at_once
    counts = {"commands": len(told), "answered_at_once": at_once, "sent_again": again}
    tally.count("database away", faults=absences, **counts)
    await assert_balanced(database, customers)


async def until_hit(breaker: Breaker) -> None:
    """Go on once the planned fault has come."""

    async def hit() -> bool:
        return bool(breaker.hits)

    await until(hit)
