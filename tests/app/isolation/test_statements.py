"""Every statement that the service sends keeps to the tenants that it is given."""

import sys
from collections.abc import Iterator
from typing import Final

import pytest
from sqlglot import exp

from app import tenants
from tests.app.isolation.binding import compared, faults
from tests.app.isolation.databases import copied
from tests.app.isolation.errands import NEW_TENANT
from tests.app.isolation.heard import Heard, compiled, listen
from tests.app.isolation.mutants import mutants
from tests.app.isolation.statements import parsed
from tests.app.isolation.wiretap import numbers
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT


def plain(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


EXCEPTED: Final = {
    "SELECT tenants.id FROM tenants ORDER BY tenants.id": (
        "keys are pruned, and operators' commands work, tenant by tenant, whichever there are"
    ),
    plain(tenants.PAGE.text): "the registry lists all tenants",
}
"""Statements that see tenants which they were not told of, and why they have to."""

TENANTS: Final = {DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT, NEW_TENANT}


@pytest.fixture(scope="module")
async def heard(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """What is sent when the service does all that it can do."""
    async with copied(server_url, template) as one, copied(server_url, template) as other:
        return await listen(one, other, tmp_path_factory.mktemp("exports"))


def checked(heard: Heard) -> Iterator[exp.Expr]:
    """The statements that have to keep to their tenants."""
    for text in heard.statements:
        if plain(text) not in EXCEPTED:
            yield from parsed(text)


async def test_every_statement_that_is_held_ready_was_heard(heard: Heard) -> None:
    ready = {
        query.text
        for name, module in list(sys.modules.items())
        if name.startswith("app.")
        for query in compiled(module)
    }
    assert len(ready) > 100
    assert ready <= heard.statements.keys()


async def test_every_statement_binds_every_table_of_tenants(heard: Heard) -> None:
    wrong = {each.sql("postgres"): faults(each, heard.catalog) for each in checked(heard)}
    assert {text: found for text, found in wrong.items() if found} == {}


async def test_what_a_tenant_is_compared_with_is_always_a_tenant(heard: Heard) -> None:
    number_of_them = 0
    for text, values in heard.statements.items():
        for statement in parsed(text):
            for number in compared(statement, heard.catalog):
                number_of_them += 1
                assert {each for value in values[number] for each in numbers(value)} <= TENANTS
    assert number_of_them > 50


async def test_every_exception_is_one_and_is_needed(heard: Heard) -> None:
    sent = {plain(text) for text in heard.statements}
    assert sent >= EXCEPTED.keys()
    for text in EXCEPTED:
        assert all(faults(each, heard.catalog) for each in parsed(text))


async def test_no_predicate_on_a_tenant_can_be_dropped_without_being_missed(heard: Heard) -> None:
    survivors: list[str] = []
    mutated = 0
    for statement in checked(heard):
        for mutant in mutants(statement, heard.catalog):
            mutated += 1
            if not faults(statement, heard.catalog):
                survivors.append(f"{mutant} in {statement.sql('postgres')}")
    assert survivors == []
    assert mutated > 500
