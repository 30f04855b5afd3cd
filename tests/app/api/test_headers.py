"""The headers that say whose data a request is about and which request it repeats."""

from typing import Any

import asyncpg
import pytest

from tests.app.api.book import open_book, rows
from tests.app.api.operations import BODIES, COMMANDS, OF_TENANTS
from tests.conftest import Client, bet_body

NO_TENANTS: list[bytes] = [
    b"0",
    b"-1",
    b"9223372036854775808",
    b"1e4",
    b"+10001",
    b"010001",
    b"10001.0",
    b"10_001",
    b"10 001",
    b"10001,10001",
    b"0x2711",
    b'"10001"',
    b"abc",
    b"",
    b"\xe9",
    "\N{ARABIC-INDIC DIGIT ONE}".encode(),
    b"1" * 5000,
]
NO_KEYS: list[tuple[bytes, str]] = [
    (b"", "Missing Idempotency-Key header"),
    (b'""', "Invalid Idempotency-Key header"),
    (b"k" * 256, "Invalid Idempotency-Key header"),
    (b'"' + b"k" * 256 + b'"', "Invalid Idempotency-Key header"),
    (b"a\tb", "Invalid Idempotency-Key header"),
    (b"\xe9", "Invalid Idempotency-Key header"),
    ("κλειδί".encode(), "Invalid Idempotency-Key header"),
]


