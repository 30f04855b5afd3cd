"""How alembic reaches the database: over the connection handed in, or by the settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from app.address import database_url
from app.migrations import MIGRATING, migration_engine
from app.settings import Settings
from projections import metadata


def migrate(connection: Connection) -> None:
    """Run the migrations over `connection`."""
    # One at a time: who comes second finds the work done. Held until the connection closes.
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATING})")
    connection.commit()
    context.configure(
        connection=connection, target_metadata=metadata, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_by_settings() -> None:
    """Connect as the service would, and migrate."""
    with database_url(Settings.from_environment()) as url:
        engine = migration_engine(url)
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
        await engine.dispose()


if (connection := context.config.attributes.get("connection")) is not None:
    migrate(connection)
else:
    asyncio.run(migrate_by_settings())
