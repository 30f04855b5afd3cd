"""Failures of every kind tell the caller nothing of SQL, tables, code or places on the disk."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from structlog.testing import capture_logs

from tests.app.api.book import Book, open_book
from tests.app.api.operations import BODIES, OF_TENANTS
from tests.app.disclosure import TABLES, disclosed
from tests.app.ledger import Connection
from tests.app.proxy import proxy_to
from tests.conftest import Client, StartService, bet_body

ODD_REQUESTS: list[tuple[str, str]] = [
    ("GET", "/nothing"),
    ("GET", "/schema/nothing"),
    ("GET", "/schema/nothing.json"),
    ("GET", "/schema/assets"),
    ("GET", "/schema/assets/"),
    ("GET", "/schema/assets/%2e"),
    ("GET", "/schema/assets/%2e/"),
    ("GET", "/schema/assets/x/%2e%2e"),
    ("GET", "/schema/assets/..%2f"),
    ("GET", "/schema/assets/..%2f..%2f__init__.js"),
    ("GET", "/schema/assets/%2fetc%2fpasswd"),
    ("GET", "/schema/assets/nothing.js"),
    ("GET", "/schema/assets/a%00b"),
    ("GET", "/schema/assets/" + "a" * 300),
    ("GET", "/bets/" + "b" * 200),
    ("GET", "/users/u/bets?cursor=e30.e30"),
    ("GET", "/users/u/bets?limit=x"),
    ("GET", "/users/u/bets?limit=99999999999999999999"),
    ("GET", "/events?stream=x"),
    ("GET", "/bets/b?as_of=x"),
    ("GET", "/bets/b?as_of=%ff"),
    ("GET", "/%ff"),
    ("DELETE", "/bets"),
    ("BREW", "/bets"),
]
ODD_BODIES = [b"", b"{", b"[]", b"null", b"\xff", b'{"stake": NaN}', b"[" * 5000, b"x" * 70_000]


async def failures(client: Client, book: Book) -> list[httpx.Response]:
    """What every operation on a tenant answers, as far as it is a failure."""
    answers: list[Awaitable[httpx.Response]] = []
    for operation in OF_TENANTS:
        path = book.fill(operation.template)
        if operation.method == "POST":
            answers.append(client.post(path, BODIES.get(operation.id)))
        elif operation.id != "followFeed":
            answers.append(client.get(path))
            if "as_of" in operation.parameters("query"):
                answers.append(client.get(f"{path}?as_of=1"))
    with capture_logs():  # a hundred tracebacks take their time, and nobody reads them here
        return [answer for answer in await asyncio.gather(*answers) if not answer.is_success]


def assert_silent(answers: list[httpx.Response]) -> None:
    told = {str(answer.url): found for answer in answers if (found := disclosed(answer))}
    assert told == {}


@pytest.mark.parametrize("table", TABLES)
async def test_a_table_that_is_missing(client: Client, connection: Connection, table: str) -> None:
    book = await open_book(client)
    await connection.execute(f"ALTER TABLE {table} RENAME TO gone")
    answers = await failures(client, book)
    answers += [await client.http.get("/readyz"), await client.of(404).get("/bets/b")]
    failed = [answer for answer in answers if not answer.is_success]
    assert failed
    assert_silent(failed)


SPOILT: list[str] = [
    "ALTER TABLE bets_view DROP COLUMN odds",
    "ALTER TABLE bets_view ALTER COLUMN last_updated_at TYPE text",
    "ALTER TABLE bets_view ADD CHECK (user_id = 'nobody') NOT VALID",
    "ALTER TABLE tenant_heads ALTER COLUMN hash DROP NOT NULL, ALTER COLUMN hash TYPE text",
]


@pytest.mark.parametrize("change", SPOILT)
async def test_a_table_that_is_not_what_it_was(
    start_service: StartService, connection: Connection, change: str
) -> None:
    async with start_service() as client:
        book = await open_book(client)
    await connection.execute(change)
    async with start_service() as client:
        answers = await failures(client, book)
        assert answers
        assert_silent(answers)


async def test_a_database_that_is_away(start_service: StartService, database: str) -> None:
    async with AsyncExitStack() as way:
        proxy = await way.enter_async_context(proxy_to(database))
        async with start_service(url=proxy.url, command_timeout_seconds=0.2) as client:
            book = await open_book(client)
            await way.aclose()
            answers = await failures(client, book)
            answers.append(await client.http.get("/readyz"))
            assert {answer.status_code for answer in answers} == {503}
            assert_silent(answers)


UNREACHABLE: dict[str, Callable[[str], str]] = {
    "nobody listens": lambda _: "postgresql://app:pass-word-7@127.0.0.1:1/stakebook",
    "no such host": lambda _: "postgresql://app:pass-word-7@no-such-host.invalid/stakebook",
    "no such database": lambda url: re.sub(r"/test_\w+", "/none", url),
    "no such role": lambda url: re.sub(r"://[^@/]*@", "://nobody:pass-word-7@", url),
    "no such option": lambda url: f"{url}{'&' if '?' in url else '?'}pass_word_7=1",
}


@pytest.mark.parametrize("to", UNREACHABLE.values(), ids=UNREACHABLE)
async def test_a_database_that_lets_nobody_in(
    start_service: StartService, database: str, to: Callable[[str], str]
) -> None:
    url = to(database)
    assert url != database
    async with start_service(url=url, command_timeout_seconds=0.2) as client:
        answers = await failures(client, Book("bet-1", "payment-1", "user-1"))
        answers.append(await client.http.get("/readyz"))
        assert len(answers) > len(OF_TENANTS)
        assert_silent(answers)
        assert [each for each in answers if re.search("pass.word.7|nobody|none", each.text)] == []


async def test_a_statement_that_takes_too_long(
    start_service: StartService, connection: Connection
) -> None:
    async with start_service(statement_timeout_seconds=0.1, command_timeout_seconds=0.2) as client:
        book = await open_book(client)
        async with connection.transaction():
            await connection.execute("LOCK TABLE bets_view, tenant_heads")
            answers = await failures(client, book)
        assert answers
        assert_silent(answers)


async def test_requests_that_nobody_meant(client: Client, subtests: pytest.Subtests) -> None:
    for method, path in ODD_REQUESTS:
        with subtests.test(f"{method} {path[:60]}"):
            headers = {"X-Tenant-Id": "10001"}
            answer = await client.http.request(method, path, headers=headers)
            assert answer.status_code >= 400
            assert disclosed(answer) == []


async def test_bodies_that_nobody_meant(client: Client, subtests: pytest.Subtests) -> None:
    headers = {"X-Tenant-Id": "10001", "Content-Type": "application/json"}
    for number, body in enumerate(ODD_BODIES):
        with subtests.test(repr(body[:20])):
            key = {"Idempotency-Key": f"odd-{number}"}
            answer = await client.http.post("/bets", content=body, headers=headers | key)
            assert answer.status_code in {400, 413}
            assert disclosed(answer) == []


async def test_a_value_that_the_database_refuses(client: Client, connection: Connection) -> None:
    await connection.execute("ALTER TABLE bets_view ADD CHECK (user_id <> 'cursed')")
    refused = await client.post("/bets", bet_body(user_id="cursed"))
    assert refused.status_code == 422
    assert disclosed(refused) == []
