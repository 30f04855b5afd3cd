"""Turns: which of several statements, each of another connection, is sent next."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import asyncpg

from tests.schedules.footprint import Footprint

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[Any]"
Send: TypeAlias = Callable[[], Awaitable[T]]

LONGEST_SECONDS: Final = 20
_LOOK_AGAIN_SECONDS: Final = 0.002

_IS_BLOCKED: Final = "SELECT cardinality(pg_blocking_pids($1)) > 0"


class Line(NamedTuple):
    """A connection that takes part: who it belongs to, which of his it is, its backend."""

    actor: str
    number: int
    pid: int

    @property
    def name(self) -> str:
        """`one`, and `one'` for a second connection."""
        return self.actor + "'" * self.number


class Step(NamedTuple):
    """A statement that waits for its turn, which comes when `turn` is done."""

    line: Line
    text: str
    footprint: Footprint
    turn: "asyncio.Future[None]"

    def commutes_with(self, other: "Step") -> bool:
        """Whether it makes no difference which of the two is the first."""
        apart = self.line.actor != other.line.actor
        return apart and self.footprint.commutes_with(other.footprint)


class Turns:
    """Holds every statement back until it is given its turn.

    `waiting` are the statements that can be given theirs, by the names of their lines; `taken`
    are those that were, in the order in which they were sent, and `answered` the actors, in the
    order in which their statements were answered. While `free`, nothing is held back.
    """

    def __init__(self, observer: Connection) -> None:
        self._observer: Final = observer
        self._sent: Final[dict[str, Step]] = {}
        self._changed: Final = asyncio.Event()
        self._arrived: Final = asyncio.Event()
        self._unheld = 0
        self.free = True
        self.waiting: Final[dict[str, Step]] = {}
        self.taken: Final[list[Step]] = []
        self.answered: Final[list[str]] = []

    async def send(self, line: Line, text: str, footprint: Footprint, send: Send[T]) -> T:
        """Send a statement when its turn has come."""
        if self.free:
            return await send()
        step = Step(line, text, footprint, asyncio.get_running_loop().create_future())
        self.waiting[line.name] = step
        self._changed.set()
        self._arrived.set()
        await step.turn
        try:
            return await send()
        finally:
            del self._sent[line.name]
            self.answered.append(line.actor)
            self._changed.set()

    async def send_at_once(self, send: Send[T]) -> T:
        """Send a statement that makes no difference to others."""
        self._unheld += 1
        try:
            return await send()
        finally:
            self._unheld -= 1
            self._changed.set()

    def give(self, name: str) -> None:
        """Give the statement that waits on a line its turn."""
        step = self._sent[name] = self.waiting.pop(name)
        self.taken.append(step)
        step.turn.set_result(None)

    def let_go(self) -> None:
        """Hold nothing back any more."""
        self.free = True
        self._arrived.set()
        for name in list(self.waiting):
            self.give(name)

    async def until_waiting(self, actor: str, words: str) -> None:
        """Go on once an actor's statement that has these words waits for its turn, if any will."""
        while not self.free and not any(
            step.line.actor == actor and words in step.text for step in self.waiting.values()
        ):
            self._arrived.clear()
            await self._arrived.wait()

    async def rest(self, work: Mapping[str, "asyncio.Task[Any]"]) -> None:
        """Go on once nothing more happens of itself: everybody waits for a turn, or is done.

        A statement that waits for a lock is left to itself as long as others have a turn to
        take; so is one that waits for another of its kind, until the server parts them.
        """
        async with asyncio.timeout(LONGEST_SECONDS):
            while True:
                self._changed.clear()
                if await self._at_rest(work):
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), _LOOK_AGAIN_SECONDS)

    async def _at_rest(self, work: Mapping[str, "asyncio.Task[Any]"]) -> bool:
        await _run_callbacks()
        steps = [*self.waiting.values(), *self._sent.values()]
        idle = {step.line.actor for step in steps}
        if self._unheld or any(
            not task.done() and actor not in idle for actor, task in work.items()
        ):
            return False
        for step in list(self._sent.values()):
            if not await self._observer.fetchval(_IS_BLOCKED, step.line.pid):
                return False
        return bool(self.waiting) or not self._sent


async def _run_callbacks() -> None:
    """Go on once the loop has nothing left to do but to wait for the server or for a turn."""
    loop: Any = asyncio.get_running_loop()
    await asyncio.sleep(0)
    while loop._ready:  # noqa: ASYNC110 - there is no other way to see whether the loop is idle
        await asyncio.sleep(0)
