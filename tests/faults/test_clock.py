"""A clock that is set back, and forward again, while customers order."""

from random import Random
from time import time_ns
from typing import Final

import pytest

from tests.conftest import Examples, StartService
from tests.faults.books import assert_balanced
from tests.faults.business import acted, business, count_unnoticed, customers_of
from tests.faults.customers import Customer
from tests.tally import Tally

HOUR: Final = 3_600_000_000_000


class SteppingClock:
    """The time in nanoseconds since 1970, and so far from it as it was set."""

    def __init__(self) -> None:
        self.step = 0

    def __call__(self) -> int:
        return time_ns() + self.step


async def test_a_clock_that_is_set_back_is_no_matter_and_the_log_does_not_go_back(
    database: str,
    start_service: StartService,
    monkeypatch: pytest.MonkeyPatch,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    """The service is started anew now and then, so that it knows the time from the log alone."""
    clock = SteppingClock()
    monkeypatch.setattr("app.unit_of_work.time_ns", clock)
    starts, steps = examples(short=3, long=60), 10
    customers: list[Customer] = []
    for start in range(starts):
        async with start_service() as client:
            present = customers_of(6, random, client, named=f"user-{start}")
            customers += present
            async with business(present):
                for _ in range(steps):
                    await acted(present, random.randrange(1, 20))
                    clock.step = random.randrange(-HOUR, HOUR) // random.choice((1, 1000, 1000_000))
                await acted(present)
    count_unnoticed(tally, "clock stepped", starts * steps, customers)
    await assert_balanced(database, customers)
