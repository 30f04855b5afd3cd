"""Whether the database has the schema that this release needs."""

from typing import Final

import asyncpg

from app.database import UNREACHABLE, DatabaseUnusable, connect

# The newest revision in alembic/versions, held here because importing alembic takes 20 MB.
# Revisions are numbers of four digits that follow one another: a greater one is newer.
REVISION: Final = "0004"


async def schema_fault(database: asyncpg.Pool | asyncpg.Connection) -> str | None:
    """What keeps the schema of the database from being the one the service needs, or None."""
    try:
        found = await database.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        found = None
    except UNREACHABLE:
        return "The database cannot be reached."
    if found is not None and found >= REVISION:
        return None  # a schema that is ahead is a newer release's: a deploy is under way
    return f"The schema is at {found or 'nothing'}, not at {REVISION}: run `alembic upgrade head`."


async def check(url: str) -> None:
    """Make sure that the database can serve. Raises `DatabaseUnusable`."""
    connection = await connect(url)
    try:
        if fault := await schema_fault(connection):
            raise DatabaseUnusable(fault)
    finally:
        await connection.close()
