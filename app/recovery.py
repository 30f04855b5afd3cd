"""What becomes of commands whose first commit failed: run again, one batch at a time."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

from app import problems, unit_of_work
from app.callers import Callers, Waiting
from app.lines import PASSING, Lines
from app.memory import Memory
from app.metrics import Metrics
from app.settings import Settings
from app.submission import Outcome, Submission
from app.turns import Turns
from app.unit_of_work import HeadMoved, KeysTaken

if TYPE_CHECKING:
    from app.unit_of_work import Connection

_log: Final = structlog.get_logger()

FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 0.5
TELLING_SECONDS: Final = 0.1

# What the database holds against a value of a command.
REJECTIONS: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.PLPGSQLError,
)


class Recovery:
    """Runs commands until everyone is answered, or has been put back to wait.

    Nothing else may decide or commit meanwhile. `pending` are those it was given, answered or
    not. `contended` tells whether other processes write to the same tenants: most heads of the
    last batch that locked its heads had moved.
    """

    def __init__(
        self,
        lines: Lines,
        memory: Memory,
        callers: Callers,
        metrics: Metrics,
        settings: Settings,
        turns: Turns,
    ) -> None:
        self._lines = lines
        self._memory = memory
        self._callers = callers
        self._metrics = metrics
        self._settings = settings
        self._turns = turns
        self.contended = False
        self.pending: list[Waiting] = []

    async def run_again(self, left: Sequence[Waiting], error: Exception | None) -> None:
        """Commit those whom `error` has left without an answer; None if they had no turn yet."""
        self.pending = list(left)
        if error is not None:
            self._count(error)
            if not isinstance(error, HeadMoved):  # nobody knows what has become of the commit
                self._forget(left)
        telling = asyncio.create_task(self._tell_in_time())
        try:
            if isinstance(error, PASSING):
                await self.let_go()
            await self._run_in_batches(left, error)
        finally:
            telling.cancel()

    async def _run_in_batches(self, left: Sequence[Waiting], error: Exception | None) -> None:
        locked = isinstance(error, asyncpg.LockNotAvailableError)
        for start in range(0, len(left), self._settings.batch_limit):
            batch = list(left[start : start + self._settings.batch_limit])
            if locked:
                await self._go_round_lock(batch)
            else:
                await self._run(batch, lock=error is None or isinstance(error, HeadMoved))

    async def _tell_in_time(self) -> None:
        """Tell callers when their time is up, whatever is being waited for."""
        while True:
            await asyncio.sleep(TELLING_SECONDS)
            self._in_time([*self.pending, *self._turns])

    def _in_time(self, batch: Sequence[Waiting]) -> list[Waiting]:
        """Those of `batch` whose time is not up; the others are told so."""
        latest = monotonic() - self._settings.command_timeout_seconds
        late = [waiting for waiting in batch if waiting.since < latest]
        self._callers.fail(late, problems.UNAVAILABLE, "The database cannot be reached.")
        return [waiting for waiting in batch if waiting.since >= latest]

    async def let_go(self) -> None:
        """Give up the connections, and what is remembered of the server they led to.

        The next ones may lead to another, which need not know of it.
        """
        self._memory.clear()
        await self._lines.let_go()

    async def _run(self, batch: list[Waiting], *, lock: bool = False) -> None:
        pause = FIRST_PAUSE_SECONDS
        while batch:
            try:
                batch = await self._run_once(batch, lock=lock)
            except asyncpg.LockNotAvailableError as error:
                self._count(error)
                self._forget(batch)
                await self._go_round_lock(batch)
                return
            except PASSING as error:
                self._count(error)
                await self.let_go()
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            except (HeadMoved, KeysTaken) as error:
                self._count(error)
                self._forget(batch)
                lock = True
            except Exception as error:  # noqa: BLE001 - one command is to blame, not its neighbours
                self._count(error)
                self._forget(batch)
                await self._find_culprit(batch, error)
                return
            else:
                if batch:
                    self._count(HeadMoved())
                    lock = True
            batch = self._in_time(batch)

    def _count(self, error: Exception) -> None:
        """Count a batch that has to be run again."""
        self._metrics.retried(_reason(error))

    def _forget(self, batch: Sequence[Waiting]) -> None:
        self._memory.forget({waiting.submission.tenant_id for waiting in batch})

    async def _run_once(self, batch: list[Waiting], *, lock: bool) -> list[Waiting]:
        started = monotonic()
        connection = await self._lines.writing()
        if lock:
            outcomes = await self._commit_locked(connection, batch)
        else:
            outcomes = await unit_of_work.run(connection, self._memory, _submissions(batch))
        self._metrics.committed(monotonic() - started)
        return self._callers.answer(batch, outcomes)

    async def _commit_locked(
        self, connection: "Connection", batch: list[Waiting]
    ) -> Mapping[int, Outcome]:
        """Hold the heads while the batch is decided, so that nobody can move them.

        Whoever has come for these tenants while the heads were waited for joins the batch.
        """
        tenant_ids = {waiting.submission.tenant_id for waiting in batch}
        async with connection.transaction():
            moved = await unit_of_work.lock(connection, self._memory, tenant_ids)
            self.contended = 2 * moved >= len(tenant_ids)
            joining = self._turns.take(self._settings.batch_limit - len(batch), tenant_ids)
            batch += joining
            self.pending += joining
            return await unit_of_work.run(connection, self._memory, _submissions(batch))

    async def _go_round_lock(self, batch: Sequence[Waiting]) -> None:
        """Let a tenant whose head somebody holds wait for another turn, the others go on."""
        tenant_ids = {waiting.submission.tenant_id for waiting in batch}
        if len(tenant_ids) == 1:
            self._turns.put_back(batch, last=True)
            return
        for tenant_id in tenant_ids:
            of_tenant = [w for w in batch if w.submission.tenant_id == tenant_id]
            await self._run(of_tenant)

    async def _find_culprit(self, batch: list[Waiting], error: Exception) -> None:
        """Halve the batch until the command that cannot be committed stands alone."""
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._run(batch[:middle])
            await self._run(batch[middle:])
        elif isinstance(error, REJECTIONS):
            # Without the detail, which is the whole row.
            _log.warning("command rejected", sqlstate=error.sqlstate, error=error.args[0])
            self._callers.fail(
                batch, problems.COMMAND_REJECTED, "The database refuses a value of it."
            )
        else:
            _log.error("command failed", exc_info=error)
            self._callers.fail(batch, problems.INTERNAL, "The command could not be committed.")


def _submissions(batch: Sequence[Waiting]) -> list[Submission]:
    return [waiting.submission for waiting in batch]


def _reason(error: Exception) -> str:
    match error:
        case HeadMoved():
            return "head moved"
        case KeysTaken():
            return "key taken"
        case asyncpg.LockNotAvailableError():
            return "head locked"
        case _:
            return type(error).__name__ if isinstance(error, PASSING) else "rejected"
