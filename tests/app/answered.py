"""Commands that are submitted at once, and in brief what they were answered."""

import asyncio
from collections.abc import Sequence

from app.committer import Committer
from app.problems import Problem
from app.submission import Applied, Outcome, Refused, Submission
from tests.app.units import refusal

NEW, MOVED, REPEATED = (201, False), (200, False), (200, True)


async def submit(committer: Committer, batch: Sequence[Submission]) -> list[Outcome | Problem]:
    """Submit commands at once; a problem that is raised is returned."""

    async def one(submission: Submission) -> Outcome | Problem:
        try:
            return await committer.submit(submission)
        except Problem as problem:
            return problem

    return await asyncio.gather(*map(one, batch))


async def submitted(
    committer: Committer, batch: Sequence[Submission]
) -> list[tuple[int, bool] | str]:
    """Submit commands at once and say in brief what they were answered."""
    return [brief(outcome) for outcome in await submit(committer, batch)]


def brief(outcome: Outcome | Problem) -> tuple[int, bool] | str:
    """Status and whether it is a duplicate, or the kind of problem."""
    if isinstance(outcome, Applied):
        return outcome.status, outcome.duplicate
    if isinstance(outcome, Refused):
        return refusal(outcome)
    return str(outcome.document["type"]).removeprefix("/problems/")
