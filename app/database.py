"""How the service reaches PostgreSQL: the URL, the pool, and the state of the schema."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app import embedded
from app.settings import Settings

PROJECT: Final = Path(__file__).parent.parent
CONNECT_TIMEOUT_SECONDS: Final = 5.0
LOCK_TIMEOUT_MILLISECONDS: Final = 500
_UNREACHABLE: Final = (
    OSError,
    TimeoutError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)


# Every query is bound to a tenant and finds its rows by an index (a ranking then sorts them).
# A plan that is made once, perhaps while the tables are empty, must be the one that still
# serves when they are not.
PLANNER: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class DatabaseUnusable(Exception):
    """The database cannot serve; the message says what to do about it."""


@contextmanager
def database_url(settings: Settings) -> Generator[str]:
    """The URL of the database of `settings`, with the embedded server started if it is that.

    Raises `embedded.EmbeddedUnavailable`.
    """
    if settings.database_url:
        yield settings.database_url
        return
    server = embedded.start(settings.data_dir)
    try:
        yield server.url
    finally:
        server.release()


async def open_pool(url: str, settings: Settings, size: int | None = None) -> asyncpg.Pool:
    """A pool of at most `size` connections (else `pool_size`), for prepared statements.

    A generic plan saves planning the large commit statement for every batch. Connections
    carry no session state, so nothing has to be reset, and no round trip is spent on it.
    """
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size or settings.pool_size,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=settings.statement_timeout_seconds + 1,
        reset=_nothing_to_reset,
        max_cacheable_statement_size=0,  # however long: the commit statement is
        max_cached_statement_lifetime=0,
        server_settings={
            "application_name": "stakebook",
            "timezone": "UTC",
            **PLANNER,
            "default_transaction_isolation": "read committed",
            "statement_timeout": str(round(settings.statement_timeout_seconds * 1000)),
            "lock_timeout": str(LOCK_TIMEOUT_MILLISECONDS),
            "idle_in_transaction_session_timeout": "60000",
        },
    )


async def _nothing_to_reset(connection: object) -> None:
    pass


def migration_engine(url: str) -> AsyncEngine:
    """An engine for migrations, over asyncpg like everything else."""

    async def connect() -> asyncpg.Connection:
        # By the driver, which understands the whole URL: sslmode and its like.
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)


def alembic_config() -> Config:
    """Alembic's configuration, which is a section of pyproject.toml."""
    return Config(toml_file=PROJECT / "pyproject.toml")


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema of the database to `revision`, up or down. Raises `DatabaseUnusable`."""
    config = alembic_config()
    engine = migration_engine(url)
    try:
        with _reached():
            connection = await engine.connect()
        try:
            await connection.run_sync(lambda sync: _migrate_over(config, sync, revision))
        finally:
            await connection.close()
    except CommandError as error:
        raise DatabaseUnusable(f"The schema stays as it is: {error}.") from error
    finally:
        await engine.dispose()


def _migrate_over(config: Config, connection: Connection, revision: str) -> None:
    config.attributes["connection"] = connection
    if revision == "base" or revision.startswith("-") or _is_behind(config, connection, revision):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _is_behind(config: Config, connection: Connection, revision: str) -> bool:
    """Whether `revision` is one that the schema has gone through already."""
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    behind = ScriptDirectory.from_config(config).iterate_revisions(found or "base", "base")
    return revision in {script.revision for script in behind}


@contextmanager
def _reached() -> Generator[None]:
    """Say in one line what keeps the database from being reached."""
    try:
        yield
    except (*_UNREACHABLE, DBAPIError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error) or type(error).__name__
        raise DatabaseUnusable(
            f"The database cannot be used: {reason}. Check DATABASE_URL."
        ) from error


async def schema_fault(database: asyncpg.Pool | asyncpg.Connection) -> str | None:
    """What keeps the schema of the database from being the one the service needs, or None."""
    try:
        found = await database.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        found = None
    except _UNREACHABLE:
        return "The database cannot be reached."
    if found == _head() or (found is not None and found not in _known()):
        return None  # a schema that this release does not know is newer: a deploy is under way
    return f"The schema is at {found or 'nothing'}, not at {_head()}: run `alembic upgrade head`."


@cache
def _head() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


@cache
def _known() -> frozenset[str]:
    scripts = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return frozenset(script.revision for script in scripts)


async def make_ready(url: str, *, migrate_first: bool) -> None:
    """Make sure that the database can serve. Raises `DatabaseUnusable`."""
    if migrate_first:
        await migrate(url)
    with _reached():
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        if fault := await schema_fault(connection):
            raise DatabaseUnusable(fault)
    finally:
        await connection.close()
