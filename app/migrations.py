"""Bringing the schema of a database to a revision."""

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
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.database import CONNECT_TIMEOUT_SECONDS, UNREACHABLE, DatabaseUnusable

PROJECT: Final = Path(__file__).parent.parent
MIGRATING: Final = 5_729_017_233  # any number that nobody else locks


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
        connection = await _connect(engine)
        try:
            await connection.run_sync(lambda sync: _migrate_over(config, sync, revision))
        finally:
            await connection.close()
    except CommandError as error:
        raise DatabaseUnusable(f"The schema stays as it is: {error}.") from error
    finally:
        await engine.dispose()


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    try:
        return await engine.connect()
    except DBAPIError as error:
        raise DatabaseUnusable.because(error.orig or error) from error
    except UNREACHABLE as error:
        raise DatabaseUnusable.because(error) from error


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
