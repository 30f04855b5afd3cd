"""Tenants never meet; unknown and suspended ones are told so."""

from typing import Any

import asyncpg
import pytest

from tests.app.api.book import open_book, rows
from tests.app.api.operations import BODIES, COMMANDS, OF_TENANTS, READS, Operation
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, Client

each_command = pytest.mark.parametrize("operation", COMMANDS, ids=lambda each: each.id)


async def test_equal_users_of_two_tenants_are_two_users(client: Client) -> None:
    book = await open_book(client)
    paths = [book.fill(operation.template) for operation in READS]
    before = [(await client.get(path)).content for path in paths]
    await open_book(client.of(EXTERNAL_TENANT))
    assert [(await client.get(path)).content for path in paths] == before


async def test_an_unknown_tenant_is_not_found(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    book = await open_book(client)
    before = await rows(connection)
    stranger = client.of(99999)
    for operation in OF_TENANTS * 2:
        with subtests.test(operation.id):
            path = book.fill(operation.template)
            answer = (
                await stranger.get(path)
                if operation.method == "GET"
                else await stranger.post(path, BODIES.get(operation.id))
            )
            assert answer.status_code == 404
            assert answer.json()["error"] == "Tenant not found"
    assert await rows(connection) == before


async def test_a_tenant_that_is_created_later_is_found(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    newcomer = client.of(20001)
    assert (await newcomer.place_bet("once")).status_code == 404
    assert (await newcomer.get("/events")).status_code == 404
    await connection.execute("INSERT INTO tenants (id, name, slug) VALUES (20001, 'New', 'new')")
    assert (await newcomer.get("/events")).json() == []
    assert (await newcomer.place_bet("once")).status_code == 201


@each_command
async def test_a_suspended_tenant_takes_no_command(
    client: Client, connection: "asyncpg.Connection[Any]", operation: Operation
) -> None:
    path = (await open_book(client)).fill(operation.template)
    before = await rows(connection)
    await _set_status(connection, "suspended")
    body = BODIES.get(operation.id)
    for _ in range(2):
        refused = await client.post(path, body, "once")
        assert refused.status_code == 403
        assert refused.json()["error"] == "Tenant suspended"
    assert await rows(connection) == before
    assert (await client.of(EXTERNAL_TENANT).place_bet()).status_code == 201
    await _set_status(connection, "active")
    assert (await client.post(path, body, "once")).is_success


async def test_a_suspended_tenant_is_still_read(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    book = await open_book(client)
    paths = [book.fill(operation.template) for operation in READS]
    before = [(await client.get(path)).content for path in paths]
    await _set_status(connection, "suspended")
    answers = [await client.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.content for answer in answers] == before


async def test_a_repeat_of_what_was_done_before_the_suspension_is_answered(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    first = await client.place_bet("once")
    await _set_status(connection, "suspended")
    repeat = await client.place_bet("once")
    assert repeat.status_code == 200
    assert repeat.json() == first.json() | {"duplicate": True}


async def _set_status(connection: "asyncpg.Connection[Any]", status: str) -> None:
    await connection.execute("UPDATE tenants SET status = $1 WHERE id = $2", status, DEFAULT_TENANT)
