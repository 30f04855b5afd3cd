"""A log explained as commands that were carried out one after the other."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, TypeAlias

from app.problems import Problem
from app.replay import Replay
from app.submission import Applied, Outcome, Submission
from domain.bet import Bet
from domain.decision import Fact, decide
from domain.errors import Refusal
from domain.events import DomainEvent
from domain.payment import Payment
from domain.recorded import Recorded
from domain.tenant import Wallet

Log: TypeAlias = Sequence[Recorded[DomainEvent]]
Told: TypeAlias = Sequence[tuple[Submission, Outcome | Problem]]
"""Commands, each with what its caller was told."""


class Unexplained(Exception):
    """What no order of the commands would have led to."""


def explain(log: Log, told: Told, wallet: Wallet) -> None:
    """Make sure that the log is that of the commands whose callers were told of success.

    Each stands in it once, its events together; they are what the rules make of it after the
    events before, and the row that the caller got is the one after it, or in a repeat one of
    those since. Raises `Unexplained`.
    """
    history = _History(wallet)
    due = {submission.command_id: (submission, outcome) for submission, outcome in told}
    for cause, group in groupby(log, key=lambda recorded: recorded.metadata.causation_id):
        events = list(group)
        if cause is None or cause not in due:
            raise Unexplained(f"position {events[0].position} is of a command told twice or never")
        history.take(events, *due.pop(cause))
    for submission, outcome in due.values():
        history.check_absent(submission, outcome)


class _History:
    """What the commands in the log so far have led to."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet: Final = wallet
        self._replay: Final = Replay()
        self._resources: Final[dict[str, str]] = {}
        self._rows: Final[dict[str, list[Bet | Payment | None]]] = {}

    def take(self, events: Log, submission: Submission, outcome: Outcome | Problem) -> None:
        """Take the next command, with its events."""
        self._check_rules(events, submission)
        for recorded in events:
            self._replay.fold(recorded)
        if not isinstance(outcome, Applied) or outcome.duplicate:
            raise Unexplained(f"{submission.operation} is in the log, and was answered {outcome}")
        row = self._row(submission)
        if outcome.row != row:
            raise Unexplained(f"{submission.operation} made {row}, and was answered {outcome.row}")
        self._resources[submission.idempotency_key] = submission.resource_id
        self._rows.setdefault(submission.resource_id, []).append(row)

    def check_absent(self, submission: Submission, outcome: Outcome | Problem) -> None:
        """Make sure that a command may be missing in the log: refused, or carried out before."""
        if not isinstance(outcome, Applied):
            return
        if not outcome.duplicate:
            raise Unexplained(f"{submission.operation} was acknowledged and is not in the log")
        resource_id = self._resources.get(submission.idempotency_key)
        if resource_id is None or outcome.row not in self._rows[resource_id]:
            raise Unexplained(f"a repeat of {submission.operation} was answered {outcome.row}")

    def _check_rules(self, events: Log, submission: Submission) -> None:
        command, resource_id = submission.command, submission.resource_id
        try:
            facts = decide(command, resource_id, self._replay, self._wallet)
        except Refusal as refusal:
            raise Unexplained(
                f"{submission.operation} is in the log, though {refusal}"
            ) from refusal
        found = [Fact(each.aggregate_id, each.event, each.metadata.related_to) for each in events]
        if found != facts:
            raise Unexplained(f"{submission.operation} should record {facts}, not {found}")

    def _row(self, submission: Submission) -> Bet | Payment | None:
        resource_id = submission.resource_id
        if submission.resource == "bet":
            return self._replay.bet(resource_id)
        return self._replay.payment(resource_id)
