"""One transaction that commits the decisions of many commands, or leaves no trace."""

from collections.abc import Collection, Coroutine, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from app import commit, load, problems
from app.draft import Draft
from app.loaded import Loaded
from app.memory import Memory
from app.query import Query
from app.submission import OPERATIONS, Outcome, Refused, Submission
from app.tenant_state import TenantState
from app.wanted import Wanted
from domain.bet import PlaceBet
from domain.payment import MakePayment
from projections.idempotency_keys import KeyRecord

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

# A new row that is there already was made by its own command, whose answer was lost.
KEY_CONSTRAINTS: Final = frozenset(
    {
        "pk_idempotency_keys",
        "ux_bets_view_idempotency",
        "ux_payments_view_idempotency",
        "pk_bets_view",
        "pk_payments_view",
    }
)


_MADE: Final = {OPERATIONS[PlaceBet]: "bets", OPERATIONS[MakePayment]: "payments"}

MOST_READS: Final = 5  # of what one batch needs, while other processes move its heads


class KeysTaken(Exception):
    """A key of the batch was taken by a command that this process does not remember."""


class HeadMoved(Exception):
    """Another process moved the head of a tenant on which commands have been decided."""


class UnitOfWork:
    """Commands decided one after the other on what the process remembers, then committed.

    It can go on taking commands until it is committed, while the one before it is under way:
    memory holds what that one will leave behind. Should it fail, whoever sent it makes the
    process forget, and starts the later one over. The commit compares every head that a
    decision rests on, so nothing that was decided on a wrong assumption gets through.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._submissions: Final[list[Submission]] = []
        self._outcomes: Final[list[Outcome]] = []
        self._drafts: Final[dict[int, Draft]] = {}

    def wanted(self, submissions: Sequence[Submission]) -> Wanted:
        """What has to be read before `submissions` can be decided; false if it is nothing."""
        wanted = Wanted()
        for submission in submissions:
            wanted.add(submission, self._state(submission.tenant_id))
        return wanted

    async def load(
        self, submissions: Sequence[Submission], wanted: Wanted, connection: "Connection"
    ) -> None:
        """Read and remember what is wanted. Raises `HeadMoved` and what asyncpg raises."""
        for _ in range(MOST_READS):
            if not wanted:
                return
            states = await _read(wanted, connection)
            self._memory.forget(wanted.tenants - states.keys())
            moved = self._remember(states)
            if not moved:
                return
            if moved & self._drafts.keys():
                break
            self._memory.forget(moved)
            wanted = self.wanted(submissions)
        raise HeadMoved

    def decide(self, submissions: Sequence[Submission]) -> None:
        """Decide commands for which everything has been read, in this order."""
        now = time_ns() // 1_000_000
        for submission in submissions:
            self._submissions.append(submission)
            self._outcomes.append(self._decide(submission, now))

    def commit(self, connection: "Connection") -> Coroutine[Any, Any, frozenset[int]]:
        """Commit with one statement; return the tenants that committed, for `conclude`.

        From the call on, not only once it is awaited, memory holds what the commit will leave
        behind. Where bets or payments are refused, a read comes first. Raises `KeysTaken` and
        what asyncpg raises; then the caller makes the process forget the tenants.
        """
        drafts = list(self._drafts.values())
        rows = commit.rows(drafts)
        for draft in drafts:
            draft.state.advance(draft.head, draft.rows, draft.claims)
            self._memory.put(draft.state)
        return _execute(connection, drafts, rows)

    def conclude(self, committed: frozenset[int]) -> dict[int, Outcome]:
        """The outcomes of the tenants that committed, by index.

        A tenant whose head another process moved is missing from the result.
        """
        lost = self._drafts.keys() - committed
        for tenant_id, draft in self._drafts.items():
            if tenant_id in lost:
                draft.state.outdate()
            else:
                draft.state.settle()
        return {
            index: outcome
            for index, outcome in enumerate(self._outcomes)
            if self._submissions[index].tenant_id not in lost
        }

    def _state(self, tenant_id: int) -> TenantState | None:
        draft = self._drafts.get(tenant_id)
        return draft.state if draft else self._memory.get(tenant_id)

    def _decide(self, submission: Submission, now: int) -> Outcome:
        draft = self._drafts.get(submission.tenant_id)
        if draft is None:
            state = self._memory.get(submission.tenant_id)
            if state is None:
                return Refused(_unknown_tenant(submission.tenant_id))
            draft = self._drafts[submission.tenant_id] = Draft(state)
        return draft.decide(submission, now)

    def _remember(self, states: dict[int, TenantState]) -> set[int]:
        """Take over what was read; return the tenants whose heads are not as remembered."""
        moved = set[int]()
        for tenant_id, state in states.items():
            held = self._state(tenant_id)
            if held is None:
                self._memory.put(state)
            elif not held.learn(state):
                moved.add(tenant_id)
        return moved


async def run(
    connection: "Connection", memory: Memory, submissions: Sequence[Submission]
) -> dict[int, Outcome]:
    """Decide and commit `submissions` in one go; return outcomes as `UnitOfWork.conclude` does.

    Two round trips when rows have to be read first, one when nothing is missing.
    """
    unit = UnitOfWork(memory)
    await unit.load(submissions, unit.wanted(submissions), connection)
    unit.decide(submissions)
    return unit.conclude(await unit.commit(connection))


async def lock(connection: "Connection", memory: Memory, tenant_ids: Collection[int]) -> int:
    """Hold the heads until the transaction ends; return how many were not as remembered."""
    heads = await _fetch(connection, load.lock_heads(), tenants=sorted(tenant_ids))
    found = {row["tenant_id"]: (row["position"], row["hash"], row["revision"]) for row in heads}
    moved = 0
    for tenant_id in tenant_ids:
        if (state := memory.get(tenant_id)) is None:
            continue
        known = (state.head.position, state.head.hash, state.head.revision)
        if state.outdated or known != found.get(tenant_id):
            moved += 1
            state.outdate()
    return moved


async def _execute(
    connection: "Connection", drafts: Sequence[Draft], rows: dict[str, str]
) -> frozenset[int]:
    if not rows:
        return frozenset()
    if refused := [
        (draft.state.tenant.id, claim)
        for draft in drafts
        for claim in draft.claims.values()
        if claim.problem is not None and claim.operation in _MADE
    ]:
        await _check_refused(connection, refused)
    tenant_ids = [draft.state.tenant.id for draft in drafts]
    query, arguments = commit.statement(tenant_ids, rows)
    try:
        moved = await connection.fetch(query.text, *arguments)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name in KEY_CONSTRAINTS:
            raise KeysTaken from error
        raise
    return frozenset(record[0] for record in moved)


async def _check_refused(
    connection: "Connection", refused: Sequence[tuple[int, KeyRecord]]
) -> None:
    """Make sure that what is refused, each in a tenant, was not made before. Raises `KeysTaken`.

    A key that was pruned still stands in the view, but what cannot be made now does not run
    into its unique index. Whatever is made after this look moves the head.
    """
    values: dict[str, list[Any]] = {"tenants": [tenant_id for tenant_id, _ in refused]}
    for operation, name in _MADE.items():
        of_it = [each for each in refused if each[1].operation == operation]
        values[f"{name}_tenant"] = [tenant_id for tenant_id, _ in of_it]
        values[f"{name}_key"] = [claim.idempotency_key for _, claim in of_it]
    if await _fetch(connection, load.made_by(), **values):
        raise KeysTaken


async def _read(wanted: Wanted, connection: "Connection") -> dict[int, TenantState]:
    query, arguments = load.read(wanted)
    loaded = Loaded(wanted)
    loaded.take(tuple(record) for record in await connection.fetch(query.text, *arguments))
    missing = wanted.tenants - loaded.states.keys()
    if missing:  # it makes no difference who opens the heads, this process or another
        await _fetch(connection, load.open_heads(), tenants=sorted(missing))
        loaded = Loaded(wanted)
        loaded.take(tuple(record) for record in await connection.fetch(query.text, *arguments))
    return loaded.states


async def _fetch(
    connection: "Connection", query: Query, **values: object
) -> "Sequence[asyncpg.Record]":
    return await connection.fetch(query.text, *query.arguments(**values))


def _unknown_tenant(tenant_id: int) -> dict[str, object]:
    return problems.document(problems.TENANT_NOT_FOUND, f"There is no tenant {tenant_id}.")
