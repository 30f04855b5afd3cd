"""Whatever commands come, in whatever order: the service does what the books say."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import Examples
from tests.model.machine import Machine, Stage

STEPS = 50


@pytest.mark.usefixtures("anyio_backend")  # for the fixtures of this test, which are asynchronous
def test_the_service_does_what_the_books_say(stage: Stage, examples: Examples) -> None:
    class OnStage(Machine):
        pass

    OnStage.stage = stage
    run_state_machine_as_test(
        OnStage,
        settings=settings(
            max_examples=examples(short=200, long=5_000),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
