"""All orders of the statements of units of work, one of those that make no difference.

This is dynamic partial order reduction (Flanagan and Godefroid, 2005) with sleep sets: a schedule
is played to its end, and for each two steps that do not commute and follow on one another it is
seen to that they also come in the other order.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeAlias, TypeVar

from tests.schedules.turns import Step

T = TypeVar("T")

Offered: TypeAlias = Mapping[str, Step]
"""The steps that can be the next one, by the names of their lines."""
Choose: TypeAlias = Callable[[Offered], str]


class Redundant(Exception):
    """However the schedule went on, it would differ from another only in what makes none."""


class _Point:
    """A point of a schedule: what could come next there, what does, and what has to be tried.

    `asleep` are steps that need not come next: that has been tried, or what has come since they
    could commutes with them.
    """

    def __init__(self, offered: Offered, asleep: Offered) -> None:
        awake = sorted(offered.keys() - asleep.keys())
        if not awake:
            raise Redundant
        self.offered: Final = dict(offered)
        self.taken = awake[0]
        self._asleep: Final = dict(asleep)
        self._wanted: Final = {self.taken}

    @property
    def step(self) -> Step:
        """What comes next."""
        return self.offered[self.taken]

    def asleep_after(self) -> Offered:
        """What is asleep once the step is taken."""
        return {name: held for name, held in self._asleep.items() if held.commutes_with(self.step)}

    def want(self, names: set[str], best: str) -> None:
        """Have one of these come next, once: the best if it can, and any of all if none can."""
        able = names & self.offered.keys()
        if not able:
            self._wanted.update(self.offered)
        elif not able & self._wanted:
            self._wanted.add(best if best in able else min(able))

    def turn_to_next(self) -> bool:
        """Take another step from now on; false if there is none that has to be tried."""
        self._asleep[self.taken] = self.step
        left = self._wanted - self._asleep.keys()
        if left:
            self.taken = min(left)
        return bool(left)


class _Schedule:
    """Chooses as `points` say, and goes on with new ones."""

    def __init__(self, points: Sequence[_Point]) -> None:
        self.points: Final = list(points)
        self._at = 0

    def __call__(self, offered: Offered) -> str:
        if self._at == len(self.points):
            asleep: Offered = self.points[-1].asleep_after() if self.points else {}
            self.points.append(_Point(offered, asleep))
        taken = self.points[self._at].taken
        assert taken in offered, f"the schedule cannot be played again: {taken} of {[*offered]}"
        self._at += 1
        return taken


async def explore(play: Callable[[Choose], Awaitable[T]], most: int) -> AsyncGenerator[T]:
    """Play the schedules, and yield what `play` returns of each; fail at more than `most`.

    Nothing but whose turn it is may make a difference: a schedule that begins like another has
    to go on like it.
    """
    points: list[_Point] = []
    for _ in range(most):
        schedule = _Schedule(points)
        with suppress(Redundant):
            yield await play(schedule)
        points = schedule.points
        _turn_races_round(points)
        while points and not points[-1].turn_to_next():
            points.pop()
        if not points:
            return
    raise AssertionError(f"there are more than {most} schedules")


def _turn_races_round(points: Sequence[_Point]) -> None:
    """Have the later of two steps that do not commute come where the earlier one came."""
    before: list[set[int]] = []  # what has to have come before each step, by index
    for at, point in enumerate(points):
        known = set[int]()
        for earlier in reversed(range(at)):
            other = points[earlier]
            if earlier in known or other.step.commutes_with(point.step):
                continue
            if other.taken != point.taken:
                leading = {points[index].taken for index in known if index > earlier}
                other.want(leading | {point.taken}, point.taken)
            known |= {earlier} | before[earlier]
        before.append(known)
