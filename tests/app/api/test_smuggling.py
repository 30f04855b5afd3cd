"""Requests whose ends can be read in two ways: no second request comes out of one."""

import json
from typing import Final, NamedTuple

import pytest

from tests.app.api.raw import exchanged
from tests.app.ledger import Connection
from tests.conftest import Client, bet_body

BODY: Final = json.dumps(bet_body()).encode()
LENGTH: Final = b"Content-Length: %d" % len(BODY)
CHUNKED: Final = b"Transfer-Encoding: chunked"
CHUNK: Final = b"%x\r\n%b\r\n" % (len(BODY), BODY)
LAST: Final = b"0\r\n\r\n"


def request(key: bytes, *lines: bytes, body: bytes = BODY) -> bytes:
    """A request to place a bet, which asks the server to hang up after it."""
    said = (
        b"POST /bets HTTP/1.1",
        b"Host: stakebook",
        b"X-Tenant-Id: 10001",
        b"Content-Type: application/json",
        b"Idempotency-Key: " + key,
        b"Connection: close",
        *lines,
    )
    return b"\r\n".join(said) + b"\r\n\r\n" + body


SMUGGLED: Final = request(b"smuggled", LENGTH)


class Case(NamedTuple):
    """Bytes in which a second request may be seen; `placed` if the first one is whole."""

    name: str
    sent: bytes
    placed: bool = False


def _framed(name: str, *lines: bytes, body: bytes = BODY, placed: bool = False) -> Case:
    return Case(name, request(b"first", *lines, body=body + SMUGGLED), placed)


CASES: Final = (
    _framed("a length and chunks", b"Content-Length: 5", CHUNKED, body=LAST),
    _framed("chunks and a length", CHUNKED, b"Content-Length: 5", body=LAST),
    _framed("two lengths", LENGTH, b"Content-Length: %d" % (len(BODY) + len(SMUGGLED))),
    _framed("the same length twice", LENGTH, LENGTH, placed=True),
    _framed("lengths in a list", LENGTH + b", 0"),
    _framed("a length with a sign", b"Content-Length: +%d" % len(BODY)),
    _framed("a negative length", b"Content-Length: -1"),
    _framed("a length in hexadecimal", b"Content-Length: 0x%x" % len(BODY)),
    _framed("a length beyond 64 bits", b"Content-Length: %d" % 2**64),
    _framed("an unknown coding", b"Transfer-Encoding: xchunked", LENGTH),
    _framed("no coding", b"Transfer-Encoding: identity", LENGTH),
    _framed("chunks that are not last", CHUNKED + b", identity", body=CHUNK + LAST),
    _framed("two codings", CHUNKED, b"Transfer-Encoding: identity", body=CHUNK + LAST),
    _framed("a space before the colon", b"Transfer-Encoding : chunked", LENGTH),
    _framed("a tab before the coding", b"Transfer-Encoding: \x0bchunked", LENGTH),
    _framed("a folded line", b"X-A: b\r\n Transfer-Encoding: chunked", LENGTH),
    _framed("a bare carriage return", b"X-A: b\rContent-Length: 0", LENGTH),
    _framed("a chunk with an extension", CHUNKED, body=CHUNK.replace(b"\r\n", b";a=b\r\n", 1)),
    _framed("a chunk of too many digits", CHUNKED, body=b"1" + b"0" * 16 + b"1\r\n" + BODY),
    _framed("a chunk with a prefix", CHUNKED, body=b"0x" + CHUNK + LAST),
    _framed("a negative chunk", CHUNKED, body=b"-1\r\n" + BODY + LAST),
    _framed("chunks that end in line feeds", CHUNKED, body=(CHUNK + LAST).replace(b"\r", b"")),
    _framed("whole chunks", CHUNKED, body=CHUNK + LAST, placed=True),
    _framed("a body and more", LENGTH, placed=True),
    Case("a head cut off", request(b"first", LENGTH)[:40]),
    Case("a target of 70 kilobytes", b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * 70_000)),
    Case("a field of 70 kilobytes", request(b"first", b"X-A: " + b"a" * 70_000, LENGTH)),
    Case("500 fields", request(b"first", *(b"X-%d: a" % n for n in range(500)), LENGTH)),
    Case("an old version", b"GET /bets\r\n\r\n" + SMUGGLED),
    Case("a version to come", SMUGGLED.replace(b"HTTP/1.1", b"HTTP/1.2")),
    Case("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED),
    Case("a greeting of TLS", b"\x16\x03\x01\x02\x00\x01\x00" * 20),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_of_one_request_no_two_are_made(
    client: Client, connection: Connection, case: Case
) -> None:
    answers = await exchanged(client, case.sent)
    statuses = [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]
    placed = await connection.fetch("SELECT idempotency_key FROM bets_view")
    assert [row["idempotency_key"] for row in placed] == ["first"] * case.placed
    if case.placed:
        assert statuses == [201]
    else:
        assert statuses in ([], [400], [431])
    assert (await client.place_bet("next")).status_code == 201
