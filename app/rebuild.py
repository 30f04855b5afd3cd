"""Setting the rows of a tenant's views that are not what its log makes of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg
from msgspec import Struct, field

from app import heads, row_security
from app.complaint import Complaint
from app.correction import Correction
from app.shadow import Shadow
from projections import PROJECTIONS
from projections.snapshots import snapshots

if TYPE_CHECKING:
    from app.event_log import Connection

NAMES: Final = tuple(projection.table.name for projection in PROJECTIONS)

_REBUILDING: Final = 572_901_724  # any number that nobody else locks; the other is the tenant's
_TRY_LOCK: Final = "SELECT pg_try_advisory_lock($1::int, hashint8($2))"
_UNLOCK: Final = "SELECT pg_advisory_unlock($1::int, hashint8($2))"

_HELD_SECONDS: Final = 0.015  # for which a step should hold the head
_FIRST_STEP: Final = 100  # rows
_STEPS: Final = range(20, 5_000)
_FEW_EVENTS: Final = 50  # that may be left to fold while the head is held
_MOST_ROUNDS: Final = 10  # of catching up before that, however many are left


class Hold(NamedTuple):
    """A time for which commands of the tenant had to wait: from when, and for how long."""

    since: float
    seconds: float


class Rebuilt(Struct, kw_only=True):
    """What was done: `rows` set anew by view, and when the head was `held` for it.

    `events` is the position of the last event that was read; `left` counts the rows that are
    wrong too, in views that were not to be rebuilt.
    """

    tenant_id: int
    events: int = 0
    rows: Counter[str] = field(default_factory=Counter[str])
    left: Counter[str] = field(default_factory=Counter[str])
    held: list[Hold] = field(default_factory=list[Hold])


async def rebuild(
    connection: "Connection",
    tenant_id: int,
    views: Collection[str],
    progress: Callable[[int], object],
) -> Rebuilt:
    """Make `views` what the log says, while commands go on.

    Rows that are right are left alone. The others are found without any lock, and set some at a
    time while the tenant's head is held, for about `_HELD_SECONDS`. Whenever it ends, each row is
    as it was or right. `progress` is told how many events have been read, some at a time.

    Raises `FaultFound` for a log that is not whole, `Complaint` if somebody else is at it or
    keeps hold of the head.
    """
    await row_security.turn_to(connection, tenant_id)
    async with _alone(connection, tenant_id):
        # From here on nobody goes on with a row that he read before somebody edited it.
        await heads.outdate(connection, tenant_id)
        made, correction = Shadow(connection, tenant_id), Correction(connection, tenant_id)
        await made.open()
        await made.catch_up(progress)
        await _compare(connection, made, correction, progress)
        done = Rebuilt(tenant_id=tenant_id)
        await _put_all(connection, made, correction, views, done)
        if number := await made.snapshots.put(connection, made.audit.position):
            done.rows[snapshots.name] += number
        done.events = made.audit.position
        return done


async def _compare(
    connection: "Connection",
    made: Shadow,
    correction: Correction,
    progress: Callable[[int], object],
) -> None:
    async with connection.transaction(isolation="repeatable_read"):
        await made.catch_up(progress)
        await heads.check(connection, made.audit)
        await made.write()
        await made.analyze()
        await correction.find()
    await made.analyze()


async def _put_all(
    connection: "Connection",
    made: Shadow,
    correction: Correction,
    views: Collection[str],
    done: Rebuilt,
) -> None:
    most = _FIRST_STEP
    done.left = await correction.left()
    while any(done.left[view] for view in views):
        for _ in range(_MOST_ROUNDS):
            if await _follow(made, correction) <= _FEW_EVENTS:
                break
        held = await _put_some(connection, made, correction, views, most, done)
        # Twice at most, as one step says little of the next.
        most = int(most * min(2.0, _HELD_SECONDS / held))
        most = min(max(most, _STEPS.start), _STEPS.stop)
        await asyncio.sleep(held)  # the others' turn


async def _follow(made: Shadow, correction: Correction) -> int:
    events = await made.catch_up(seen=correction.note)
    await correction.spread()
    await made.write()
    return events


async def _put_some(
    connection: "Connection",
    made: Shadow,
    correction: Correction,
    views: Collection[str],
    most: int,
    done: Rebuilt,
) -> float:
    """Set at most so many rows in one transaction; returns for how many seconds it held all."""
    async with connection.transaction():
        await heads.hold(connection, made.tenant_id)
        since = monotonic()  # by the clock of the machine
        await made.catch_up(seen=correction.note)
        await correction.spread()
        left = await correction.left()
        await made.write(left)
        rows = await correction.put([view for view in views if left[view]], most)
        # What other processes remember of the tenant may be what was wrong.
        await heads.outdate(connection, made.tenant_id)
    done.rows += rows
    done.left = left - rows
    done.held.append(Hold(since, monotonic() - since))
    return done.held[-1].seconds


@asynccontextmanager
async def _alone(connection: "Connection", tenant_id: int) -> AsyncGenerator[None]:
    if not await connection.fetchval(_TRY_LOCK, _REBUILDING, tenant_id):
        raise Complaint(
            f"The views of tenant {tenant_id} are being rebuilt already: wait for that."
        )
    try:
        yield
    except asyncpg.LockNotAvailableError as error:
        raise Complaint(
            f"Somebody keeps hold of the head of tenant {tenant_id}: run it again after that."
        ) from error
    finally:
        await connection.execute(_UNLOCK, _REBUILDING, tenant_id)
