"""No secret is printed or logged, whatever goes wrong and however much is logged."""

import re
from contextlib import AsyncExitStack
from urllib.parse import quote, urlsplit, urlunsplit

import pytest

from tests.app.ledger import Connection
from tests.app.processes import ServiceProcess, free_port, run, serving
from tests.app.proxy import proxy_to
from tests.conftest import SECRET, Client, bet_body

PASSWORD = "open-sesame-7"
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYWxsb3J5In0.c2lnbmF0dXJl"
COOKIE = "session-of-somebody"
USER = "user-whose-bets-nobody-reads-here"

# The password is `hunter2` and more, not encoded as a URL has to be.
MALFORMED = [
    "postgresql://app:hunter2/more@127.0.0.1/stakebook",
    "postgresql://app:hunter2#more@127.0.0.1/stakebook",
    "postgresql://app:hunter2?more@127.0.0.1/stakebook",
    "postgresql://app:[hunter2@127.0.0.1/stakebook",
    "postgresql://app:hunter2\N{CARE OF}@127.0.0.1/stakebook",
    "postgresql://app:more@[hunter2@127.0.0.1/stakebook",
    "postgresql://app:hunter2@127.0.0.1:port/stakebook",
    "postgresql://app:hunter2@127.0.0.1:99999/stakebook",
    "postgresql://app:hunter2@" + "a" * 64 + "/stakebook",
    "postgresql://app:hunter2@127.0.0.1/stakebook?sslmode=perhaps",
    "mysql://app:hunter2@127.0.0.1/stakebook",
    "app:hunter2@127.0.0.1/stakebook",
    "hunter2",
]


def with_password(url: str) -> tuple[str, str]:
    """`url` with a password, and the password; the embedded server takes any."""
    parts = urlsplit(url)
    if parts.password:
        return url, parts.password
    at = f"{parts.username or 'postgres'}:{quote(PASSWORD)}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=at)), PASSWORD


def secret_client(service: ServiceProcess) -> Client:
    """A caller who sends what must not be kept: a token, a cookie."""
    service.client.http.headers.update({"Authorization": f"Bearer {TOKEN}", "Cookie": COOKIE})
    return service.client


async def break_what_can_be_broken(client: Client, connection: Connection) -> None:
    """Have reads and commands fail: on missing tables, odd values, and what is no request."""
    await connection.execute(f"ALTER TABLE payments_view ADD CHECK (user_id <> '{USER}')")
    refused = await client.post("/payments", {"user_id": USER, "amount": 1})
    assert refused.status_code == 422
    await connection.execute("ALTER TABLE bets_view RENAME TO gone")
    assert (await client.get("/bets/b")).status_code == 500
    assert (await client.post("/bets", bet_body())).status_code == 500
    assert (await client.get("/users/u/bets?cursor=e30.e30")).status_code == 400
    assert (await client.http.get("/nothing")).status_code == 404
    assert (await client.http.post("/bets", content=b"{")).status_code == 415


@pytest.mark.parametrize(("level", "form"), [("debug", "json"), ("info", "readable")])
async def test_a_service_that_fails_in_every_way_logs_no_secret(
    database: str, connection: Connection, level: str, form: str
) -> None:
    async with AsyncExitStack() as way:
        proxy = await way.enter_async_context(proxy_to(database))
        url, password = with_password(proxy.url)
        async with serving(
            DATABASE_URL=url,
            LOG_LEVEL=level,
            LOG_FORMAT=form,
            WORKERS="2",
            COMMAND_TIMEOUT_SECONDS="0.5",
        ) as service:
            client = secret_client(service)
            await break_what_can_be_broken(client, connection)
            await way.aclose()
            for path in ("/bets/b", "/readyz", "/users/u/balance?as_of=1"):
                assert (await client.get(path)).status_code == 503
            assert (await client.place_bet()).status_code == 503
            service.terminate()
            assert await service.ended() == 0
            output = service.output()
    for expected in ("request failed", "command failed", "command rejected", "read failed"):
        assert expected in output
    for secret in (password, quote(password), SECRET, TOKEN, COOKIE, USER, url):
        assert secret not in output


@pytest.mark.parametrize("url", MALFORMED)
async def test_a_url_that_is_malformed_is_not_quoted(url: str) -> None:
    finished = await run("check", DATABASE_URL=url)
    assert finished.returncode == 1
    said = finished.stdout + finished.stderr
    assert re.fullmatch(r"stakebook: The database cannot be used: [^\n]+ DATABASE_URL\.\n", said)
    assert "hunter2" not in said
    assert "more" not in said


@pytest.mark.parametrize("command", [["serve"], ["migrate"], ["keys", "prune"], ["verify"]])
async def test_no_command_quotes_the_url(command: list[str]) -> None:
    for url in (MALFORMED[0], f"postgresql://app:hunter2@127.0.0.1:{free_port()}/more"):
        environment = {"DATABASE_URL": url, "CURSOR_SECRET": SECRET, "PORT": str(free_port())}
        finished = await run(*command, **environment, LOG_LEVEL="debug")
        assert finished.returncode == 1
        for secret in ("hunter2", "more", SECRET):
            assert secret not in finished.stdout + finished.stderr


@pytest.mark.parametrize(
    "setting", [("PORT", "http"), ("WORKERS", "0"), ("CORS_ORIGINS", "x"), ("CURSOR_SECRET", "s3")]
)
async def test_a_setting_that_is_refused_shows_no_other(setting: tuple[str, str]) -> None:
    url = f"postgresql://app:{PASSWORD}@127.0.0.1/stakebook"
    environment = {"DATABASE_URL": url, "CURSOR_SECRET": SECRET} | dict([setting])
    finished = await run("serve", **environment)
    assert finished.returncode == 1
    said = finished.stdout + finished.stderr
    assert said.startswith(f"stakebook: {setting[0]}")
    for secret in (PASSWORD, SECRET, "s3"):
        assert secret not in said
