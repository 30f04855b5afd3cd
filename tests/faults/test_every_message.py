"""A connection that fails at every single message of a commit, whoever sends it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from itertools import product
from random import Random
from typing import Final, NamedTuple

import pytest

from tests.app.ledger import Connection
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, Examples, StartService
from tests.faults.books import assert_balanced
from tests.faults.breaker import CUTS, Breaker, Planned
from tests.faults.customers import Customer, Told
from tests.faults.wire import FIRST, Place
from tests.tally import Tally


class Scene(NamedTuple):
    """A service behind the breaker with its customers, and one customer of another process."""

    connection: Connection
    breaker: Breaker
    customers: list[Customer]
    rival: Customer

    async def act(self, customers: int = 1) -> list[Told]:
        """Have some customers order at once."""
        return await asyncio.gather(*(each.act() for each in self.customers[:customers]))


class Scenario(NamedTuple):
    """How it comes to the command, how many there are at once, and what must be met on the way."""

    begin: Callable[[Scene], Awaitable[object]]
    meets: set[Place]
    customers: int = 1
    rule: str = ""


def run_of(about: str, *, prepared: bool = True) -> set[Place]:
    """Each message by which a statement is run, and each of its answer."""
    asked, answered = ("BES", "2DCZ") if prepared else ("PDHBES", "1tT2DCZ")
    return {Place(about, "client", kind) for kind in asked} | {
        Place(about, "server", kind) for kind in answered
    }


def simple(about: str) -> set[Place]:
    """The messages of a statement that is sent as text."""
    return {Place(about, "client", "Q"), Place(about, "server", "C"), Place(about, "server", "Z")}


async def well(scene: Scene) -> None:
    """Connected, everything prepared and remembered: a commit is one round trip."""
    await scene.act()


async def disconnected(scene: Scene) -> None:
    """Every connection is lost before the command comes."""
    scene.breaker.cut()


async def overtaken(scene: Scene) -> None:
    """Another process keeps writing to the tenant, so that commits hold its head."""
    await scene.rival.act()
    await scene.act()
    await scene.rival.act()


async def crowded(scene: Scene) -> None:
    """Several commands of two tenants are on their way together."""
    await scene.act(len(scene.customers))


MOST_BEFORE: Final = 2
MOST_TRIES: Final = 50
CONNECTING: Final = {
    Place("connecting", "client", FIRST),
    *(Place("connecting", "server", kind) for kind in "RSKZ"),
}
SLOW: Final = """
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.03); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER dawdles AFTER INSERT ON idempotency_keys
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()
"""
SCENARIOS: Final = {
    "well": Scenario(well, run_of("writing")),
    "slow": Scenario(well, run_of("writing"), rule=SLOW),
    "disconnected": Scenario(
        disconnected,
        CONNECTING | run_of("reading", prepared=False) | run_of("writing", prepared=False),
    ),
    "overtaken": Scenario(
        overtaken,
        simple("begin")
        | run_of("locking")
        | run_of("reading")
        | run_of("writing")
        | simple("commit"),
    ),
    "crowded": Scenario(crowded, run_of("writing"), customers=6),
}


@pytest.fixture
async def scene(
    start_service: StartService, connection: Connection, breaker: Breaker, random: Random
) -> AsyncGenerator[Scene, None]:
    async with start_service(breaker.url) as client, start_service() as other:
        tenants = [INTERNAL_TENANT] * 4 + [EXTERNAL_TENANT] * 2
        customers = [
            Customer(f"user-{number}", random, client.of(tenant))
            for number, tenant in enumerate(tenants)
        ]
        rival = Customer("rival", random, other.of(INTERNAL_TENANT))
        yield Scene(connection, breaker, customers, rival)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
async def test_a_fault_at_any_message_is_no_matter_to_the_caller(
    scene: Scene,
    database: str,
    scenario: Scenario,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    if scenario.rule:
        await scene.connection.execute(scenario.rule)
    rounds = range(examples(short=1, long=20))
    for _, place, action in product(rounds, sorted(scenario.meets), (*CUTS, "delay")):
        fault = Planned(action, random.randrange(MOST_BEFORE), place)
        told = await meet(scene, scenario, fault)
        tally.count(f"{action} a message", faults=1, commands=len(told), answered_at_once=len(told))
    await assert_balanced(database, [*scene.customers, scene.rival])


async def meet(scene: Scene, scenario: Scenario, fault: Planned) -> list[Told]:
    """Have commands meet the fault, where not every one takes the same messages."""
    for _ in range(MOST_TRIES):
        await scenario.begin(scene)
        scene.breaker.plan([fault])
        told = await scene.act(scenario.customers)
        hits = scene.breaker.relent()
        assert all(each.at_once for each in told), (hits, told)
        if hits:
            return told
        fault = fault._replace(after=0)
    raise AssertionError(fault)
