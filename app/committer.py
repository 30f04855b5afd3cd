"""The queue of a process: takes commands, commits them in batches, answers after the commit."""

import asyncio
import random
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog
from msgspec import Struct

from app import problems
from app.database import CONNECT_TIMEOUT_SECONDS
from app.metrics import Metrics
from app.problems import problem
from app.settings import Settings
from app.submission import Applied, Outcome, Submission
from app.unit_of_work import KeysTaken, Memory, UnitOfWork

if TYPE_CHECKING:
    from app.unit_of_work import Connection

_log: Final = structlog.get_logger()

LOSSES_BEFORE_LOCK: Final = 2
FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 0.5

# What says nothing about the commands, only about the moment: the batch is run again. A
# commit whose answer was lost is among them; the re-run finds its keys taken by itself.
PASSING: Final = (
    asyncpg.TransactionRollbackError,  # 40: serialization failure, deadlock
    asyncpg.ReadOnlySQLTransactionError,  # 25006: this server has become a standby
    asyncpg.InsufficientResourcesError,  # 53
    asyncpg.AdminShutdownError,  # 57P01
    asyncpg.CrashShutdownError,  # 57P02
    asyncpg.CannotConnectNowError,  # 57P03
    asyncpg.QueryCanceledError,  # 57014: a lock outlasted the statement's time
    asyncpg.PostgresConnectionError,  # 08
    asyncpg.InterfaceError,  # the driver found the connection closed
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
# What the database holds against a value of a command.
REJECTIONS: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.PLPGSQLError,
)


class _Waiting(Struct, eq=False):
    submission: Submission
    answer: "asyncio.Future[Outcome]"
    since: float


