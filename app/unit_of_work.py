"""One transaction that commits the decisions of many commands, or leaves no trace."""

from collections.abc import Collection, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg

from app import commit, load, problems
from app.draft import Draft
from app.loaded import Loaded
from app.submission import Outcome, Refused, Submission
from app.tenant_state import TenantState
from app.wanted import Wanted

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

KEY_CONSTRAINTS: Final = frozenset(
    {"pk_idempotency_keys", "ux_bets_view_idempotency", "ux_payments_view_idempotency"}
)


class KeysTaken(Exception):
    """A key of the batch was taken by a command that this process does not remember."""


class Memory:
    """The tenants that the process remembers, the most recently used ones last."""

    def __init__(self, tenants: int, rows: int) -> None:
        self._tenant_limit = tenants
        self._row_limit = rows
        self._states: dict[int, TenantState] = {}

    def get(self, tenant_id: int) -> TenantState | None:
        """What is remembered of the tenant, if anything."""
        return self._states.get(tenant_id)

    def put(self, state: TenantState) -> None:
        """Remember `state` as the most recent."""
        self._states.pop(state.tenant.id, None)
        self._states[state.tenant.id] = state

    def trim(self, tenant_ids: Collection[int]) -> None:
        """Keep to the limits after a batch that used these tenants; the oldest are forgotten."""
        for tenant_id in tenant_ids:
            if state := self._states.get(tenant_id):
                state.trim(self._row_limit)
        while len(self._states) > self._tenant_limit:
            del self._states[next(iter(self._states))]

    def clear(self) -> None:
        """Drop everything."""
        self._states.clear()

    def forget(self, tenant_ids: Collection[int]) -> None:
        """Drop what is remembered of these tenants."""
        for tenant_id in tenant_ids:
            self._states.pop(tenant_id, None)


class UnitOfWork:
    """Decides a batch on what the process remembers, and commits it with one statement.

    Two round trips when rows have to be read first, one when nothing is missing. What
    another process changed in the meantime shows in the head, which the commit compares.
    """

    def __init__(self, connection: "Connection", memory: Memory) -> None:
        self._connection = connection
        self._memory = memory

    async def run(
        self, batch: Sequence[Submission], *, afresh: bool = False, lock: bool = False
    ) -> dict[int, Outcome]:
        """Run `batch` and return the outcomes of the tenants that committed, by index.

        A tenant whose head another process moved is missing from the result and forgotten.
        `afresh` relies on nothing remembered and looks up every key; `lock` takes the heads
        first, so that nobody can move them. Raises `KeysTaken` and what asyncpg raises.
        """
        if not lock:
            return await self._run(batch, afresh=afresh)
        async with self._connection.transaction():
            heads = load.lock_heads()
            tenant_ids = sorted({submission.tenant_id for submission in batch})
            await self._connection.fetch(heads.text, *heads.arguments(tenants=tenant_ids))
            return await self._run(batch, afresh=True)

    async def _run(self, batch: Sequence[Submission], *, afresh: bool) -> dict[int, Outcome]:
        fresh = await self._remember(batch, afresh=afresh)
        drafts, outcomes = self._decide(batch)
        if not afresh and any(
            draft.unclaimed or (not draft.claims and tenant not in fresh)
            for tenant, draft in drafts.items()
        ):
            # A decision that writes nothing is not checked by the commit: the rows that it
            # rests on must have been read just now, and a key that it leaves alone looked up.
            await self._remember(batch, afresh=True)
            drafts, outcomes = self._decide(batch)
        writing = [draft for draft in drafts.values() if draft.claims]
        committed = await self._commit(writing) if writing else frozenset[int]()
        for draft in writing:
            self._conclude(draft, committed=draft.state.tenant.id in committed)
        self._memory.trim(drafts.keys())
        lost = {draft.state.tenant.id for draft in writing} - committed
        return {
            index: outcome
            for index, outcome in outcomes.items()
            if batch[index].tenant_id not in lost
        }

    def _decide(self, batch: Sequence[Submission]) -> tuple[dict[int, Draft], dict[int, Outcome]]:
        now = time_ns() // 1_000_000
        drafts: dict[int, Draft] = {}
        outcomes: dict[int, Outcome] = {}
        for index, submission in enumerate(batch):
            draft = drafts.get(submission.tenant_id)
            if draft is None:
                state = self._memory.get(submission.tenant_id)
                if state is None:
                    outcomes[index] = Refused(_unknown_tenant(submission.tenant_id))
                    continue
                draft = drafts[submission.tenant_id] = Draft(state, now)
            outcomes[index] = draft.decide(submission)
        return drafts, outcomes

    async def _commit(self, drafts: Sequence[Draft]) -> frozenset[int]:
        rows = commit.rows(drafts)
        query = commit.statement(frozenset(rows))
        try:
            moved = await self._connection.fetch(query.text, *query.arguments(**rows))
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name in KEY_CONSTRAINTS:
                raise KeysTaken from error
            raise
        return frozenset(record[0] for record in moved)

    def _conclude(self, draft: Draft, *, committed: bool) -> None:
        state = draft.state
        if not committed:
            self._memory.forget([state.tenant.id])
            return
        state.advance(draft.head, draft.rows, draft.claims)
        self._memory.put(state)

    async def _remember(self, batch: Sequence[Submission], *, afresh: bool) -> frozenset[int]:
        """Make sure that everything `batch` needs is remembered; return the tenants read."""
        wanted = Wanted()
        for submission in batch:
            wanted.add(submission, None if afresh else self._memory.get(submission.tenant_id))
        if not wanted:
            return frozenset()
        states = await self._read(wanted)
        moved = False
        for tenant_id, state in states.items():
            held = None if afresh else self._memory.get(tenant_id)
            if held is None:
                self._memory.put(state)
            elif held.head == state.head:
                held.advance(state.head, state.rows, state.keys)
                self._memory.put(held)
            else:
                moved = True
        if moved:
            return await self._remember(batch, afresh=True)
        return frozenset(wanted.tenants)

    async def _read(self, wanted: Wanted, *, opened: bool = False) -> dict[int, TenantState]:
        query, arguments = load.read(wanted)
        records = await self._connection.fetch(query.text, *arguments)
        loaded = Loaded(wanted)
        loaded.take(tuple(record) for record in records)
        if missing := wanted.tenants - loaded.states.keys():
            self._memory.forget(missing)
            if not opened:  # it makes no difference who opens the heads, this process or another
                heads = load.open_heads()
                await self._connection.execute(
                    heads.text, *heads.arguments(tenants=sorted(missing))
                )
                return await self._read(wanted, opened=True)
        return loaded.states


def _unknown_tenant(tenant_id: int) -> dict[str, object]:
    return problems.document(problems.TENANT_NOT_FOUND, f"There is no tenant {tenant_id}.")
