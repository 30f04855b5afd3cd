"""How a worker learns that it is to report itself not ready."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar

from app.service import Service


@asynccontextmanager
async def drain_on_signal(app: Litestar) -> AsyncGenerator[None, None]:
    """Let SIGUSR1 make the worker report itself not ready."""

    def drain() -> None:
        service: Service = app.state["service"]
        service.draining = True

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, drain)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