class Committer:
    """Commits commands in batches, one batch at a time; a batch of one when idle.

    Nobody is answered before his events are durable, and a batch never waits to be filled.
    """

    def __init__(self, pool: asyncpg.Pool, settings: Settings, metrics: Metrics) -> None:
        self._pool = pool
        self._settings = settings
        self._metrics = metrics
        self._memory = Memory(settings.cached_tenants, settings.cached_rows)
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._connection: Connection | None = None
        self._writer = asyncio.create_task(self._write())

    async def submit(self, submission: Submission) -> Outcome:
        """Queue a command and wait for its outcome, which is durable.

        Raises `Problem`: overloaded when the queue is full or the service is closing,
        unavailable when the database cannot be reached in time, command rejected when the
        database refuses the command.
        """
        stopping = self._closing or not self.alive
        if stopping or len(self._queue) >= self._settings.queue_limit:
            self._metrics.outcome(submission.operation, "overloaded")
            reason = "The service is stopping" if stopping else "The queue is full"
            raise problem(problems.OVERLOADED, f"{reason}; nothing was done.")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(submission, answer, monotonic()))
        self._arrived.set()
        return await answer

    async def close(self) -> None:
        """Take no more commands, commit those that are queued, let the connection go."""
        self._closing = True
        self._arrived.set()
        await asyncio.wait([self._writer])
        self._fail(list(self._queue), problems.UNAVAILABLE, "Nothing was done.")
        await self._let_go()

    @property
    def alive(self) -> bool:
        """Whether commands are being committed; false only after a fault nobody thought of."""
        return not self._writer.done()

    async def _write(self) -> None:
        while True:
            if self._queue:
                await self._take_turn()
            elif self._closing:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    async def _take_turn(self) -> None:
        size = min(len(self._queue), self._settings.batch_limit)
        batch = [self._queue.popleft() for _ in range(size)]
        try:
            await self._settle(batch)
        except Exception:  # noqa: BLE001 - the queue outlives whatever one batch runs into
            self._fail(batch, problems.INTERNAL, "The command could not be committed.")
            _log.exception("batch failed", commands=len(batch))
            await self._let_go()

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        now = monotonic()
        self._metrics.batch(len(batch), len(self._queue), now - batch[0].since)
        latest = now - self._settings.command_timeout_seconds
        late = [waiting for waiting in batch if waiting.since < latest]
        self._fail(late, problems.UNAVAILABLE, "The command waited too long; nothing was done.")
        in_time = [waiting for waiting in batch if waiting.since >= latest]
        await self._commit(in_time, now + self._settings.command_timeout_seconds)

    async def _commit(self, batch: Sequence[_Waiting], deadline: float) -> None:
        """Run the batch until everyone in it is answered, or back in the queue."""
        losses, pause, afresh = 0, FIRST_PAUSE_SECONDS, False
        while batch:
            try:
                outcomes = await self._run(batch, afresh=afresh, lock=losses >= LOSSES_BEFORE_LOCK)
            except KeysTaken:
                self._retry("key taken", batch)
                afresh, losses = True, losses + 1
            except asyncpg.LockNotAvailableError:
                self._retry("head locked", batch)
                await self._go_round_lock(batch, deadline)
                return
            except PASSING as error:
                self._retry(type(error).__name__, batch)
                await self._let_go()
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
                afresh, pause = True, min(2 * pause, LONGEST_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - one command is to blame, not its neighbours
                self._retry("rejected", batch)
                await self._find_culprit(batch, error, deadline)
                return
            else:
                self._answer(batch, outcomes)
                batch = [w for index, w in enumerate(batch) if index not in outcomes]
                if batch:
                    self._retry("head moved", batch)
                    losses += 1
            if batch and monotonic() > deadline:
                self._fail(batch, problems.UNAVAILABLE, "The database cannot be reached.")
                return

    async def _run(
        self, batch: Sequence[_Waiting], *, afresh: bool, lock: bool
    ) -> Mapping[int, Outcome]:
        if self._connection is None:
            self._connection = await self._pool.acquire(timeout=CONNECT_TIMEOUT_SECONDS)
        started = monotonic()
        unit = UnitOfWork(self._connection, self._memory)
        submissions = [waiting.submission for waiting in batch]
        outcomes = await unit.run(submissions, afresh=afresh, lock=lock)
        self._metrics.committed(monotonic() - started)
        return outcomes

    async def _go_round_lock(self, batch: Sequence[_Waiting], deadline: float) -> None:
        """Let a tenant whose head somebody holds wait for another turn, the others go on."""
        tenant_ids = {waiting.submission.tenant_id for waiting in batch}
        if len(tenant_ids) == 1:
            self._queue.extend(batch)
            return
        for tenant_id in tenant_ids:
            of_tenant = [w for w in batch if w.submission.tenant_id == tenant_id]
            await self._commit(of_tenant, deadline)

    async def _find_culprit(
        self, batch: Sequence[_Waiting], error: Exception, deadline: float
    ) -> None:
        """Halve the batch until the command that cannot be committed stands alone."""
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._commit(batch[:middle], deadline)
            await self._commit(batch[middle:], deadline)
        elif isinstance(error, REJECTIONS):
            _log.warning("command rejected", sqlstate=error.sqlstate, error=str(error))
            self._fail(batch, problems.COMMAND_REJECTED, "The database refuses a value of it.")
        else:
            _log.error("command failed", exc_info=error)
            self._fail(batch, problems.INTERNAL, "The command could not be committed.")

    def _retry(self, reason: str, batch: Sequence[_Waiting]) -> None:
        self._metrics.retried(reason)
        self._memory.forget({waiting.submission.tenant_id for waiting in batch})

    def _answer(self, batch: Sequence[_Waiting], outcomes: Mapping[int, Outcome]) -> None:
        for index, outcome in outcomes.items():
            waiting = batch[index]
            self._metrics.outcome(waiting.submission.operation, _label(outcome))
            if not waiting.answer.done():  # the caller may have gone away
                waiting.answer.set_result(outcome)

    def _fail(self, batch: Sequence[_Waiting], kind: problems.Kind, detail: str) -> None:
        for waiting in batch:
            if not waiting.answer.done():
                self._metrics.outcome(waiting.submission.operation, kind.slug)
                waiting.answer.set_exception(problem(kind, detail))

    async def _let_go(self) -> None:
        """Close the connection, whatever state it is in; the next batch gets a new one.

        It may lead to another server, which need not know what was remembered of this one.
        """
        self._memory.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*PASSING):
                await connection.close(timeout=1)
            with suppress(*PASSING):
                await self._pool.release(connection, timeout=1)


def _label(outcome: Outcome) -> str:
    if isinstance(outcome, Applied):
        return "duplicate" if outcome.duplicate else "applied"
    return "refused"
