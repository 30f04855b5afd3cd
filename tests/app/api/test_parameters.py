"""Path and query parameters that are not what a route takes."""

from typing import Any

import asyncpg
import httpx
import pytest

from tests.app.api.book import open_book, rows
from tests.app.api.operations import BODIES, OF_TENANTS, READS, Operation
from tests.conftest import Client

NO_IDENTIFIERS = {
    "NUL": "%00",
    "NUL inside": "a%00b",
    "line feed": "a%0A",
    "delete": "a%7F",
    "C1 control": "a%C2%85",
    "no UTF-8": "%ff",
    "surrogate": "%ED%A0%80",
    "129 characters": "x" * 129,
    "5000 characters": "x" * 5000,
    "129 characters of four bytes": "%F0%9F%8E%B2" * 129,
}
BAD_VALUES: dict[str, list[str]] = {
    "status": ["nope", "null", "", "Placed", "%00", "%ff", "placed%00"],
    "limit": [
        "0",
        "-1",
        "x",
        "",
        "%00",
        "1_0",
        "%201",
        "9" * 5000,
        "true",
        "1001",
        "NaN",
        "%D9%A1",
        "1e1",
        "10.0",
        "null",
        "1&limit=1e1",
    ],
    "cursor": ["", "x", "%00", "%ff", "x" * 513, "a.b", "%F0%9F%8E%B2", "."],
    "by": ["nope", "", "%00", "user_id", "staked;drop", "STAKED"],
    "stream": ["nope", "NULL", "", "%00", "bets", "Bet"],
    "after": ["-1", "-0", "x", "", "9223372036854775808", "%00", "1_0", "9" * 5000, "1.5"],
    "after_version": ["-1", "1e1", "x", "", "9223372036854775808", "%00", "1_0", "9" * 5000],
    "wait": ["-1", "1e0", "31", "x", "", "%00", "1_0", "1.5", "NaN", "9" * 5000],
    "start_time": [
        "-1",
        "x",
        "null",
        "1E3",
        "9223372036854775808",
        "2026-01-01",
        "%00",
        "9" * 5000,
        "1.5",
    ],
    "as_of": [
        *("", "-1", "x", "%00", "%ff", "1_0", "01", "1.5", "NaN", "%201", "%D9%A1"),
        *("9223372036854775808", "9" * 5000, "1&as_of=1", "1&as_of=2"),
        *("2026-01-01", "2026-01-01T12:00:00", "2026-01-01T12:00Z", "2026-01-01T24:00:00Z"),
        *("2026-02-30T12:00:00Z", "2026-01-01T12:00:00+01:00", "2026-01-01T12:00:00.Z"),
        "2026-01-01T12:00:00." + "0" * 50 + "Z",
    ],
    "end_time": [
        "-1",
        "x",
        "null",
        "1.0",
        "9223372036854775808",
        "2026-01-01",
        "%00",
        "9" * 5000,
        "NaN",
    ],
}
WITH_IDENTIFIER = [each for each in OF_TENANTS if "{" in each.template]


async def test_an_identifier_that_cannot_be_one_is_refused_by_name(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for operation in WITH_IDENTIFIER:
        (name,) = operation.parameters("path")
        for kind, segment in NO_IDENTIFIERS.items():
            with subtests.test(f"{operation.id} {kind}"):
                refused = await _call(client, operation, segment)
                assert refused.status_code == 400
                assert [error["pointer"] for error in refused.json()["errors"]] == [name]
    assert await rows(connection) == before


async def test_a_slash_or_dots_in_an_identifier_lead_nowhere(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for operation in WITH_IDENTIFIER:
        for segment in ("a%2Fb", "%2F%2F", "..%2F..%2Fetc", "%2E%2E"):
            with subtests.test(f"{operation.id} {segment}"):
                answer = await _call(client, operation, segment)
                assert answer.status_code in {400, 404, 405}
    assert await rows(connection) == before


async def test_a_query_parameter_out_of_its_range_is_refused_by_name(
    client: Client, subtests: pytest.Subtests
) -> None:
    book = await open_book(client)
    for operation in READS:
        path = book.fill(operation.template)
        for name in operation.parameters("query"):
            for value in BAD_VALUES[name]:
                with subtests.test(f"{operation.id} {name}={value[:20]}"):
                    refused = await client.get(f"{path}?{name}={value}")
                    assert refused.status_code == 400, refused.text
                    assert _names(refused, name)
        assert (await client.get(path)).status_code == 200


async def test_a_query_parameter_nobody_knows_is_ignored(
    client: Client, subtests: pytest.Subtests
) -> None:
    book = await open_book(client)
    for operation in READS:
        with subtests.test(operation.id):
            path = book.fill(operation.template)
            plain = await client.get(path)
            assert (await client.get(f"{path}?unknown=%00&x=%ff&=")).content == plain.content


def _names(refused: httpx.Response, name: str) -> bool:
    problem = refused.json()
    named = [error["pointer"] for error in problem.get("errors", [])]
    return named == [name] or (name == "cursor" and problem["error"] == "Invalid cursor")


async def _call(client: Client, operation: Operation, segment: str) -> httpx.Response:
    (name,) = operation.parameters("path")
    path = operation.template.replace(f"{{{name}}}", segment)
    if operation.method == "GET":
        return await client.get(path)
    return await client.post(path, BODIES.get(operation.id))
