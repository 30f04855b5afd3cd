"""Rebuilding from a test, and a tenant with enough to rebuild."""

from collections.abc import Sequence

from app.database import batch_connection
from app.rebuild import NAMES, Rebuilt, rebuild
from tests.app.submissions import place
from tests.app.units import applied, connected


def ignore(_: int) -> None:
    """No progress is shown."""


async def rebuilt(database: str, tenant: int, views: Sequence[str] = NAMES) -> Rebuilt:
    """Rebuild the tenant on a connection of its own."""
    async with batch_connection(database, "test") as connection:
        return await rebuild(connection, tenant, views, ignore)


async def place_many(database: str, bets: int) -> None:
    """Place so many bets of the tenant with an external wallet."""
    async with connected(database) as process:
        for at in range(0, bets, 250):
            batch = [place(user_id=f"user-{n}") for n in range(at, min(bets, at + 250))]
            applied(await process.run(*batch))
