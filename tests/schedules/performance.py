"""One schedule of a scenario, played by two processes or by a process and an operator."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from msgspec.structs import replace

from app.committer import Committer
from app.problems import Problem
from app.submission import Outcome, Submission
from tests.app.answered import brief, submit
from tests.schedules.explorer import Choose
from tests.schedules.lines import SteppedConnection
from tests.schedules.scenarios import Answer, Late, Scenario
from tests.schedules.turns import Connection, Line, Step, Turns

if TYPE_CHECKING:
    from app.event_log import Connection as AnyConnection

ONE: Final = "one"
TWO: Final = "two"

Told: TypeAlias = list[tuple[Submission, Outcome | Problem]]
"""Commands, each with what its caller was told."""


class Played(NamedTuple):
    """What has happened: `answers` to the commands of one and two, and who was done `first`."""

    tenants: Sequence[int]
    told: Told
    answers: Sequence[Answer]
    first: str
    steps: Sequence[Step]


class Performance:
    """A scenario on tenants of its own; `told` is what callers have been told so far."""

    def __init__(self, scenario: Scenario, tenants: Sequence[int], turns: Turns) -> None:
        self._scenario: Final = scenario
        self._tenants: Final = tenants
        self._turns: Final = turns
        self._told: Final[Told] = []

    async def tell(self, process: Committer, commands: Sequence[Submission]) -> list[Answer]:
        """Have a process carry out commands that come to it at once; returns its answers."""
        given = [replace(each, tenant_id=self._tenants[each.tenant_id]) for each in commands]
        outcomes = await submit(process, given)
        self._told.extend(zip(given, outcomes, strict=True))
        return [brief(outcome) for outcome in outcomes]

    async def meet(
        self, one: Committer, two: Committer, operator: Connection, choose: Choose
    ) -> Played:
        """Have the two meet, in the order that `choose` decides."""
        turns = self._turns
        turns.free = False
        work = {
            ONE: asyncio.create_task(self._one(one)),
            TWO: asyncio.create_task(self._two(two, operator)),
        }
        try:
            await turns.rest(work)
            while turns.waiting:
                turns.give(choose(turns.waiting))
                await turns.rest(work)
        finally:
            turns.let_go()
            answers = await asyncio.gather(*work.values())
        first = TWO if turns.answered[-1] == ONE else ONE
        return Played(self._tenants, self._told, [*answers[0], *answers[1]], first, turns.taken)

    async def _one(self, process: Committer) -> list[Answer]:
        commands = self._scenario.one
        if isinstance(commands, Late):
            early = asyncio.create_task(self.tell(process, [commands.first]))
            await self._turns.until_waiting(ONE, "INSERT INTO bet_events")
            late = await self.tell(process, commands.then)
            return [*await early, *late]
        return await self.tell(process, commands)

    async def _two(self, process: Committer, operator: Connection) -> list[Answer]:
        work = self._scenario.two
        if isinstance(work, Sequence):
            return await self.tell(process, work)  # pyright: ignore[reportUnknownArgumentType]  # it narrows to any sequence
        line = Line(TWO, 0, operator.get_server_pid())
        stepped = SteppedConnection(line, operator, self._turns)
        await work(cast("AnyConnection", stepped), self._tenants[0])
        return []
