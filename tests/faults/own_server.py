"""A PostgreSQL server of a test's own, which is stopped, crashes and comes back."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from app import embedded
from app.migrations import migrate
from tests.app.locks import until
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, UNSAFE_BUT_FAST

_TENANT: Final = "INSERT INTO tenants (id, name, slug, wallet) VALUES ($1, $2, $2, $2)"
_SMALL: Final = UNSAFE_BUT_FAST | {"shared_buffers": "32MB"}


class OwnServer:
    """Runs in a directory; `url` stays the same whenever it runs."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self._directory = directory
        self._settings = _SMALL | settings
        self._server = self._start()
        self.url = self._server.url

    async def stop_at_once(self) -> None:
        """End it as PostgreSQL's own `immediate` does: no checkpoint, no word to anybody."""
        lock = self._directory / "postgres" / "postmaster.pid"
        os.kill(int(lock.read_text().split()[0]), signal.SIGQUIT)

        async def gone() -> bool:
            return not lock.exists()

        await until(gone)
        await self.release()

    async def start(self) -> None:
        """Start it again; it recovers first."""
        self._server = await asyncio.to_thread(self._start)

    async def release(self) -> None:
        """Stop it, if it runs."""
        await asyncio.to_thread(self._server.release)

    def _start(self) -> embedded.EmbeddedServer:
        return embedded.start(self._directory, self._settings)


@asynccontextmanager
async def own_server(**settings: str) -> AsyncGenerator[OwnServer, None]:
    """A running server with these settings, migrated, with the tenants of the tests."""
    directory = Path(tempfile.mkdtemp(prefix="stakebook-test-"))
    server = await asyncio.to_thread(OwnServer, directory, settings)
    try:
        await migrate(server.url)
        connection = await asyncpg.connect(server.url)
        await connection.execute(_TENANT, EXTERNAL_TENANT, "external")
        await connection.execute(_TENANT, INTERNAL_TENANT, "internal")
        await connection.close()
        yield server
    finally:
        await server.release()
        shutil.rmtree(directory, ignore_errors=True)
