"""The queue of a process: takes commands, commits them in batches, answers after the commit."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Final

import asyncpg
import structlog

from app import problems
from app.callers import Callers, Waiting
from app.lines import PASSING, Lines
from app.memory import Memory
from app.metrics import Metrics
from app.problems import problem
from app.recovery import Recovery
from app.settings import Settings
from app.submission import Outcome, Submission
from app.unit_of_work import HeadMoved, UnitOfWork

_log: Final = structlog.get_logger()


class _Batch:
    """Commands on their way into one unit of work, and its commit once it is sent."""

    def __init__(self, memory: Memory) -> None:
        self.unit = UnitOfWork(memory)
        self.waiting: list[Waiting] = []
        self.committing: asyncio.Task[frozenset[int]] | None = None
        self.sent_at = 0.0


class Committer:
    """Commits commands in batches; a batch of one when idle.

    While one batch is being committed the next is decided, on what the first will leave
    behind, and is sent once the first is durable. If the first fails, both are run again,
    one after the other. Nobody is answered before his events are durable, and a batch never
    waits to be filled.
    """

    def __init__(self, pool: asyncpg.Pool, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._lines = Lines(pool)
        self._memory = Memory(settings.cached_tenants, settings.cached_rows)
        self._callers = Callers(metrics)
        self._queue: deque[Waiting] = deque()
        self._recovery = Recovery(
            self._lines, self._memory, self._callers, metrics, self._queue.extend
        )
        self._woken = asyncio.Event()
        self._closing = False
        self._open = _Batch(self._memory)
        self._sent: _Batch | None = None
        self._writer = asyncio.create_task(self._write())

    async def submit(self, submission: Submission) -> Outcome:
        """Queue a command and wait for its outcome, which is durable.

        Raises `Problem`: overloaded when the queue is full or the service is closing,
        unavailable when the database cannot be reached in time, command rejected when the
        database refuses the command.
        """
        stopping = self._closing or not self.alive
        queued = len(self._queue) + len(self._open.waiting)
        if stopping or queued >= self._settings.queue_limit:
            self._metrics.outcome(submission.operation, "overloaded")
            reason = "The service is stopping" if stopping else "The queue is full"
            raise problem(problems.OVERLOADED, f"{reason}; nothing was done.")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(submission, answer, monotonic()))
        self._woken.set()
        return await answer

    async def close(self) -> None:
        """Take no more commands, commit those that are queued, let the connections go."""
        self._closing = True
        self._woken.set()
        await asyncio.wait([self._writer])
        left = [*(self._sent.waiting if self._sent else ()), *self._open.waiting, *self._queue]
        self._callers.fail(left, problems.UNAVAILABLE, "Nothing was done.")
        await self._recovery.let_go()

    @property
    def alive(self) -> bool:
        """Whether commands are being committed; false only after a fault nobody thought of."""
        return not self._writer.done()

    async def _write(self) -> None:
        while not self._closing or self._queue or self._open.waiting or self._sent:
            if not self._queue or self._sent:
                await self._woken.wait()
            self._woken.clear()
            try:
                await self._go_on()
            except Exception as error:  # noqa: BLE001 - the queue outlives whatever one batch runs into
                await self._recover(error)

    async def _go_on(self) -> None:
        """Answer what is durable, decide what has come in, send it if nothing is under way."""
        if self._sent and self._sent.committing and self._sent.committing.done():
            self._conclude(self._sent, self._sent.committing.result())
        await self._take_in()
        if not self._sent and self._open.waiting:
            await self._send()

    def _conclude(self, batch: _Batch, committed: frozenset[int]) -> None:
        self._metrics.committed(monotonic() - batch.sent_at)
        batch.committing = None
        batch.waiting = self._callers.answer(batch.waiting, batch.unit.conclude(committed))
        if batch.waiting:
            raise HeadMoved
        self._sent = None

    async def _take_in(self) -> None:
        """Decide what is queued, as far as the open batch has room for it."""
        batch = self._open
        size = min(len(self._queue), self._settings.batch_limit - len(batch.waiting))
        taken = self._in_time([self._queue.popleft() for _ in range(size)])
        if not taken:
            return
        batch.waiting += taken
        submissions = [waiting.submission for waiting in taken]
        if wanted := batch.unit.wanted(submissions):
            await batch.unit.load(submissions, wanted, await self._lines.reading())
        batch.unit.decide(submissions)

    def _in_time(self, taken: Sequence[Waiting]) -> Sequence[Waiting]:
        latest = monotonic() - self._settings.command_timeout_seconds
        late = [waiting for waiting in taken if waiting.since < latest]
        if not late:
            return taken
        self._callers.fail(
            late, problems.UNAVAILABLE, "The command waited too long; nothing was done."
        )
        return [waiting for waiting in taken if waiting.since >= latest]

    async def _send(self) -> None:
        connection = await self._lines.writing()
        batch, self._open = self._open, _Batch(self._memory)
        self._sent = batch
        batch.sent_at = monotonic()
        waited = batch.sent_at - batch.waiting[0].since
        self._metrics.batch(len(batch.waiting), len(self._queue), waited)
        batch.committing = asyncio.create_task(batch.unit.commit(connection))
        batch.committing.add_done_callback(lambda _: self._woken.set())

    async def _recover(self, error: Exception) -> None:
        """Run again what is neither answered nor queued, after a commit or a read failed."""
        self._recovery.count(error)
        sent, self._sent = self._sent, None
        left, self._open = self._open.waiting, _Batch(self._memory)
        if sent:
            left = [*await self._unanswered(sent), *left]
        self._recovery.forget(left)
        if isinstance(error, PASSING):
            await self._recovery.let_go()
        deadline = monotonic() + self._settings.command_timeout_seconds
        limit = self._settings.batch_limit
        locked = isinstance(error, asyncpg.LockNotAvailableError)
        again = self._recovery.go_round_lock if locked else self._recovery.run
        try:
            for start in range(0, len(left), limit):
                await again(left[start : start + limit], deadline)
        except Exception:  # noqa: BLE001 - as above
            self._callers.fail(left, problems.INTERNAL, "The command could not be committed.")
            _log.exception("batch failed", commands=len(left))
            await self._recovery.let_go()

    async def _unanswered(self, batch: _Batch) -> list[Waiting]:
        """Wait for a commit that is still under way, and return who has no answer after it."""
        if batch.committing:
            await asyncio.wait([batch.committing])
            if not batch.committing.exception():
                committed = batch.committing.result()
                return self._callers.answer(batch.waiting, batch.unit.conclude(committed))
        return batch.waiting
