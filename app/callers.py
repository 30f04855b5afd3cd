"""Those who wait for what becomes of a command, and how they are told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from app import problems
from app.metrics import Metrics
from app.problems import problem
from app.submission import Applied, Outcome, Submission

APPLIED: Final = "applied"

Committed: TypeAlias = Callable[[Collection[int]], None]
"""What is to be told which tenants have new events."""


class Waiting(Struct, eq=False):
    """A command and its caller; `since` by the monotonic clock, in seconds."""

    submission: Submission
    answer: "asyncio.Future[Outcome]"
    since: float


class Callers:
    """Tells callers, and counts what they are told; `committed` is told of new events."""

    def __init__(self, metrics: Metrics, committed: Committed) -> None:
        self._metrics = metrics
        self._committed = committed

    def answer(self, batch: Sequence[Waiting], outcomes: Mapping[int, Outcome]) -> list[Waiting]:
        """Hand out `outcomes`, which go by index; return those who got none."""
        told = Counter[tuple[str, str]]()
        tenants = set[int]()
        for index, outcome in outcomes.items():
            waiting = batch[index]
            label = _label(outcome)
            told[waiting.submission.operation, label] += 1
            if label == APPLIED:
                tenants.add(waiting.submission.tenant_id)
            if not waiting.answer.done():  # the caller may have gone away
                waiting.answer.set_result(outcome)
        for (operation, label), number in told.items():
            self._metrics.outcome(operation, label, number)
        if tenants:
            self._committed(tenants)
        return [waiting for index, waiting in enumerate(batch) if index not in outcomes]

    def fail(self, batch: Iterable[Waiting], kind: problems.Kind, detail: str) -> None:
        """Raise a problem for everyone in `batch` who still waits."""
        for waiting in batch:
            if not waiting.answer.done():
                self._metrics.outcome(waiting.submission.operation, kind.slug)
                waiting.answer.set_exception(problem(kind, detail))


def _label(outcome: Outcome) -> str:
    if isinstance(outcome, Applied):
        return "duplicate" if outcome.duplicate else APPLIED
    return "refused"