async def test_every_route_needs_the_tenant(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for operation in OF_TENANTS:
        with subtests.test(operation.id):
            answer = await client.http.request(
                operation.method,
                operation.template.format(bet_id="b", payment_id="p", user_id="u"),
                headers={"Idempotency-Key": "once"},
                json=BODIES.get(operation.id),
            )
            assert answer.status_code == 400
            assert answer.json()["error"] == "Missing X-Tenant-Id header"
    assert await rows(connection) == before


async def test_a_tenant_that_is_no_positive_int64_in_plain_digits_is_refused(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for value in NO_TENANTS:
        with subtests.test(repr(value[:20])):
            headers = [(b"X-Tenant-Id", value), (b"Idempotency-Key", b"once")]
            for method, path in (("GET", "/bets/b"), ("POST", "/bets")):
                body = bet_body() if method == "POST" else None
                refused = await client.http.request(method, path, headers=headers, json=body)
                assert refused.status_code == 400
                assert refused.json()["error"] == "Invalid X-Tenant-Id format"
    assert await rows(connection) == before


@pytest.mark.parametrize("second", ["10001", "10002"])
async def test_two_tenants_in_one_request_are_refused(client: Client, second: str) -> None:
    headers = [("X-Tenant-Id", "10001"), ("X-Tenant-Id", second), ("Idempotency-Key", "once")]
    for refused in (
        await client.http.get("/bets/b", headers=headers),
        await client.http.post("/bets", headers=headers, json=bet_body()),
    ):
        assert refused.status_code == 400
        assert refused.json()["error"] == "Invalid X-Tenant-Id format"


async def test_the_largest_tenant_id_is_understood(client: Client) -> None:
    answer = await client.of(2**63 - 1).get("/bets/b")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Tenant not found"


async def test_every_command_needs_a_key(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    book = await open_book(client)
    before = await rows(connection)
    for operation in COMMANDS:
        with subtests.test(operation.id):
            answer = await client.http.post(
                book.fill(operation.template),
                headers={"X-Tenant-Id": "10001"},
                json=BODIES.get(operation.id),
            )
            assert answer.status_code == 400
            assert answer.json()["error"] == "Missing Idempotency-Key header"
    assert await rows(connection) == before


async def test_a_key_that_is_not_1_to_255_printable_ascii_is_refused(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for value, error in NO_KEYS:
        with subtests.test(repr(value[:20])):
            headers = [(b"X-Tenant-Id", b"10001"), (b"Idempotency-Key", value)]
            refused = await client.http.post("/bets", headers=headers, json=bet_body())
            assert refused.status_code == 400
            assert refused.json()["error"] == error
    assert await rows(connection) == before


@pytest.mark.parametrize("second", ["once", "twice"])
async def test_two_keys_in_one_request_are_refused(
    client: Client, connection: "asyncpg.Connection[Any]", second: str
) -> None:
    before = await rows(connection)
    headers = [("X-Tenant-Id", "10001"), ("Idempotency-Key", "once"), ("Idempotency-Key", second)]
    refused = await client.http.post("/bets", headers=headers, json=bet_body())
    assert refused.status_code == 400
    assert refused.json()["error"] == "Invalid Idempotency-Key header"
    assert await rows(connection) == before


@pytest.mark.parametrize("key", ["k", "k" * 255, '"' + "k" * 255 + '"', "a b", "!#$%&'()*+,-./:;~"])
async def test_a_key_of_printable_ascii_is_taken(client: Client, key: str) -> None:
    placing = await client.place_bet(key)
    assert placing.status_code == 201
    assert placing.json()["idempotency_key"] == key.strip('"')


SPAN = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
TRACEPARENTS: list[tuple[str, bool]] = [
    (f"00-{SPAN}-01", True),
    (f"00-{SPAN}-00", True),
    (f"cc-{SPAN}-01", True),
    (f"cc-{SPAN}-01-what-the-future-brings", True),
    (f"cc-{SPAN}-01-", True),
    (f"cc-{SPAN}-01-{'x' * 72}", True),
    (f"cc-{SPAN}-01-{'x' * 73}", False),
    (f"cc-{SPAN}-01.future", False),
    (f"00-{SPAN}-01-more", False),
    (f"ff-{SPAN}-01", False),
    (f"00-{SPAN.upper()}-01", False),
    (f"00-{'0' * 32}-b7ad6b7169203331-01", False),
    (f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", False),
    (f"00-{SPAN}", False),
    (f"00-{SPAN}-1", False),
    (f"00-{SPAN[1:]}-01", False),
    (f"0-{SPAN}-01", False),
    ("", False),
    ("\xe9", False),
]


async def test_a_span_is_kept_with_the_events_if_it_is_one(
    client: Client, subtests: pytest.Subtests
) -> None:
    for number, (given, kept) in enumerate(TRACEPARENTS):
        with subtests.test(given):
            headers = [(b"X-Tenant-Id", b"10001"), (b"Idempotency-Key", b"%d" % number)]
            headers.append((b"traceparent", given.encode("latin-1")))
            placing = await client.http.post("/bets", headers=headers, json=bet_body())
            (event,) = (await client.get(f"/bets/{placing.json()['bet_id']}/events")).json()
            assert event["metadata"].get("traceparent") == (given if kept else None)


@pytest.mark.parametrize("second", [TRACEPARENTS[0][0], TRACEPARENTS[1][0]])
async def test_two_spans_are_none(client: Client, second: str) -> None:
    headers = [("X-Tenant-Id", "10001"), ("Idempotency-Key", "once")]
    headers += [("traceparent", TRACEPARENTS[0][0]), ("traceparent", second)]
    assert (await client.http.post("/bets", headers=headers, json=bet_body())).is_success
    (event,) = (await client.get("/events")).json()
    assert "traceparent" not in event["metadata"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("trace-7", "trace-7"), ("x" * 128, "x" * 128), ("x" * 129, None), ("a b", None), ("é", None)],
    ids=["plain", "128 characters", "129 characters", "blank", "non-ASCII"],
)
async def test_a_correlation_id_is_kept_with_the_events(
    client: Client, given: str, kept: str | None
) -> None:
    headers = {"X-Tenant-Id": "10001", "Idempotency-Key": "once"}
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    raw[b"X-Correlation-Id"] = given.encode("latin-1")
    placing = await client.http.post("/bets", headers=raw, json=bet_body())
    assert placing.status_code == 201
    events = (await client.get("/events")).json()
    assert [event["metadata"].get("correlation_id") for event in events] == [kept]
