"""What the schedules would notice: a service that breaks one of its rules does not pass them."""

import re
from typing import Final

import pytest

from tests.schedules import mutants, scenarios
from tests.schedules.mutants import Mutant
from tests.schedules.scenarios import Scenario
from tests.schedules.verdict import verdict

# The mutant, a scenario that shows what it does, and what is found first.
CAUGHT: Final[tuple[tuple[Mutant, Scenario, str], ...]] = (
    (
        mutants.a_row_of_totals_outlives_the_head_it_was_read_with,
        scenarios.BET_AND_DEPOSIT,
        "tenants_summary_view, .* bets_placed: is 0, should be 1",
    ),
    (
        mutants.a_read_replaces_what_a_commit_under_way_will_leave,
        scenarios.PIPELINE,
        "tenants_summary_view, .* bets_placed: is 9, should be 10",
    ),
    (
        mutants.a_lost_batch_is_answered_like_a_committed_one,
        scenarios.TWO_BETS,
        "placeBet was acknowledged and is not in the log",
    ),
    (
        mutants.what_is_there_already_is_passed_over,
        scenarios.TWO_BETS,
        "placeBet was acknowledged and is not in the log",
    ),
    (
        mutants.a_key_that_is_taken_is_passed_over,
        scenarios.REFUSED_KEY,
        r"answered \['insufficient-funds', \(201, False\)\], though one came first",
    ),
    (
        mutants.keys_are_not_kept,
        scenarios.SAME_CONFIRMATION,
        r"answered \[\(200, False\), 'illegal-transition'\], though one came first",
    ),
    (
        mutants.a_batch_that_lost_its_head_keeps_its_keys,
        scenarios.TWO_BETS,
        "placeBet was acknowledged and is not in the log",
    ),
    (
        mutants.a_head_at_zero_is_not_compared,
        scenarios.FIRST_COMMANDS,
        "position: is 1, should be one event's",
    ),
    (
        mutants.the_revision_is_not_compared,
        scenarios.SUSPENSION,
        r"answered \[\(201, False\)\], though two came first",
    ),
    (
        mutants.a_head_moves_whatever_its_tenant,
        scenarios.TWO_TENANTS,
        "answered .*'command-rejected'",
    ),
    (
        mutants.rows_are_remembered_whatever_their_tenant,
        scenarios.TWO_TENANTS,
        "tenants_summary_view, .* bets_placed: is 3, should be 2",
    ),
    (
        mutants.views_are_written_after_the_log,
        scenarios.BET_AND_DEPOSIT,
        "tenants_summary_view, .* bets_placed: is 0, should be 1",
    ),
    (
        mutants.views_are_left_to_a_rebuild_that_is_under_way,
        scenarios.REBUILD,
        "bets_view .* the row: is missing, should be there",
    ),
    (
        mutants.a_rebuild_does_not_hold_the_head,
        scenarios.REBUILD,
        "tenants_summary_view, .* bets_placed: is 1, should be 2",
    ),
    (
        mutants.a_rebuild_does_not_make_processes_forget,
        scenarios.REMEMBERED_REBUILD,
        "tenants_summary_view, .* turnover: is 27.0000, should be 30.0000",
    ),
)


@pytest.mark.parametrize(
    ("mutant", "scenario", "says"), CAUGHT, ids=[mutant.__name__ for mutant, _, _ in CAUGHT]
)
async def test_a_service_that_breaks_a_rule_is_caught(
    database: str, monkeypatch: pytest.MonkeyPatch, mutant: Mutant, scenario: Scenario, says: str
) -> None:
    mutant(monkeypatch)
    found = await verdict(database, scenario)
    assert found.fault is not None
    assert re.match(f".*{says}", found.fault), found.fault
