"""Naming the tenants of a transaction or of a whole connection, for row-level security.

What the service reads and commits names its tenants in the statement itself
(`projections.row_security`); this is for work of several statements.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from projections.row_security import EVERY_TENANT, SETTING

if TYPE_CHECKING:
    from app.event_log import Connection

_SET: Final = "SELECT set_config($1, $2, $3)"


@asynccontextmanager
async def naming(connection: "Connection", tenant_id: int) -> AsyncGenerator[None]:
    """A transaction that names a tenant and sees no other."""
    async with connection.transaction():
        await connection.execute(_SET, SETTING, f"{{{tenant_id}}}", True)  # noqa: FBT003 - to its end
        yield


async def turn_to(connection: "Connection", tenant_id: int) -> None:
    """Name a tenant for all that follows on a connection, which is for one at a time."""
    await connection.execute(_SET, SETTING, f"{{{tenant_id}}}", False)  # noqa: FBT003 - beyond it


async def show_every_tenant(connection: "Connection") -> None:
    """Let the transaction see the list of tenants, and nothing of theirs."""
    await connection.execute(_SET, EVERY_TENANT, "yes", True)  # noqa: FBT003 - to its end
