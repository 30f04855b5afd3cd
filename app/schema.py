"""Whether the database has the schema that this release needs."""

from typing import Final

import asyncpg

from app.database import UNREACHABLE, DatabaseUnusable, connect
from projections.row_security import OPERATOR_ROLE, SERVICE_ROLE

# The newest revision in alembic/versions, held here because importing alembic takes 20 MB.
# Revisions are numbers of four digits that follow one another: a greater one is newer.
REVISION: Final = "0005"
_MIGRATED: Final = "run `alembic upgrade head`"
_GRANTED: Final = "docs/settings.md says which roles the login needs."


async def schema_fault(database: asyncpg.Pool | asyncpg.Connection) -> str | None:
    """What keeps the schema of the database from being the one the service needs, or None."""
    try:
        found = await database.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        found = None
    except asyncpg.InsufficientPrivilegeError as error:
        return f"{error}: {_GRANTED}".capitalize()
    except asyncpg.InvalidParameterValueError as error:  # no such role yet
        return f"{error}: {_MIGRATED}.".capitalize()
    except UNREACHABLE:
        return "The database cannot be reached."
    if found is not None and found >= REVISION:
        return None  # a schema that is ahead is a newer release's: a deploy is under way
    return f"The schema is at {found or 'nothing'}, not at {REVISION}: {_MIGRATED}."


async def check(url: str) -> None:
    """Make sure that the database can serve. Raises `DatabaseUnusable`."""
    connection = await connect(url)
    try:
        fault = await schema_fault(connection) or await _role_fault(connection)
        if fault:
            raise DatabaseUnusable(fault)
    finally:
        await connection.close()


async def _role_fault(connection: asyncpg.Connection) -> str | None:
    """What keeps the login from working as the roles that migrations make, or None."""
    login = await connection.fetchval("SELECT current_user")
    for role in (SERVICE_ROLE, OPERATOR_ROLE):
        try:
            if not await connection.fetchval("SELECT pg_has_role($1, 'MEMBER')", role):
                return (
                    f"{login} may not become {role}: have somebody run `GRANT {role} TO {login}`."
                )
        except asyncpg.UndefinedObjectError:
            return f"There is no role {role}: {_MIGRATED}."
    return None
