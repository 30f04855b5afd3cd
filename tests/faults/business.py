"""Customers who go about their business while something happens to the service."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from random import Random

from tests.app.locks import until
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT, Client
from tests.faults.customers import Customer
from tests.tally import Tally

TENANTS = (INTERNAL_TENANT, EXTERNAL_TENANT, DEFAULT_TENANT)


def customers_of(
    number: int, random: Random, *replicas: Client, named: str = "user"
) -> list[Customer]:
    """So many customers of all tenants, each of whom begins with another of the replicas."""
    made: list[Customer] = []
    for each in range(number):
        turn = each % len(replicas)
        clients = (*replicas[turn:], *replicas[:turn])
        tenant = TENANTS[each % len(TENANTS)]
        made.append(Customer(f"{named}-{each}", random, *(c.of(tenant) for c in clients)))
    return made


@asynccontextmanager
async def business(customers: Sequence[Customer]) -> AsyncGenerator[None, None]:
    """All of them order one thing after the other until the block ends, and are answered then."""
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for customer in customers:
            tasks.create_task(customer.act_until(enough))
        try:
            yield
        finally:
            enough.set()


async def acted(customers: Sequence[Customer], times: int = 1) -> None:
    """Go on once so many more orders have been carried out."""

    def number() -> int:
        return sum(len(customer.told) for customer in customers)

    before = number()

    async def enough() -> bool:
        return number() >= before + times

    await until(enough)


def count_unnoticed(tally: Tally, kind: str, faults: int, customers: Sequence[Customer]) -> None:
    """Count the faults, which no customer may have noticed but by waiting."""
    told = [told for customer in customers for told in customer.told]
    assert [each for each in told if not each.at_once] == []
    tally.count(kind, faults=faults, commands=len(told), answered_at_once=len(told))
