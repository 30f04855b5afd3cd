"""Rate limits: how much a tenant may ask for, what the answers tell of it, what is not done."""

import asyncio
import json

import httpx
import pytest

from tests.app.api.book import open_book, rows
from tests.app.api.hazards import MOST_BYTES
from tests.app.api.operations import BODIES, COMMANDS, READS
from tests.app.locks import Connection
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, Client, StartService, bet_body

# Three at once, and one more in 1,000 seconds: no test takes that long.
OF_COMMANDS = {"commands_per_second": 0.001, "burst_seconds": 3000}
OF_READS = {"reads_per_second": 0.001, "burst_seconds": 3000}


def told(answer: httpx.Response) -> tuple[str | None, str | None]:
    """The policy and what is left of it, as far as the answer says."""
    return answer.headers.get("RateLimit-Policy"), answer.headers.get("RateLimit")


async def test_a_service_without_limits_says_nothing_of_them(client: Client) -> None:
    answers = [await client.place_bet(), await client.get("/users/user-1/balance")]
    assert [told(answer) for answer in answers] == [(None, None)] * 2


async def test_every_answer_says_what_is_left_and_the_one_too_many_when_to_come_again(
    start_service: StartService,
) -> None:
    async with start_service(**OF_COMMANDS) as client:
        answers = [await client.place_bet() for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert [answer.headers["RateLimit"] for answer in answers] == [
        *('"commands";r=2;t=1000', '"commands";r=1;t=1000', '"commands";r=0;t=1000'),
        *['"commands";r=0;t=1000'] * 2,
    ]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"commands";q=3;w=3000'}
    assert [answer.headers.get("Retry-After") for answer in answers] == [None] * 3 + ["1000"] * 2
    refused = answers[3].json()
    assert refused["type"] == "/problems/quota-exceeded"
    assert refused["error"] == "Too many requests"
    assert refused["violated-policies"] == ["commands"]


async def test_a_tenant_that_has_used_up_its_rate_is_no_matter_to_another(
    start_service: StartService,
) -> None:
    async with start_service(**OF_COMMANDS) as client:
        first = [(await client.place_bet()).status_code for _ in range(4)]
        other = [(await client.of(EXTERNAL_TENANT).place_bet()).status_code for _ in range(4)]
    assert first == other == [201, 201, 201, 429]


async def test_commands_and_reads_are_counted_apart(start_service: StartService) -> None:
    async with start_service(commands_per_second=0.001, **OF_READS) as client:
        commands = [await client.place_bet() for _ in range(4)]
        reads = [await client.get("/users/user-1/bets") for _ in range(4)]
    assert [answer.status_code for answer in commands] == [201, 201, 201, 429]
    assert [answer.status_code for answer in reads] == [200, 200, 200, 429]
    assert told(reads[0]) == ('"reads";q=3;w=3000', '"reads";r=2;t=1000')
    assert reads[3].json()["violated-policies"] == ["reads"]


async def test_a_limit_of_one_kind_leaves_the_other_alone(start_service: StartService) -> None:
    async with start_service(**OF_READS) as client:
        commands = [await client.place_bet() for _ in range(5)]
    assert [(answer.status_code, *told(answer)) for answer in commands] == [(201, None, None)] * 5


async def test_a_key_that_came_too_early_is_not_claimed(
    start_service: StartService, connection: Connection
) -> None:
    async with start_service(**OF_COMMANDS) as client:
        for _ in range(3):
            await client.place_bet()
        before = await rows(connection)
        assert (await client.place_bet("early", stake=5)).status_code == 429
        assert await rows(connection) == before
    async with start_service() as client:
        later = await client.place_bet("early", stake=7)
        assert (later.status_code, later.json()["stake"]) == (201, 7)
        assert (await client.place_bet("early", stake=7)).json()["duplicate"] is True


async def test_repeats_and_refusals_count_like_any_other_request(
    start_service: StartService,
) -> None:
    async with start_service(**OF_COMMANDS) as client:
        answers = [
            await client.place_bet("k"),
            await client.place_bet("k"),
            await client.place_bet("k", stake=99),
            await client.place_bet("k"),
        ]
    assert [answer.status_code for answer in answers] == [201, 200, 422, 429]


async def test_every_command_and_every_read_of_a_tenant_is_counted(
    start_service: StartService, subtests: pytest.Subtests
) -> None:
    async with start_service() as client:
        book = await open_book(client)
    for operation in (*COMMANDS, *READS):
        limits = {"commands_per_second": 0.001, "reads_per_second": 0.001}
        with subtests.test(operation.id):
            async with start_service(**limits) as client:
                answers = [
                    await client.http.request(
                        operation.method,
                        book.fill(operation.template),
                        headers={
                            "X-Tenant-Id": str(DEFAULT_TENANT),
                            "Idempotency-Key": operation.id,
                        },
                        json=BODIES.get(operation.id),
                    )
                    for _ in range(2)
                ]
            kind = "reads" if operation.method == "GET" else "commands"
            assert answers[0].status_code != 429
            assert answers[1].status_code == 429
            assert {told(answer) for answer in answers} == {
                (f'"{kind}";q=1;w=1000', f'"{kind}";r=0;t=1000')
            }


async def test_a_stream_is_one_read_and_says_what_is_left(start_service: StartService) -> None:
    async with start_service(**OF_READS) as client:
        headers = {"X-Tenant-Id": str(DEFAULT_TENANT)}
        for left in (2, 1, 0):
            async with client.http.stream("GET", "/feed/stream", headers=headers) as stream:
                assert stream.status_code == 200
                assert stream.headers["RateLimit"] == f'"reads";r={left};t=1000'
        assert (await client.get("/feed/stream")).status_code == 429


async def test_what_is_not_about_a_tenants_data_is_not_counted(
    start_service: StartService,
) -> None:
    async with start_service(commands_per_second=0.001, **OF_READS) as client:
        for path in ("/livez", "/readyz", "/metrics", "/problems", "/schema", "/schemas/bets"):
            for _ in range(5):
                answer = await client.http.get(path, headers={"X-Tenant-Id": str(DEFAULT_TENANT)})
                assert answer.status_code != 429
                assert told(answer) == (None, None)
        assert told(await client.get("/users/u/balance"))[1] == '"reads";r=2;t=1000'


async def test_a_request_that_names_no_tenant_is_told_the_policy_and_takes_from_nobody(
    start_service: StartService,
) -> None:
    async with start_service(**OF_COMMANDS) as client:
        for _ in range(5):
            answer = await client.http.post("/bets", json=bet_body())
            assert answer.status_code == 400
            assert told(answer) == ('"commands";q=3;w=3000', None)
        assert told(await client.place_bet())[1] == '"commands";r=2;t=1000'


async def test_nothing_is_asked_of_the_database_for_a_request_too_many(
    start_service: StartService, connection: Connection
) -> None:
    async with start_service(commands_per_second=0.001, **OF_READS) as client:
        stranger = client.of(99999)
        for _ in range(3):
            assert (await stranger.place_bet()).status_code == 404
            assert (await stranger.get("/users/u/balance")).status_code == 404
        async with connection.transaction():
            await connection.execute("LOCK TABLE tenants, tenant_heads IN ACCESS EXCLUSIVE MODE")
            async with asyncio.timeout(5):
                assert (await stranger.place_bet()).status_code == 429
                assert (await stranger.get("/users/u/balance")).status_code == 429


async def test_a_body_is_not_decoded_for_a_request_too_many(start_service: StartService) -> None:
    async with start_service(**OF_COMMANDS) as client:
        headers = {"X-Tenant-Id": str(DEFAULT_TENANT), "Content-Type": "text/plain"}
        answers = [
            await client.http.post("/bets", content=content, headers=headers)
            for content in [b"{}"] * 3 + [b"{}", b"no JSON", b" " * MOST_BYTES]
        ]
    assert [answer.status_code for answer in answers] == [415] * 3 + [429] * 3


async def test_a_connection_serves_the_next_request_after_one_too_many(
    start_service: StartService,
) -> None:
    async with start_service(**OF_COMMANDS) as client:
        url, body = httpx.URL(client.http.base_url), json.dumps(bet_body()).encode()
        reader, writer = await asyncio.open_connection(url.host, url.port)
        statuses: list[bytes] = []
        for number in range(8):
            writer.write(
                f"POST /bets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"X-Tenant-Id: {DEFAULT_TENANT}\r\nIdempotency-Key: key-{number}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
            )
            await asyncio.sleep(0.02)  # so that the body comes when the answer is known already
            writer.write(body)
            answer = await reader.readuntil(b"\r\n\r\n")
            statuses.append(answer[9:12])
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            await reader.readexactly(length)
        writer.close()
    assert statuses == [b"201"] * 3 + [b"429"] * 5
