"""The explorer: it plays one schedule of each class of those that make no difference."""

import asyncio
from collections.abc import Sequence
from itertools import combinations
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedules.explorer import Choose, explore
from tests.schedules.footprint import Footprint
from tests.schedules.turns import Line, Step

Work: TypeAlias = Sequence[Footprint]

LONGEST = 5

tables = st.frozensets(st.sampled_from("abc"), max_size=2)
footprints = st.builds(Footprint, reads=tables, locks=tables, publishes=tables)
works = st.lists(footprints, min_size=1, max_size=LONGEST)


def steps(actor: str, work: Work) -> list[Step]:
    """What an actor does, whose turns never come."""
    line, turn = Line(actor, 0, 0), asyncio.get_running_loop().create_future()
    return [Step(line, str(number), footprint, turn) for number, footprint in enumerate(work)]


def all_orders(one: Sequence[Step], two: Sequence[Step]) -> list[list[Step]]:
    """Every order in which the steps of the two can follow one another."""
    length = len(one) + len(two)
    orders: list[list[Step]] = []
    for places in combinations(range(length), len(one)):
        ones, twos = iter(one), iter(two)
        orders.append([next(ones if at in places else twos) for at in range(length)])
    return orders


def class_of(order: Sequence[Step]) -> frozenset[tuple[str, str, str, str]]:
    """Which steps that do not commute came before which: all that makes a difference."""
    return frozenset(
        (first.line.name, first.text, second.line.name, second.text)
        for first, second in combinations(order, 2)
        if not first.commutes_with(second)
    )


@settings(deadline=None)
@given(works, works)
async def test_every_class_of_schedules_is_played_once(one: Work, two: Work) -> None:
    ahead = {"one": steps("one", one), "two": steps("two", two)}

    async def play(choose: Choose) -> list[Step]:
        left = {name: list(work) for name, work in ahead.items()}
        played: list[Step] = []
        while offered := {name: work[0] for name, work in left.items() if work}:
            played.append(left[choose(offered)].pop(0))
        return played

    played = [class_of(order) async for order in explore(play, 1_000)]
    assert len(played) == len(set(played))
    assert set(played) == {class_of(order) for order in all_orders(*ahead.values())}
