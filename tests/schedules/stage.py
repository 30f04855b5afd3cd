"""Where schedules are played: a database, and connections that are used again and again."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

import asyncpg

from app import event_log
from app.committer import Committer
from app.database import batch_connection, open_pool
from app.metrics import Metrics
from app.settings import Settings
from app.verification import verify
from tests.app.locks import observer
from tests.app.rebuilding import ignore
from tests.schedules.explorer import Choose
from tests.schedules.lines import SteppedPool
from tests.schedules.performance import ONE, TWO, Performance, Played
from tests.schedules.scenarios import Scenario
from tests.schedules.serial import Unexplained, explain
from tests.schedules.turns import Connection, Turns

if TYPE_CHECKING:
    from app.event_log import Connection as AnyConnection

_CONNECTIONS: Final = 6  # two for each of three processes
_FIRST_TENANT: Final = 1_000_000


class Stage:
    """Plays schedules, each on new tenants and with processes that know nothing.

    `looking` sees everything, `operator` is for verifying and rebuilding, and `spare`
    connections are the service's.
    """

    def __init__(
        self, looking: Connection, operator: Connection, spare: "list[AnyConnection]"
    ) -> None:
        self._looking: Final = looking
        self._operator: Final = operator
        self._spare: Final = spare
        self._metrics: Final = Metrics()
        self._ids: Final = count(_FIRST_TENANT)

    async def play(self, scenario: Scenario, choose: Choose) -> Played:
        """Play one schedule of a scenario, in which `choose` says whose turn it is."""
        turns, tenants = Turns(self._looking), await self._new_tenants(scenario)
        performance = Performance(scenario, tenants, turns)
        async with self._process("others", turns) as others:
            await performance.tell(others, scenario.given)
        if scenario.spoilt:
            await self._looking.execute(scenario.spoilt, tenants[0])
        async with self._process(ONE, turns) as one, self._process(TWO, turns) as two:
            await performance.tell(one, scenario.one_remembers)
            await performance.tell(two, scenario.two_remembers)
            return await performance.meet(one, two, self._operator, choose)

    async def fault(self, scenario: Scenario, played: Played) -> str | None:
        """What is wrong with what has happened, if anything is."""
        right = scenario.one_first if played.first == ONE else scenario.two_first
        if played.answers != [*right]:
            return f"answered {played.answers}, though {played.first} came first"
        for tenant in played.tenants:
            if fault := await self._fault_of_tenant(tenant, scenario, played):
                return fault
        return None

    async def _fault_of_tenant(self, tenant: int, scenario: Scenario, played: Played) -> str | None:
        verified = await verify(self._operator, tenant, ignore)
        if verified.fault:
            return str(verified.fault)
        rows = await event_log.rows(self._looking, tenant, after=0)
        log = [event_log.logged(row).recorded for row in rows]
        told = [each for each in played.told if each[0].tenant_id == tenant]
        try:
            explain(log, told, scenario.wallet)
        except Unexplained as reason:
            return str(reason)
        return None

    async def _new_tenants(self, scenario: Scenario) -> Sequence[int]:
        ids = [next(self._ids) for _ in range(scenario.tenants)]
        await self._looking.execute(
            "INSERT INTO tenants (id, name, slug, wallet)"
            " SELECT id, id, id, $2 FROM unnest($1::bigint[]) AS id",
            ids,
            scenario.wallet,
        )
        return ids

    @asynccontextmanager
    async def _process(self, actor: str, turns: Turns) -> AsyncGenerator[Committer]:
        pool = cast("asyncpg.Pool", SteppedPool(actor, self._spare, turns))
        committer = Committer(pool, Settings(), self._metrics, ignore_all)
        try:
            yield committer
        finally:
            await committer.close()


@asynccontextmanager
async def staged(url: str) -> AsyncGenerator[Stage]:
    """A stage on a database."""
    async with (
        await open_pool(url, Settings(pool_size=_CONNECTIONS)) as pool,
        batch_connection(url, "test") as operator,
        observer(url) as looking,
    ):
        taken: list[Any] = [await pool.acquire() for _ in range(_CONNECTIONS)]
        for connection in taken:
            # A statement waits for its lock for as long as the schedule wants it to.
            await connection.execute("SET lock_timeout = 0")
        try:
            yield Stage(looking, operator, list(taken))
        finally:
            for connection in taken:
                await pool.release(connection)


def ignore_all(_: object) -> None:
    """Nobody waits for new events."""
