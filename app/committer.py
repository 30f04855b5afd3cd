"""The queue of a process: takes commands, commits them in batches, answers after the commit."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final

import asyncpg
import structlog

from app import problems
from app.callers import Callers, Committed, Waiting
from app.lines import Lines
from app.memory import Memory
from app.metrics import Metrics
from app.problems import problem
from app.recovery import Recovery
from app.settings import Settings
from app.submission import Outcome, Submission
from app.turns import Turns
from app.unit_of_work import HeadMoved, UnitOfWork

_log: Final = structlog.get_logger()

_UNKNOWN: Final = "It was not carried out in time; send it again with its key to be sure."

# While a batch is being committed, commands are decided a few at a time: one by one, each
# would find the processor's caches cold.
DECIDED_TOGETHER: Final = 8

# While others send commands as well, a tenant may have one of so many parts of a batch.
SHARES: Final = 14


class _Batch:
    """Commands that have been decided, with those who wait for them; `fault` spoils them all."""

    def __init__(self, memory: Memory) -> None:
        self.unit = UnitOfWork(memory)
        self.waiting: list[Waiting] = []
        self.fault: Exception | None = None


class Committer:
    """Commits commands in batches; a batch of one when idle.

    Commands are decided as they arrive, on what the batch that is being committed will leave
    behind, and go into the open batch, which is sent once that one is durable. If a commit
    fails, it and the open batch are run again, one after the other. Nobody is answered before
    his events are durable, and a batch never waits to be filled.
    """

    def __init__(
        self, pool: asyncpg.Pool, settings: Settings, metrics: Metrics, committed: Committed
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._lines = Lines(pool)
        self._memory = Memory(settings.cached_tenants, settings.cached_rows, settings.cached_users)
        self._callers = Callers(metrics, committed)
        share = max(1, settings.batch_limit // SHARES)
        self._turns = Turns(limit=settings.queue_limit, share=share)
        self._recovery = Recovery(
            self._lines, self._memory, self._callers, metrics, settings, self._turns
        )
        self._committing = False
        self._recovering = False
        self._recoveries = 0
        self._closing = False
        self._open = _Batch(self._memory)
        self._loading: Sequence[Waiting] = ()
        self._queued = asyncio.Event()
        self._decided = asyncio.Event()
        self._reader = asyncio.create_task(self._take_in())
        self._writer = asyncio.create_task(self._write())

    async def submit(self, submission: Submission) -> Outcome:
        """Have a command committed and return its outcome, which is durable.

        Raises `Problem`: overloaded when the queue is full or the service is closing,
        unavailable when the database cannot be reached in time, command rejected when the
        database refuses the command.
        """
        stopping = self._closing or not self.alive
        if stopping or not self._turns.admits(submission.tenant_id, self._backlog):
            self._metrics.outcome(submission.operation, "overloaded")
            reason = "The service is stopping" if stopping else "The queue is full"
            raise problem(problems.OVERLOADED, f"{reason}; nothing was done.")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._turns.put(Waiting(submission, answer, monotonic()))
        self._queued.set()
        return await answer

    async def close(self) -> None:
        """Take no more commands, commit those that are queued, let the connections go."""
        self._closing = True
        self._decided.set()
        await asyncio.wait([self._writer])
        self._reader.cancel()
        await asyncio.wait([self._reader])
        decided = [*self._recovery.pending, *self._open.waiting]
        left = [*decided, *self._loading, *self._turns]
        self._callers.fail(left, problems.UNAVAILABLE, _UNKNOWN)
        await self._recovery.let_go()

    @property
    def alive(self) -> bool:
        """Whether commands are being committed; false only after a fault nobody thought of."""
        return not self._writer.done() and not self._reader.done()

    @property
    def _backlog(self) -> int:
        decided = len(self._open.waiting) + len(self._recovery.pending)
        return len(self._turns) + len(self._loading) + decided

    @property
    def _has_room(self) -> bool:
        full = len(self._open.waiting) >= self._settings.batch_limit
        return not full and not self._recovering and not self._open.fault

    @property
    def _is_early(self) -> bool:
        """Whether so few wait that they had better wait for others, as a batch is under way.

        Not those beside a tenant that rests: what has to be read for them is read before the
        next batch is sent, or they would miss it.
        """
        few = self._turns.ready < DECIDED_TOGETHER and not self._turns.crowded
        return self._committing and few

    def _decide(self, batch: Sequence[Waiting]) -> None:
        self._open.waiting += batch
        self._decided.set()
        try:
            self._open.unit.decide([waiting.submission for waiting in batch])
        except Exception as error:  # noqa: BLE001 - the writer finds out whose fault it is
            self._open.fault = error

    def _decide_known(self) -> None:
        """Decide what is queued, if nothing has to be read for it."""
        if not self._turns.ready or not self._has_room:
            return
        first = self._turns.take(self._settings.batch_limit - len(self._open.waiting))
        if self._open.unit.wanted([waiting.submission for waiting in first]):
            self._turns.put_back(first)
        else:
            self._decide(self._in_time(first))

    async def _take_in(self) -> None:
        """Read for what is queued, and decide it."""
        while True:
            if not self._turns.ready or self._is_early or not self._has_room:
                self._queued.clear()
                await self._queued.wait()
                continue
            self._memory.trim()
            room = self._settings.batch_limit - len(self._open.waiting)
            self._loading = self._in_time(self._turns.take(room))
            if not self._loading:
                self._decided.set()  # a stop may be waiting for the last of them
                continue
            if self._recovery.contended:  # what is decided now would be lost to another process
                self._open.waiting += self._loading
                self._loading = ()
                self._decided.set()
                continue
            recoveries = self._recoveries
            fault = await self._load([waiting.submission for waiting in self._loading])
            loaded, self._loading = self._loading, ()
            if self._recoveries > recoveries:  # which made the process forget what was read
                self._turns.put_back(loaded)
            elif fault:
                self._open.waiting += loaded
                self._open.fault = fault
            else:
                self._decide(loaded)
            self._decided.set()

    async def _load(self, submissions: Sequence[Submission]) -> Exception | None:
        unit = self._open.unit
        try:
            if wanted := unit.wanted(submissions):
                await unit.load(submissions, wanted, await self._lines.reading())
        except Exception as error:  # noqa: BLE001 - as above
            return error
        return None

    def _in_time(self, taken: Sequence[Waiting]) -> Sequence[Waiting]:
        latest = monotonic() - self._settings.command_timeout_seconds
        late = [waiting for waiting in taken if waiting.since < latest]
        if not late:
            return taken
        self._callers.fail(late, problems.UNAVAILABLE, _UNKNOWN)
        self._turns.give_back(late)
        return [waiting for waiting in taken if waiting.since >= latest]

    async def _write(self) -> None:
        while not self._closing or self._backlog:
            if not self._open.waiting:
                self._decided.clear()
                await self._decided.wait()
                continue
            try:
                if self._recovery.contended:
                    self._record_batch(self._open)
                    await self._recover(None)
                else:
                    await self._commit()
            except Exception as error:  # noqa: BLE001 - the queue outlives whatever one batch runs into
                await self._recover(error)

    async def _commit(self) -> None:
        """Send the open batch and answer those in it; a new one is open meanwhile."""
        self._decide_known()
        connection = await self._lines.writing()
        if self._open.fault:
            raise self._open.fault
        batch, self._open = self._open, _Batch(self._memory)
        self._turns.next_batch(self._loading)
        started = monotonic()
        self._record_batch(batch)
        committing = batch.unit.commit(connection)
        self._committing = True
        self._queued.set()
        try:
            outcomes = batch.unit.conclude(await committing)
        except BaseException:  # the end of the process included: somebody has to tell them
            self._open.waiting[:0] = batch.waiting
            raise
        finally:
            self._committing = False
            self._queued.set()
        self._metrics.committed(monotonic() - started)
        if left := self._callers.answer(batch.waiting, outcomes):
            self._open.waiting[:0] = left
            raise HeadMoved
        if not self._loading:  # what it has found to be remembered must stay so
            self._memory.trim()

    def _record_batch(self, batch: _Batch) -> None:
        waited = monotonic() - batch.waiting[0].since
        self._metrics.batch(len(batch.waiting), len(self._turns) + len(self._loading), waited)

    async def _recover(self, error: Exception | None) -> None:
        """Run what is neither answered nor queued, again if a commit or a read failed."""
        self._recovering = True
        self._recoveries += 1
        left, self._open = self._open.waiting, _Batch(self._memory)
        self._turns.next_batch(self._loading)
        try:
            await self._recovery.run_again(left, error)
        except Exception:  # noqa: BLE001 - as above
            left = self._recovery.pending
            self._callers.fail(left, problems.INTERNAL, "The command could not be committed.")
            _log.exception("batch failed", commands=len(left))
            await self._recovery.let_go()
        self._recovering = False
        self._recovery.pending.clear()
        self._turns.next_batch(self._loading)
        self._queued.set()
