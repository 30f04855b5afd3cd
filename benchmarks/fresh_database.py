"""A database that only this benchmark uses: migrated, with its tenants, gone afterwards."""

import asyncio
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from app import database, embedded, migrations
from benchmarks.scenarios import ALL_TENANTS

_ADD_TENANTS: Final = """
    INSERT INTO tenants (id, name, slug, wallet)
    SELECT id, 'Benchmark ' || id, 'benchmark-' || id, $3
    FROM generate_series($1::bigint, $2::bigint) AS id
"""


@contextmanager
def fresh_database(directory: Path) -> Generator[str]:
    """The URL of a new database: on DATABASE_URL's server, or on one kept in `directory`.

    Raises `embedded.EmbeddedUnavailable` and `database.DatabaseUnusable`.
    """
    with _empty_database(directory) as url:
        asyncio.run(migrations.migrate(url))
        for tenants in ALL_TENANTS:
            _execute(url, _ADD_TENANTS, tenants.first, tenants.last, tenants.wallet)
        yield url


@contextmanager
def _empty_database(directory: Path) -> Generator[str]:
    if given := os.environ.get("DATABASE_URL"):
        with _database_of(given) as url:
            yield url
        return
    server = embedded.start(directory)
    try:
        yield server.url
    finally:
        server.release()


@contextmanager
def _database_of(server_url: str) -> Generator[str]:
    name = f"stakebook_benchmark_{secrets.token_hex(4)}"
    try:
        _execute(server_url, f"CREATE DATABASE {name}")
    except (OSError, ValueError, asyncpg.PostgresError) as error:
        raise database.DatabaseUnusable(
            f"No database can be created at DATABASE_URL: {error}"
        ) from error
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str, *arguments: object) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url, timeout=database.CONNECT_TIMEOUT_SECONDS)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    asyncio.run(run())
