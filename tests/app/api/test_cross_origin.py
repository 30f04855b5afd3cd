"""Pages of other origins: none may read an answer unless it is allowed to, and then any answer."""

import httpx
import pytest

from app.origins import Origins
from tests.app.api.book import open_book, placed
from tests.app.api.operations import OPERATIONS
from tests.app.ledger import Connection
from tests.conftest import Client, StartService, bet_body

SHOP, OFFICE = "https://shop.example", "http://localhost:3000"
ALLOWED = Origins(f"{SHOP},{OFFICE}")
STRANGERS = [
    "https://stranger.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://shop.example.stranger.example",
    "https://shopXexample",
    "https://stranger.example/https://shop.example",
    f"{SHOP}, {OFFICE}",
    SHOP.upper(),
    "null",
    "*",
    "",
]
SENT = {
    *("x-tenant-id", "idempotency-key", "content-type", "authorization"),
    *("if-match", "if-none-match", "last-event-id"),
    *("x-correlation-id", "x-request-id", "traceparent"),
}
READ = {
    *("etag", "location", "link", "idempotent-replayed", "x-request-id"),
    *("retry-after", "ratelimit", "ratelimit-policy", "www-authenticate"),
}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,idempotency-key,x-tenant-id",
}


def of_cors(answer: httpx.Response) -> dict[str, str]:
    """The headers of an answer that browsers look at."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name.startswith("access-control-") or name == "vary"
    }


def listed(answer: httpx.Response, name: str) -> set[str]:
    return {value.lower() for value in answer.headers.get_list(name, split_commas=True)}


def assert_readable(answer: httpx.Response, origin: str = SHOP) -> None:
    """A page of `origin` may read the answer, and caches know that it is for that origin."""
    assert answer.headers.get_list("Access-Control-Allow-Origin") == [origin]
    assert listed(answer, "Access-Control-Expose-Headers") == READ
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "origin" in listed(answer, "Vary")


async def test_no_page_of_another_origin_may_read_anything_by_default(client: Client) -> None:
    bet_id = await placed(client)
    for path in (f"/bets/{bet_id}", "/nothing", "/livez", "/schema"):
        assert of_cors(await client.get(path, headers={"Origin": SHOP})) == {}
    preflight = await client.http.options("/bets", headers={"Origin": SHOP} | PREFLIGHT)
    assert of_cors(preflight) == {}


async def test_a_page_that_is_allowed_may_read_every_answer(
    start_service: StartService, subtests: pytest.Subtests
) -> None:
    async with start_service(cors_origins=ALLOWED) as client:
        book = await open_book(client)
        for operation in OPERATIONS:
            with subtests.test(operation.id):
                request = client.http.build_request(
                    operation.method,
                    book.fill(operation.template),
                    headers={"Origin": SHOP, "X-Tenant-Id": "10001"},
                )
                answer = await client.http.send(request, stream=True)
                await answer.aclose()  # one of them has no end
                assert_readable(answer)


async def test_a_command_and_its_refusals_can_be_read(
    start_service: StartService, connection: Connection
) -> None:
    origin = {"Origin": OFFICE}
    async with start_service(cors_origins=ALLOWED) as client:
        statuses: list[int] = []
        for body in (bet_body(), bet_body(), bet_body(stake=99), bet_body(stake=0)):
            answer = await client.post("/bets", body, "once", **origin)
            assert_readable(answer, OFFICE)
            statuses.append(answer.status_code)
        await connection.execute("ALTER TABLE bets_view RENAME TO gone")
        crashed = await client.post("/bets", bet_body(), "other", **origin)
        assert_readable(crashed, OFFICE)
        assert [*statuses, crashed.status_code] == [201, 200, 422, 400, 500]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/schema/nothing", 404),
        ("DELETE", "/bets", 405),
        ("GET", "/bets/b", 400),
        ("GET", "/schema/assets/swagger-ui.css", 200),
        ("OPTIONS", "/bets", 204),
    ],
)
async def test_what_the_router_answers_can_be_read(
    start_service: StartService, method: str, path: str, status: int
) -> None:
    async with start_service(cors_origins=ALLOWED) as client:
        answer = await client.http.request(method, path, headers={"Origin": SHOP})
        assert answer.status_code == status
        assert_readable(answer)


async def test_an_unchanged_bet_can_be_read(start_service: StartService) -> None:
    async with start_service(cors_origins=ALLOWED) as client:
        path = f"/bets/{await placed(client)}"
        answer = await client.get(path, headers={"Origin": SHOP, "If-None-Match": '"1"'})
        assert answer.status_code == 304
        assert_readable(answer)


async def test_the_media_type_that_an_answer_depends_on_stays_in_vary(
    start_service: StartService,
) -> None:
    async with start_service(cors_origins=ALLOWED) as client:
        for headers in ({"Origin": SHOP}, {"Origin": STRANGERS[0]}, {}):
            answer = await client.get("/feed", headers=headers)
            assert listed(answer, "Vary") == {"accept", "origin"}


@pytest.mark.parametrize("origin", STRANGERS)
async def test_a_stranger_may_read_nothing_and_is_not_told_who_may(
    start_service: StartService, origin: str
) -> None:
    async with start_service(cors_origins=ALLOWED) as client:
        bet_id = await placed(client)
        for path in (f"/bets/{bet_id}", "/nothing"):
            answer = await client.get(path, headers={"Origin": origin})
            assert of_cors(answer) == {"vary": "Origin"}
        preflight = await client.http.options("/bets", headers={"Origin": origin} | PREFLIGHT)
        assert of_cors(preflight) == {"vary": "Origin"}


async def test_a_preflight_of_an_allowed_page_is_answered_on_every_path(
    start_service: StartService, subtests: pytest.Subtests
) -> None:
    async with start_service(cors_origins=ALLOWED) as client:
        for path in sorted({operation.template for operation in OPERATIONS} | {"/nothing"}):
            with subtests.test(path):
                answer = await client.http.options(path, headers={"Origin": SHOP} | PREFLIGHT)
                assert (answer.status_code, answer.content) == (204, b"")
                assert answer.headers.get_list("Access-Control-Allow-Origin") == [SHOP]
                assert listed(answer, "Access-Control-Allow-Headers") >= SENT
                assert listed(answer, "Access-Control-Allow-Methods") == {
                    *("get", "head", "patch", "post")
                }
                assert answer.headers["Access-Control-Max-Age"] == "600"
                assert "Access-Control-Allow-Credentials" not in answer.headers
                assert listed(answer, "Vary") == {"origin"}


async def test_every_page_may_read_if_every_origin_is_allowed_and_none_with_credentials(
    start_service: StartService,
) -> None:
    async with start_service(cors_origins=Origins("*")) as client:
        headers = {"Origin": STRANGERS[0], "Cookie": "session=1"}
        answer = await client.get("/tenants/summary", headers=headers)
        preflight = await client.http.options("/bets", headers=headers | PREFLIGHT)
        for each in (answer, preflight):
            assert each.headers.get_list("Access-Control-Allow-Origin") == ["*"]
            assert "Access-Control-Allow-Credentials" not in each.headers
            assert "Vary" not in each.headers
        assert listed(answer, "Access-Control-Expose-Headers") == READ
