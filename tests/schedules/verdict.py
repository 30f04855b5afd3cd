"""What playing all schedules of a scenario has brought to light."""

from typing import NamedTuple

from tests.schedules.explorer import explore
from tests.schedules.performance import Played
from tests.schedules.scenarios import Scenario
from tests.schedules.stage import staged


class Verdict(NamedTuple):
    """How many schedules there are, who came first in one of them, and the first fault.

    After a fault no more are played.
    """

    schedules: int
    firsts: frozenset[str]
    fault: str | None


async def verdict(url: str, scenario: Scenario) -> Verdict:
    """Play a scenario on a database in all orders that make a difference."""
    firsts = set[str]()
    schedules = 0
    async with staged(url) as stage:
        async for played in explore(lambda choose: stage.play(scenario, choose), scenario.most):
            schedules += 1
            firsts.add(played.first)
            if fault := await stage.fault(scenario, played):
                return Verdict(schedules, frozenset(firsts), f"{fault}\n{_story(played)}")
    return Verdict(schedules, frozenset(firsts), None)


def _story(played: Played) -> str:
    lines = [f"{step.line.name:5} {' '.join(step.text.split())[:90]}" for step in played.steps]
    return "\n".join(lines)
