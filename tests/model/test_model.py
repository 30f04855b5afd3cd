"""Whatever commands come, in whatever order: the service does what the books say."""

import pytest

from tests.conftest import Examples
from tests.model.machine import Stage, run

AT_A_TIME = 200


@pytest.mark.usefixtures("anyio_backend")  # for the fixtures of this test, which are asynchronous
def test_the_service_does_what_the_books_say(
    stage: Stage, examples: Examples, run_seed: str
) -> None:
    # In parts, as Hypothesis remembers all that it has tried, which slows down a long run.
    for part in range(examples(short=200, long=5_000) // AT_A_TIME):
        run(stage, examples=AT_A_TIME, run_seed=f"{run_seed} {part}")
