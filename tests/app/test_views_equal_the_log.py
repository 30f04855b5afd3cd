"""The five views after many random commands, against the fold over the events in the tables."""

from collections import Counter

import pytest

from app.submission import Outcome, Refused
from tests.app.ledger import Connection, assert_sound
from tests.app.operators import TENANTS, Operators, settle
from tests.app.submissions import place
from tests.app.units import applied, connected

COMMANDS = 400


@pytest.mark.parametrize("seed", range(3))
async def test_views_equal_the_fold_over_the_log(
    database: str, connection: Connection, seed: int
) -> None:
    operators, outcomes = Operators(seed), list[Outcome]()
    async with connected(database) as one, connected(database) as two:
        while len(outcomes) < COMMANDS:
            batch = [operators.command() for _ in range(operators.random.randrange(1, 20))]
            outcomes += await settle(operators.random.choice([one, two]), batch)
    for tenant in TENANTS:
        log = await assert_sound(connection, tenant)
        assert len(log) > 30
    refused = Counter(o.problem["error"] for o in outcomes if isinstance(o, Refused))
    assert {"Insufficient funds", "Not possible in this status"} <= refused.keys()


async def test_a_process_that_remembers_next_to_nothing_writes_the_same(
    database: str, connection: Connection
) -> None:
    operators = Operators(7)
    async with connected(database) as process:
        for _ in range(30):
            await settle(process, [operators.command() for _ in range(5)])
            process.memory.trim()
            for tenant in TENANTS:
                if state := process.memory.get(tenant):
                    state.trim(1, 1)
        assert applied(await process.run(place()))
    for tenant in TENANTS:
        assert await assert_sound(connection, tenant)
