"""Mutants of the service: each breaks one rule of the write path, as other event stores did.

What they are modelled on is in docs/mutation.md.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import pytest

from app import commit, heads
from app.draft import Draft
from app.loaded import Loaded
from app.query import Query
from app.submission import Outcome, Submission
from app.tenant_state import TABLES, Rows, TenantState
from app.unit_of_work import UnitOfWork
from app.wanted import Wanted
from projections import EVENT_TABLES, idempotency_keys, tenant_heads
from projections.tenants_summary import tenants_summary_view

if TYPE_CHECKING:
    from app.unit_of_work import Connection

Mutant: TypeAlias = Callable[[pytest.MonkeyPatch], None]

_POSITION: Final = "tenant_heads.position = sent_tenant_heads.expected_position"
_REVISION: Final = "tenant_heads.revision = sent_tenant_heads.expected_revision"
_HASH: Final = "tenant_heads.hash = decode(sent_tenant_heads.expected_hash, 'base64')"
_LOG: Final = {
    *(table.name for table in EVENT_TABLES.values()),
    idempotency_keys.name,
    tenant_heads.name,
}
_IS_BEING_REBUILT: Final = (
    "SELECT count(*) > 0 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
    " WHERE locktype = 'advisory' AND datname = current_database()"
)


def a_row_of_totals_outlives_the_head_it_was_read_with(patch: pytest.MonkeyPatch) -> None:
    """An update of a view of many streams is lost."""
    outdate = TenantState.outdate

    def outdate_all_but_totals(self: TenantState) -> None:
        totals = dict(self.rows[tenants_summary_view.name])
        outdate(self)
        self.rows[tenants_summary_view.name].update(totals)

    patch.setattr(TenantState, "outdate", outdate_all_but_totals)


def a_read_replaces_what_a_commit_under_way_will_leave(patch: pytest.MonkeyPatch) -> None:
    """An update of a view is lost within one process."""
    learn = TenantState.learn

    def learn_anew(self: TenantState, read: TenantState) -> bool:
        known = learn(self, read)
        for table, rows in read.rows.items():
            self.rows[table].update(rows)
        return known

    patch.setattr(TenantState, "learn", learn_anew)


def a_lost_batch_is_answered_like_a_committed_one(patch: pytest.MonkeyPatch) -> None:
    """A conflict is swallowed: success is reported, nothing is written."""
    conclude, decide = UnitOfWork.conclude, UnitOfWork.decide
    tenants = set[int]()

    def decide_and_note(self: UnitOfWork, submissions: Sequence[Submission]) -> None:
        tenants.update(submission.tenant_id for submission in submissions)
        decide(self, submissions)

    def conclude_all(self: UnitOfWork, committed: frozenset[int]) -> dict[int, Outcome]:
        return conclude(self, committed | tenants)

    patch.setattr(UnitOfWork, "decide", decide_and_note)
    patch.setattr(UnitOfWork, "conclude", conclude_all)


def what_is_there_already_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    """No head is compared, and an event at a position that is taken is dropped."""
    _change_statement(
        patch,
        lambda text: _passing_over(
            text.replace(f"{_POSITION} AND {_REVISION} AND {_HASH}", "true"), r"\w+_events"
        ),
    )


def a_key_that_is_taken_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    """The command of another request with the key is carried out too."""
    _change_statement(patch, lambda text: _passing_over(text, idempotency_keys.name))


def keys_are_not_kept(patch: pytest.MonkeyPatch) -> None:
    """There is nothing that a repeat could be told by."""
    _change_rows(patch, lambda _, rows: _without(rows, {idempotency_keys.name}))


def a_batch_that_lost_its_head_keeps_its_keys(patch: pytest.MonkeyPatch) -> None:
    """Run again, a command finds its own key and reports success: its events are dropped."""
    outdate = TenantState.outdate

    def settle_and_outdate(self: TenantState) -> None:
        self.settle()
        outdate(self)

    patch.setattr(TenantState, "outdate", settle_and_outdate)


def a_head_at_zero_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    """An expected version of 0 counts as none."""
    _change_statement(
        patch,
        lambda text: text.replace(
            f"{_POSITION} AND {_REVISION} AND {_HASH}",
            f"({_POSITION} AND {_HASH} OR sent_tenant_heads.expected_position = 0)",
        ),
    )


def the_revision_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    """What decisions rest on beside the log can change unseen."""
    _change_statement(patch, lambda text: text.replace(f"{_REVISION} AND ", ""))


def a_head_moves_whatever_its_tenant(patch: pytest.MonkeyPatch) -> None:
    """The update of the head forgets to say whose."""
    _change_statement(
        patch, lambda text: text.replace("tenant_heads.tenant_id = held.tenant_id AND ", "")
    )


def rows_are_remembered_whatever_their_tenant(patch: pytest.MonkeyPatch) -> None:
    """What was read for one tenant of a batch serves for the others."""
    take = Loaded.take

    def take_for_all(self: Loaded, records: Iterable[tuple[str, int, str]]) -> None:
        take(self, records)
        for table in TABLES:
            rows: Rows = {}
            for state in self.states.values():
                rows |= state.rows[table]
            for state in self.states.values():
                state.rows[table] = dict(rows)

    patch.setattr(Loaded, "take", take_for_all)


def views_are_written_after_the_log(patch: pytest.MonkeyPatch) -> None:
    """Events and views are not of one transaction."""

    async def execute(
        connection: "Connection", tenant_ids: Sequence[int], rows: dict[str, str]
    ) -> frozenset[int]:
        query, arguments = commit.statement(tenant_ids, _only(rows, _LOG))
        moved = await connection.fetch(query.text, *arguments)
        if moved:
            views = _without(rows, _LOG - {tenant_heads.name})
            query, arguments = commit.statement(tenant_ids, views)
            text = query.text.replace(f"{_POSITION} AND {_REVISION} AND {_HASH}", "true")
            await connection.fetch(text, *arguments)
        return frozenset(record[0] for record in moved)

    patch.setattr("app.unit_of_work._execute", execute)


def views_are_left_to_a_rebuild_that_is_under_way(patch: pytest.MonkeyPatch) -> None:
    """A command that sees a rebuild when it is decided does not update the views."""
    load = UnitOfWork.load
    rebuilt = set[int]()

    async def load_and_look(
        self: UnitOfWork,
        submissions: Sequence[Submission],
        wanted: Wanted,
        connection: "Connection",
    ) -> None:
        await load(self, submissions, wanted, connection)
        tenants = {submission.tenant_id for submission in submissions}
        rebuilt.difference_update(tenants)
        if await connection.fetchval(_IS_BEING_REBUILT):
            rebuilt.update(tenants)

    def leave_views(drafts: Sequence[Draft], rows: Mapping[str, str]) -> dict[str, str]:
        left = any(draft.state.tenant.id in rebuilt for draft in drafts)
        return _only(rows, _LOG) if left else dict(rows)

    patch.setattr(UnitOfWork, "load", load_and_look)
    _change_rows(patch, leave_views)


def a_rebuild_does_not_hold_the_head(patch: pytest.MonkeyPatch) -> None:
    """What is committed between its last read and its write is lost in the views."""
    patch.setattr(heads, "hold", _nothing)


def a_rebuild_does_not_make_processes_forget(patch: pytest.MonkeyPatch) -> None:
    """They go on with the wrong rows that they remember."""
    patch.setattr(heads, "outdate", _nothing)


async def _nothing(*_: object) -> None:
    pass


def _change_statement(patch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    statement = commit.statement

    def changed(tenant_ids: Iterable[int], rows: Mapping[str, str]) -> tuple[Query, list[object]]:
        query, arguments = statement(tenant_ids, rows)
        text = change(query.text)
        assert text != query.text, "the statement is another than the mutant knows"
        return cast("Query", SimpleNamespace(text=text)), arguments

    patch.setattr(commit, "statement", changed)


def _change_rows(
    patch: pytest.MonkeyPatch,
    change: Callable[[Sequence[Draft], Mapping[str, str]], dict[str, str]],
) -> None:
    rows = commit.rows
    patch.setattr(commit, "rows", lambda drafts: change(drafts, rows(drafts)))


def _passing_over(text: str, tables: str) -> str:
    """The statement whose inserts into tables ignore what is there already."""
    part = rf"(INSERT INTO {tables} .*?FROM held\) AS BIGINT\[\]\)\))\)"
    return re.sub(part, r"\1 ON CONFLICT DO NOTHING)", text, flags=re.DOTALL)


def _only(rows: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: sent for name, sent in rows.items() if name in names}


def _without(rows: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: sent for name, sent in rows.items() if name not in names}
