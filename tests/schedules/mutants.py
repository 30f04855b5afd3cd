"""The service with bugs that other event stores had: each has to be caught by a scenario.

What they were is in their issue trackers; here each is one rule of the unit of work left out.
"""

from collections.abc import Callable, Sequence
from copy import copy
from functools import cache
from typing import Any, Final, NamedTuple

import pytest

from app import commit, heads, rebuild, unit_of_work
from app.draft import Draft
from app.query import Query
from app.shadow import Shadow
from app.tenant_state import TenantState
from app.unit_of_work import UnitOfWork
from projections.tenants_summary import tenants_summary_view
from tests.schedules import scenarios
from tests.schedules.scenarios import Scenario

_STATEMENT: Final = commit._statement  # pyright: ignore[reportPrivateUsage]  # what is broken
_EXECUTE: Final = unit_of_work._execute  # pyright: ignore[reportPrivateUsage]  # as above
_ROWS: Final = commit.rows
_CONCLUDE: Final = UnitOfWork.conclude
_OUTDATE: Final = TenantState.outdate


class Mutant(NamedTuple):
    """A bug, and the scenario that has to notice it."""

    name: str
    scenario: Scenario
    apply: Callable[[pytest.MonkeyPatch], None]


def _without(*conditions: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The commit statement with conditions that always hold."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        @cache
        def mutated(shape: int) -> Query:
            query = copy(_STATEMENT(shape))
            for condition in conditions:
                assert query.text.count(condition) == 1
                vars(query)["text"] = query.text.replace(condition, "true")
            return query

        patch.setattr(commit, "_statement", mutated)

    return apply


def _swallow_conflicts(patch: pytest.MonkeyPatch) -> None:
    """Whoever lost the head is told that he has committed."""

    async def execute(connection: Any, drafts: Sequence[Draft], rows: dict[str, str]) -> Any:
        await _EXECUTE(connection, drafts, rows)
        return frozenset(draft.state.tenant.id for draft in drafts)

    patch.setattr(unit_of_work, "_execute", execute)


def _keep_stale_totals(patch: pytest.MonkeyPatch) -> None:
    """Who lost the head reads it again, and goes on with the totals that he remembers."""

    def outdate(self: TenantState) -> None:
        totals = dict(self.rows[tenants_summary_view.name])
        _OUTDATE(self)
        self.rows[tenants_summary_view.name].update(totals)

    patch.setattr(TenantState, "outdate", outdate)


def _drop_events_of_a_second_attempt(patch: pytest.MonkeyPatch) -> None:
    """A batch that is run again writes its rows, and no event."""
    lost: list[int] = []

    def conclude(self: UnitOfWork, committed: frozenset[int]) -> Any:
        outcomes = _CONCLUDE(self, committed)
        if len(outcomes) == 0:
            lost.append(1)
        return outcomes

    def rows(drafts: Sequence[Draft]) -> dict[str, str]:
        written = _ROWS(drafts)
        return {part: each for part, each in written.items() if not (lost and "events" in part)}

    patch.setattr(UnitOfWork, "conclude", conclude)
    patch.setattr(commit, "rows", rows)


def _rebuild_without_the_tail(patch: pytest.MonkeyPatch) -> None:
    """A rebuild sets rows that it made before it held the head."""

    async def some(*given: Any) -> float:
        async def nothing(*_: object, **__: object) -> int:
            return 0

        with pytest.MonkeyPatch.context() as held:
            held.setattr(Shadow, "catch_up", nothing)
            return await put_some(*given)

    put_some = rebuild._put_some  # pyright: ignore[reportPrivateUsage]  # what is broken
    patch.setattr(rebuild, "_put_some", some)


def _rebuild_without_the_head(patch: pytest.MonkeyPatch) -> None:
    """A rebuild does not keep commands out while it sets rows."""

    async def hold(*_: object) -> None:
        return

    patch.setattr(heads, "hold", hold)


def _rebuild_and_tell_nobody(patch: pytest.MonkeyPatch) -> None:
    """Processes go on with the wrong rows that they remember."""

    async def outdate(*_: object) -> None:
        return

    patch.setattr(heads, "outdate", outdate)


MUTANTS: Final = (
    Mutant("a conflict is swallowed", scenarios.REMEMBERED_BETS, _swallow_conflicts),
    Mutant("a view of many streams loses an update", scenarios.REMEMBERED_BETS, _keep_stale_totals),
    Mutant(
        "a batch that is run again drops its events",
        scenarios.REMEMBERED_BETS,
        _drop_events_of_a_second_attempt,
    ),
    Mutant(
        "heads are not compared",
        scenarios.NEEDED_DEPOSIT,
        _without(
            "tenant_heads.position = sent_tenant_heads.expected_position",
            "tenant_heads.hash = decode(sent_tenant_heads.expected_hash, 'base64')",
        ),
    ),
    Mutant(
        "revisions are not compared",
        scenarios.SUSPENSION,
        _without("tenant_heads.revision = sent_tenant_heads.expected_revision"),
    ),
    Mutant(
        "a head is moved without its tenant",
        scenarios.TWO_TENANTS,
        _without("tenant_heads.tenant_id = held.tenant_id"),
    ),
    Mutant(
        "a rebuild skips what is appended meanwhile", scenarios.REBUILD, _rebuild_without_the_tail
    ),
    Mutant("a rebuild does not hold the head", scenarios.REBUILD, _rebuild_without_the_head),
    Mutant(
        "a rebuild leaves what others remember",
        scenarios.REMEMBERED_REBUILD,
        _rebuild_and_tell_nobody,
    ),
)
