"""Bodies that are not what a command takes: a problem that names the field, nothing written."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.app.api.book import open_book, placed, rows
from tests.app.api.hazards import MOST_BYTES, OF_BETS, OF_OTHERS
from tests.app.api.operations import BY_ID, COMMANDS
from tests.conftest import Client, bet_body


def pointers(response: httpx.Response) -> list[str]:
    """The members that the problem names."""
    return [error["pointer"] for error in response.json()["errors"]]


async def send(client: Client, path: str, content: Any, media_type: str | None) -> httpx.Response:
    """POST raw content; without `media_type` no Content-Type is sent."""
    headers = {"X-Tenant-Id": str(client.tenant_id), "Idempotency-Key": f"key-{uuid4()}"}
    if media_type is not None:
        headers["Content-Type"] = media_type
    if not isinstance(content, bytes) or len(content) > MOST_BYTES:
        headers["Connection"] = "close"  # what the server did not read ends the connection
    return await client.http.post(path, content=content, headers=headers)


async def test_a_bet_that_is_not_one_is_refused_by_field_and_nothing_is_written(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for hazard in OF_BETS:
        with subtests.test(hazard.name):
            refused = await send(client, "/bets", hazard.body, "application/json")
            assert refused.status_code == 400, refused.text
            assert refused.json()["error"] == "Invalid request"
            assert pointers(refused) == [hazard.pointer]
            assert len(refused.content) < 2000
    assert await rows(connection) == before
    assert (await client.place_bet()).json()["last_position"] == 1


async def test_other_commands_are_refused_by_field_and_nothing_is_written(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    book = await open_book(client)
    before = await rows(connection)
    for operation, body, pointer in OF_OTHERS:
        with subtests.test(f"{operation} {body[:50]!r}"):
            path = book.fill(BY_ID[operation].template)
            refused = await send(client, path, body, "application/json")
            assert refused.status_code == 400, refused.text
            assert pointers(refused) == [pointer]
    assert await rows(connection) == before


@pytest.mark.parametrize("path", ["/bets/{bet_id}/cancel", "/payments/{payment_id}/fail"])
@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"reason": null}', b'{"reason": "rain"}'])
async def test_a_body_that_may_be_left_out_may_also_be_given(
    client: Client, path: str, body: bytes
) -> None:
    book = await open_book(client)
    done = await send(client, book.fill(path), body, "application/json")
    assert done.status_code == 200
    resource = "bet" if "bet_id" in path else "payment"
    events = await client.get(f"/events?stream={resource}&after=4")
    recorded = events.json()[-1]["event_data"].get("reason")
    assert recorded == ("rain" if b"rain" in body else None)


OTHER_MEDIA_TYPES = [
    None,
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/vnd.api+json",
    "application/jsonp",
    "json",
    "text/json",
]
JSON_MEDIA_TYPES = ["application/json", "Application/JSON", "application/json; charset=utf-8"]


async def test_a_body_of_another_media_type_is_refused(
    client: Client, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    bet_id = await placed(client)
    before = await rows(connection)
    for media_type in OTHER_MEDIA_TYPES:
        for path in ("/bets", "/payments", f"/bets/{bet_id}/settle", f"/bets/{bet_id}/cancel"):
            with subtests.test(f"{media_type} {path}"):
                refused = await send(client, path, b'{"user_id": "u"}', media_type)
                assert refused.status_code == 415
                assert refused.json()["error"] == "Media type not supported"
    assert await rows(connection) == before


async def test_json_is_taken_however_its_media_type_is_written(client: Client) -> None:
    body = b'{"user_id": "u", "stake": 1, "odds": 2, "fixture_id": "f"}'
    answers = [await send(client, "/bets", body, media_type) for media_type in JSON_MEDIA_TYPES]
    assert [answer.status_code for answer in answers] == [201] * 3


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
async def test_a_body_over_64_kilobytes_is_refused(
    client: Client, connection: "asyncpg.Connection[Any]", chunked: bool
) -> None:
    async def in_pieces(size: int) -> AsyncGenerator[bytes, None]:
        for start in range(0, size, 4096):
            yield b" " * min(4096, size - start)

    before = await rows(connection)
    # Several times: a server that stops reading breaks the connection of some, not of all.
    for size in (MOST_BYTES + 1, *[15 * MOST_BYTES] * 8):
        content = in_pieces(size) if chunked else b" " * size
        refused = await send(client, "/bets", content, "application/json")
        assert refused.status_code == 413
        assert refused.json()["error"] == "Body too large"
    assert await rows(connection) == before


async def test_a_body_of_64_kilobytes_is_read(client: Client) -> None:
    body = b'{"user_id": "u", "stake": 1, "odds": 2, "fixture_id": "f"}'
    full = body + b" " * (MOST_BYTES - len(body))
    assert (await send(client, "/bets", full, "application/json")).status_code == 201


async def test_a_body_that_comes_in_pieces_is_read_whole_and_its_connection_serves_the_next(
    client: Client,
) -> None:
    url, body = httpx.URL(client.http.base_url), json.dumps(bet_body()).encode()
    reader, writer = await asyncio.open_connection(url.host, url.port)
    for number in range(3):
        head = (
            f"POST /bets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"X-Tenant-Id: {client.tenant_id}\r\nIdempotency-Key: key-{number}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        for piece in (head.encode(), body[:7], body[7:20], body[20:]):
            writer.write(piece)
            await asyncio.sleep(0.02)  # so that it travels alone
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 201")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        assert json.loads(await reader.readexactly(length))["last_position"] == number + 1
    writer.close()


async def test_a_body_that_breaks_off_places_nothing(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    before = await rows(connection)
    url, body = httpx.URL(client.http.base_url), json.dumps(bet_body()).encode()
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        f"POST /bets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"X-Tenant-Id: {client.tenant_id}\r\nIdempotency-Key: key\r\n"
        f"Content-Length: {len(body) + 1}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    assert (await client.get("/bets/bet-1")).status_code == 404  # it goes on
    assert await rows(connection) == before


IDENTIFIERS = [
    "x",
    "x" * 128,
    "ü-ß-漢字-🎲",
    "🎲" * 128,
    "a b",
    "a?b#c&d=e",
    "%00",
    "a+b",
    "..a",
    '"',
    "'; --",
    "\\",
]


async def test_an_identifier_of_printable_characters_comes_back_as_it_was(
    client: Client, subtests: pytest.Subtests
) -> None:
    for identifier in IDENTIFIERS:
        with subtests.test(identifier[:12]):
            placing = await client.place_bet(user_id=identifier, fixture_id=identifier)
            assert placing.status_code == 201
            assert placing.json()["user_id"] == placing.json()["fixture_id"] == identifier
            page = await client.get(f"/users/{quote(identifier, safe='')}/bets")
            assert [bet["user_id"] for bet in page.json()["bets"]] == [identifier]


def test_every_command_with_a_body_is_covered() -> None:
    taking = {each.id for each in COMMANDS if "requestBody" in each.described}
    assert taking == {name for name, _, _ in OF_OTHERS} | {"placeBet"}


async def test_a_value_that_does_not_match_is_told_the_rule_and_not_the_pattern(
    client: Client,
) -> None:
    body = await client.place_bet(user_id="a/b")
    path = await client.get("/users/%00/bets")
    rule = "must have no control character, slash or U+FFFD, and not be . or .."
    assert body.json()["errors"] == [{"detail": rule, "pointer": "#/user_id"}]
    assert path.json()["errors"] == [{"detail": rule, "pointer": "user_id"}]
