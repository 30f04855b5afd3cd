"""The database: its URL as the driver reads it, and the schema that the service accepts."""

import asyncpg

from app import database as schema
from tests.app.ledger import Connection


async def test_a_url_with_options_of_the_driver_is_good_for_migrations(database: str) -> None:
    separator = "&" if "?" in database else "?"
    await schema.migrate(f"{database}{separator}sslmode=disable")
    connection = await asyncpg.connect(database)
    assert await schema.schema_fault(connection) is None
    await connection.close()


async def test_a_schema_of_a_newer_release_is_no_fault(connection: Connection) -> None:
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert await schema.schema_fault(connection) is None


async def test_a_schema_that_is_behind_is_a_fault_that_says_what_to_run(
    connection: Connection,
) -> None:
    await connection.execute("UPDATE alembic_version SET version_num = '0002'")
    fault = await schema.schema_fault(connection)
    assert fault is not None
    assert "0002" in fault
    assert "alembic upgrade head" in fault
