"""Commits that PostgreSQL refuses for reasons of its own: every one is tried until it succeeds."""

from itertools import product
from random import Random
from typing import Final, get_args

import pytest

from tests.app.ledger import Connection
from tests.conftest import Examples, StartService
from tests.faults.books import assert_balanced
from tests.faults.business import customers_of
from tests.faults.tripwire import Moment, Tripwire
from tests.tally import Tally

# All say something of the server or of the moment, nothing of the command.
STATES: Final = {
    "serialization failure": "40001",
    "deadlock": "40P01",
    "disk full": "53100",
    "out of memory": "53200",
    "too many connections": "53300",
    "statement cancelled": "57014",
    "session ended": "57P01",
    "server crashed": "57P02",
    "read-only server": "25006",
    "lock not available": "55P03",
    "disk error": "58030",
}
MOMENTS: Final[tuple[Moment, ...]] = get_args(Moment)


@pytest.fixture
async def tripwire(connection: Connection) -> Tripwire:
    made = Tripwire(connection)
    await made.lay()
    return made


@pytest.mark.parametrize("kind", STATES)
async def test_a_commit_that_fails_is_tried_again_until_it_does_not(
    database: str,
    tripwire: Tripwire,
    start_service: StartService,
    kind: str,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    rounds = range(examples(short=1, long=30))
    async with start_service() as client:
        customers = customers_of(3, random, client)
        for _, moment, times in product(rounds, MOMENTS, (1, 3)):
            customer = random.choice(customers)
            await customer.act()
            await tripwire.pull(moment, STATES[kind], times=times)
            told = await customer.act()
            assert told.at_once, told
            assert await tripwire.tripped()
            tally.count(f"{kind} in a commit", faults=times, commands=1, answered_at_once=1)
    await assert_balanced(database, customers)


@pytest.mark.parametrize(("moment", "seconds"), [("statement", 0.3), ("commit", 1.3)])
async def test_a_commit_that_takes_longer_than_it_may_is_tried_again(
    database: str,
    tripwire: Tripwire,
    start_service: StartService,
    moment: Moment,
    seconds: float,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    """The server ends a statement that takes too long; a commit the service gives up a second
    later by itself, and cancels it."""
    rounds = range(examples(short=2, long=40))
    async with start_service(statement_timeout_seconds=0.1) as client:
        customers = customers_of(3, random, client)
        for _, times in product(rounds, (1, 2)):
            customer = random.choice(customers)
            await customer.act()
            await tripwire.pull(moment, seconds=seconds, times=times)
            told = await customer.act()
            assert told.at_once, told
            assert await tripwire.tripped()
            kind = f"timeout of a {moment}"
            tally.count(kind, faults=times, commands=1, answered_at_once=1)
    await assert_balanced(database, customers)
