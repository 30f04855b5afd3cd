"""Services whose way to the database fails, and customers who go on all the same."""

from collections.abc import AsyncGenerator
from random import Random

import pytest

from tests.app.proxy import listening
from tests.faults.breaker import Breaker


@pytest.fixture
def random(run_seed: str, request: pytest.FixtureRequest) -> Random:
    """All that the test makes up, the same whichever tests run beside it."""
    return Random(f"{run_seed} {request.node.name}")


@pytest.fixture
async def breaker(database: str, random: Random) -> AsyncGenerator[Breaker, None]:
    """A way to the test's database that can be made to fail."""
    async with listening(Breaker(database, random)) as made:
        yield made
