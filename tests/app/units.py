"""A process of the service as far as the database sees it, driven batch by batch."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
from asyncpg.connection import LoggedQuery
from asyncpg.pool import PoolConnectionProxy

from app import unit_of_work
from app.committer import Committer
from app.database import open_pool
from app.lines import open_lines
from app.memory import Memory
from app.metrics import Metrics
from app.settings import Settings
from app.submission import Applied, Outcome, Refused, Submission
from app.unit_of_work import run
from domain.bet import ConfirmBet
from tests.app.submissions import submission

Proxied: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"


class Process:
    """A connection and what the process remembers; `statements` are those of the last batch."""

    def __init__(self, connection: Proxied) -> None:
        self.memory = Memory(100, 1000, 1000)
        self.statements: list[str] = []
        self._connection = connection
        connection.add_query_logger(self._log)

    async def run(
        self, *batch: Submission, afresh: bool = False, lock: bool = False
    ) -> dict[int, Outcome]:
        """Run a batch as one unit of work; `afresh` with nothing remembered."""
        self.statements.clear()
        if afresh:
            self.memory.clear()
        outcomes = await (self._run_locked(batch) if lock else self._run(batch))
        await asyncio.sleep(0)  # the driver logs the last statement a moment after its answer
        return outcomes

    async def _run(self, batch: Sequence[Submission]) -> dict[int, Outcome]:
        return await run(self._connection, self.memory, batch)

    async def _run_locked(self, batch: Sequence[Submission]) -> dict[int, Outcome]:
        async with self._connection.transaction():
            tenants = {submission.tenant_id for submission in batch}
            await unit_of_work.lock(self._connection, self.memory, tenants)
            return await self._run(batch)

    def _log(self, query: LoggedQuery) -> None:
        self.statements.append(query.query)


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[Process, None]:
    """A process on the database."""
    async with await open_pool(url, Settings()) as pool, pool.acquire() as connection:
        yield Process(connection)


@asynccontextmanager
async def committing(
    url: str, metrics: Metrics | None = None, **settings: Any
) -> AsyncGenerator[Committer, None]:
    """A committer on the database, with these settings."""
    given = Settings(**settings)
    async with await open_lines(url, given) as pool:
        committer = Committer(pool, given, metrics or Metrics(), lambda _: None)
        try:
            yield committer
        finally:
            await committer.close()


def confirm(
    placed: Submission, *, key: str | None = None, versions: frozenset[int] | None = None
) -> Submission:
    """Confirm a bet that was placed."""
    tenant, bet_id = placed.tenant_id, placed.resource_id
    return submission(ConfirmBet(), "bet", bet_id, tenant=tenant, key=key, versions=versions)


def applied(outcomes: dict[int, Outcome]) -> list[Applied]:
    """The outcomes in the order of their commands, all of which must have taken effect."""
    found = [outcome for _, outcome in sorted(outcomes.items())]
    effective = [outcome for outcome in found if isinstance(outcome, Applied)]
    assert effective == found
    return effective


def refusal(outcome: Outcome) -> str:
    """The kind of problem that a command was refused with."""
    assert isinstance(outcome, Refused)
    return str(outcome.problem["type"]).removeprefix("/problems/")
