"""Workers of the service that are killed while customers order."""

import os
import signal
import subprocess
from random import Random
from typing import Final

from tests.app.locks import until
from tests.app.processes import ServiceProcess, serving
from tests.conftest import Examples
from tests.faults.books import assert_balanced
from tests.faults.business import acted, business, customers_of
from tests.tally import Tally

CUSTOMERS: Final = 12


async def workers(service: ServiceProcess) -> set[int]:
    """The two processes that serve, once there are two."""
    found = set[int]()

    async def both() -> bool:
        nonlocal found
        ask = ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="]
        said = subprocess.run(ask, check=True, capture_output=True, text=True)  # noqa: ASYNC221 - quick
        rows = [line.split(maxsplit=2) for line in said.stdout.splitlines()]
        children = [row for row in rows if int(row[1]) == service.pid]
        # Python's own helper is a child as well, and so is, for a moment, a worker that is dead.
        others = ("resource_tracker", "defunct")
        found = {int(row[0]) for row in children if not any(name in row[2] for name in others)}
        return len(found) == 2

    await until(both)
    return found


async def test_what_a_killed_worker_was_about_is_done_once_when_it_is_sent_again(
    database: str, random: Random, examples: Examples, tally: Tally
) -> None:
    """One after the other: the server takes it for hopeless if the same one dies at once again."""
    kills = examples(short=3, long=60)
    async with serving(DATABASE_URL=database, WORKERS="2") as service:
        customers = customers_of(CUSTOMERS, random, service.client)
        seniors = await workers(service)
        async with business(customers):
            for _ in range(kills):
                await acted(customers, random.randrange(1, 200))
                both = await workers(service)
                os.kill(random.choice(sorted(both & seniors)), signal.SIGKILL)
                seniors = both
            await acted(customers)
    told = [told for customer in customers for told in customer.told]
    at_once = sum(each.at_once for each in told)
    again = len(told) - at_once
    tally.count(
        "worker killed",
        faults=kills,
        commands=len(told),
        answered_at_once=at_once,
        sent_again=again,
    )
    await assert_balanced(database, customers)
