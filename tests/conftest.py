"""A PostgreSQL server for the session, a database for each test, services over real HTTP."""

import asyncio
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from msgspec.structs import replace

from app import embedded
from app.factory import create_app
from app.migrations import migrate
from app.requests_seen import RequestsSeen
from app.server import MOST_HEADER_BYTES
from app.settings import Settings

pytest_plugins = ["tests.tally"]

DEFAULT_TENANT: Final = 10001
EXTERNAL_TENANT: Final = 10002
INTERNAL_TENANT: Final = 10003
LONG_SECONDS: Final = 3 * 3600  # for each of the long versions of tests
SECRET: Final = "a secret for the cursors of the tests"

# The server of the session keeps nothing that outlives it, so it need not wait for the disk;
# several run at once, so each stays small.
UNSAFE_BUT_FAST: Final = {
    "shared_buffers": "128MB",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


class Client:
    """A caller of the API as one tenant; every command gets a key of its own unless told."""

    def __init__(self, http: httpx.AsyncClient, tenant_id: int = DEFAULT_TENANT) -> None:
        self.http = http
        self.tenant_id = tenant_id

    def of(self, tenant_id: int) -> "Client":
        """The same service, called as another tenant."""
        return Client(self.http, tenant_id)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """GET as the tenant."""
        headers = {"X-Tenant-Id": str(self.tenant_id)} | options.pop("headers", {})
        return await self.http.get(path, headers=headers, **options)

    async def post(
        self, path: str, body: object = None, key: str | None = None, **headers: str
    ) -> httpx.Response:
        """POST a command; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"X-Tenant-Id": str(self.tenant_id), "Idempotency-Key": key or f"key-{uuid4()}"}
        return await self.http.post(path, json=body, headers=sent | named)

    async def place_bet(self, key: str | None = None, **fields: object) -> httpx.Response:
        """Place a bet of 10.50 at 2.10, with `fields` replaced."""
        return await self.post("/bets", bet_body(**fields), key)

    async def deposit(self, user_id: str, amount: object) -> httpx.Response:
        """Deposit an amount at once."""
        return await self.post("/payments", {"user_id": user_id, "amount": amount})


def bet_body(**fields: object) -> dict[str, object]:
    """The body of a valid request to place a bet, with `fields` replaced."""
    return {"user_id": "user-1", "stake": 10.5, "odds": 2.1, "fixture_id": "fixture-7"} | fields


StartService: TypeAlias = Callable[..., AbstractAsyncContextManager[Client]]


class Examples(Protocol):
    """How many examples a test makes up: `short` in every build, `long` by `make test-long`."""

    def __call__(self, *, short: int, long: int) -> int: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="run only the tests that have a long version, in it",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Every run makes up other examples, all from one number that repeats them.
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(secrets.randbits(32))


def pytest_report_header(config: pytest.Config) -> str:
    return f"made-up examples: repeat them with --hypothesis-seed={config.option.hypothesis_seed}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.option.long:
        return
    long, others = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        asked = {"examples", "long"} & set(getattr(item, "fixturenames", ()))
        item.add_marker(pytest.mark.timeout(LONG_SECONDS))
        (long if asked else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = long


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    """Whether the long versions of tests are to be run."""
    return bool(pytestconfig.option.long)


@pytest.fixture(scope="session")
def examples(pytestconfig: pytest.Config) -> Examples:
    """Asked by tests that make up their examples."""

    def number(*, short: int, long: int) -> int:
        return long if pytestconfig.option.long else short

    return number


@pytest.fixture(scope="session")
def run_seed(pytestconfig: pytest.Config) -> str:
    """What the run makes up its examples from; the header of the run says it."""
    return str(pytestconfig.option.hypothesis_seed)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server_url() -> Generator[str, None, None]:
    """A server on which databases can be created."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    directory = Path(tempfile.mkdtemp(prefix="stakebook-test-"))
    server = embedded.start(directory, settings=UNSAFE_BUT_FAST)
    yield server.url
    server.release()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
async def template(server_url: str) -> AsyncGenerator[str, None]:
    """The name of a migrated database with the tenants of the tests."""
    name = f"template_{uuid4().hex}"
    await _execute(server_url, f"CREATE DATABASE {name}")
    url = _with_database(server_url, name)
    await migrate(url)
    insert = "INSERT INTO tenants (id, name, slug, wallet) VALUES ($1, $2, $2, $2)"
    await _execute(url, insert, EXTERNAL_TENANT, "external")
    await _execute(url, insert, INTERNAL_TENANT, "internal")
    yield name
    await _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(server_url: str, template: str) -> AsyncGenerator[str, None]:
    """The URL of a migrated database that only this test uses."""
    name = f"test_{uuid4().hex}"
    await _execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _with_database(server_url, name)
    await _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def other_database(server_url: str, template: str) -> AsyncGenerator[str, None]:
    """The URL of a second one, of the same tenants."""
    name = f"test_{uuid4().hex}"
    await _execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _with_database(server_url, name)
    await _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database(server_url: str) -> AsyncGenerator[str, None]:
    """The URL of a database without a schema that only this test uses."""
    name = f"test_{uuid4().hex}"
    await _execute(server_url, f"CREATE DATABASE {name}")
    yield _with_database(server_url, name)
    await _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def connection(database: str) -> AsyncGenerator["asyncpg.Connection[Any]", None]:
    """A connection to the test's database, beside the service's own."""
    connected = await asyncpg.connect(database)
    yield connected
    await connected.close()


def starting(database: str) -> StartService:
    """Start a service on the database, or on another, with `settings` replaced."""

    @asynccontextmanager
    async def start(url: str = database, **settings: Any) -> AsyncGenerator[Client]:
        port = _free_port()
        server = Server(
            RequestsSeen(create_app(url, replace(Settings(cursor_secret=SECRET), **settings))),
            port=port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(max_buffer_size=MOST_HEADER_BYTES),
            websockets=False,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            await _until_alive(http)
            try:
                yield Client(http)
            finally:
                server.stop()  # type: ignore[no-untyped-call]  # untyped there
                await serving

    return start


@pytest.fixture
def start_service(database: str) -> StartService:
    """Start a service on the test's database, or on another, with `settings` replaced."""
    return starting(database)


@pytest.fixture
async def client(start_service: StartService) -> AsyncGenerator[Client, None]:
    """A caller of a service on the test's database, as the default tenant."""
    async with start_service() as connected:
        yield connected


async def _until_alive(http: httpx.AsyncClient) -> None:
    for attempt in count(1):
        try:
            await http.get("/livez")
        except httpx.TransportError:
            if attempt == 500:
                raise
            await asyncio.sleep(0.01)
        else:
            return


async def _execute(url: str, statement: str, *values: object) -> None:
    connected = await asyncpg.connect(url)
    try:
        await connected.execute(statement, *values)
    finally:
        await connected.close()


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
