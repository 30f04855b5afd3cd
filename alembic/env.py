"""How alembic reaches the database: over the connection handed in, or by the settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from app.database import database_url, migration_engine
from app.settings import Settings
from projections import metadata


def migrate(connection: Connection) -> None:
    """Run the migrations over `connection`."""
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
