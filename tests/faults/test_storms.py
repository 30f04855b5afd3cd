"""Connections that keep failing at random messages, under two processes and many customers."""

from collections.abc import Generator, Sequence
from random import Random
from typing import Final

from tests.app.locks import until
from tests.app.proxy import listening
from tests.conftest import Examples, StartService
from tests.faults.books import assert_balanced
from tests.faults.breaker import CUTS, Breaker, Planned
from tests.faults.business import business, count_unnoticed, customers_of
from tests.tally import Tally

AT_ONCE: Final = 60
FEWEST_BETWEEN: Final = 20  # about a third of what it takes to connect and to commit
MOST_BETWEEN: Final = 300


def storm(random: Random) -> Generator[Planned]:
    """Faults without end, each some messages after the one before."""
    while True:
        action = random.choice((*CUTS, "delay"))
        yield Planned(action, random.randrange(FEWEST_BETWEEN, MOST_BETWEEN))


async def until_hit(breakers: Sequence[Breaker], times: int) -> None:
    """Go on once so many faults have come."""

    async def hit() -> bool:
        return sum(len(breaker.hits) for breaker in breakers) >= times

    await until(hit)


async def test_faults_at_random_messages_lose_nothing_and_double_nothing(
    database: str, start_service: StartService, random: Random, examples: Examples, tally: Tally
) -> None:
    async with (
        listening(Breaker(database, random)) as one,
        listening(Breaker(database, random)) as two,
        start_service(one.url) as client,
        start_service(two.url) as other,
    ):
        customers = customers_of(12, random, client, other)
        for breaker in (one, two):
            breaker.plan(storm(random))
        async with business(customers):
            for turn in range(examples(short=1, long=40)):
                await until_hit((one, two), AT_ONCE * (turn + 1))
        hits = one.relent() + two.relent()
    count_unnoticed(tally, "storm of all four", len(hits), customers)
    await assert_balanced(database, customers)
