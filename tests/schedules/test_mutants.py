"""Bugs that other event stores had, put into this one: the schedules find every one of them."""

import pytest

from tests.schedules.mutants import MUTANTS, Mutant
from tests.schedules.verdict import verdict


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
async def test_a_bug_is_found_in_one_of_the_schedules(
    database: str, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant.apply(monkeypatch)
    found = await verdict(database, mutant.scenario)
    assert found.fault is not None, f"{found.schedules} schedules, and nothing was wrong"
