"""Of which rows a snapshot is taken, and when."""

from msgspec import Struct
from msgspec.structs import replace

from projections import tenants_summary
from projections.change import TENANT_KEY, BalanceChange
from projections.snapshots import EVERY, Snapshot, due, taken
from projections.tenants_summary import TenantSummary, tenants_summary_view
from projections.user_balances import user_balances_view
from tests.domain.examples import CONFIRMED, INCREASED, PLACED, USER
from tests.projections.changes import balance_change, bet_change


def increased(position: int, version: int) -> BalanceChange:
    """An increase of a balance at a position of the log and a version of the balance."""
    changed = balance_change(INCREASED)
    at = replace(changed.recorded, position=position, version=version)
    return changed._replace(recorded=at)


def test_a_summary_is_kept_at_every_position_that_the_interval_divides() -> None:
    placed = bet_change(PLACED)
    for position, kept in ((1, False), (EVERY - 1, False), (EVERY, True), (7 * EVERY, True)):
        changed = placed._replace(recorded=replace(placed.recorded, position=position))
        assert [p.table for p in due(changed)] == ([tenants_summary_view] if kept else [])


def test_a_balance_is_kept_at_every_version_that_the_interval_divides() -> None:
    assert not due(increased(1, EVERY - 1))
    assert [p.table for p in due(increased(1, EVERY))] == [user_balances_view]
    assert [p.table for p in due(increased(EVERY, 1))] == [tenants_summary_view]
    both = [p.table for p in due(increased(3 * EVERY, 2 * EVERY))]
    assert both == [tenants_summary_view, user_balances_view]


def test_a_snapshot_holds_the_row_after_the_change() -> None:
    changed, summary = increased(EVERY, EVERY), TenantSummary(last_position=EVERY)
    rows: dict[str, dict[str, Struct | None]] = {
        tenants_summary_view.name: {TENANT_KEY: summary},
        user_balances_view.name: {USER: changed.after},
    }
    assert [(s.projection, s.key, s.position, s.document) for s in taken(changed, rows)] == [
        (tenants_summary_view.name, TENANT_KEY, EVERY, summary),
        (user_balances_view.name, USER, EVERY, changed.after),
    ]
    confirmed = bet_change(PLACED, CONFIRMED)
    assert taken(confirmed, rows) == list[Snapshot]()


def test_a_summary_takes_from_a_balances_change_what_the_event_says_and_no_more() -> None:
    later = balance_change(INCREASED, INCREASED)
    alone = later._replace(before=None, after=balance_change(INCREASED).after)
    assert tenants_summary.fold(None, alone) == tenants_summary.fold(None, later)
