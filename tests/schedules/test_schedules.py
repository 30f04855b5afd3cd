"""Two units of work, statement by statement, in every order that makes a difference."""

import pytest

from tests.schedules.performance import ONE, TWO
from tests.schedules.scenarios import SCENARIOS, Scenario
from tests.schedules.verdict import verdict


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_every_order_of_statements_comes_to_one_after_the_other(
    database: str, scenario: Scenario
) -> None:
    found = await verdict(database, scenario)
    assert found.fault is None, found.fault
    assert found.schedules > 3
    if scenario.one_first != scenario.two_first:
        assert found.firsts == {ONE, TWO}
